"""Two trees of providers, their customers and a shelf of numbers, for the tests of [R3]."""

from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

from callserver.adapters.sealing import KeyFileSealer
from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.numbers import SqlNumbers
from callserver.domain.business import Customer, Provider
from callserver.domain.import_set import ImportChanges
from callserver.domain.ledger import EntryKind
from callserver.domain.lifecycle import NumberEvent, Periods, Suspension
from callserver.domain.number_change import Command, NumberChange
from callserver.domain.number_class import DEFAULT_CLASSES
from callserver.domain.tariff import TariffVersion
from callserver.service.numbers import HandedIn, NumberPolicy, Numbers
from tests.adapters.sql.conftest import SetClock

ORDINARY, LONG, SPECIAL = "4001234569", "4008234569", "4001230888"
SHELF = (ORDINARY, LONG, SPECIAL)
MINUTE_MS, DAY_MS = 60_000, 86_400_000
FORM = {
    "company": "杭州西溪茶业有限公司",
    "credit_code": "91350100M000100Y43",
    "contact": "陈建国",
    "mobile": "13588826633",
    "address": "杭州市西湖区文三路 90 号",
    "purpose": "茶叶订购热线",
    "industry": "食品零售",
}
PROVIDERS = (
    Provider("root", "总代理"),
    Provider("north", "北方通信", "root"),
    Provider("south", "南方通信", "root"),
    Provider("leaf", "小北", "north"),
    Provider("rival", "对手"),
)
CUSTOMERS = (
    Customer("acme", "顶点商贸", "north", "standard"),
    Customer("leafy", "绿叶", "leaf", "standard"),
    Customer("elsewhere", "别处", "rival", "standard"),
)


@dataclass
class NumberBed:
    """The service over real books; `clock` stands until it is moved."""

    books: SqlBooks
    clock: SetClock
    numbers: Numbers
    operations: "count[int]" = field(default_factory=lambda: count(1))

    async def furnish(self, base_version: int = 0) -> None:
        """Providers, customers and numbers are there."""
        rows = ImportChanges(
            base_version=base_version,
            providers=PROVIDERS,
            tariff_versions=(TariffVersion("standard", 1, 0, 150_000),),
            customers=CUSTOMERS,
        )
        assert await self.books.apply_import(rows, "test")
        await self.numbers.add(SHELF)

    def command(self, event: NumberEvent, number: str = ORDINARY, **more: Any) -> Command:
        """A command under a new operation id unless one is given."""
        given = {"operation_id": f"op-{next(self.operations)}", "actor": "test"}
        return Command(event, number, **given | more)

    async def reserve(
        self, number: str = ORDINARY, provider: str = "north", **more: Any
    ) -> NumberChange:
        """Reserve with a good form."""
        command = self.command(NumberEvent.RESERVE, number, provider=provider, **more)
        return await self.numbers.reserve(command, FORM)

    async def do(self, event: NumberEvent, number: str = ORDINARY, **more: Any) -> NumberChange:
        """Anything else."""
        return await self.numbers.act(self.command(event, number, **more))

    async def submit(self, number: str = ORDINARY) -> NumberChange:
        """Hand in one small file."""
        file = HandedIn("licence", "licence.pdf", content=b"a scan of the licence")
        return await self.numbers.submit(self.command(NumberEvent.SUBMIT, number), [file])

    async def activate(self, number: str = ORDINARY, customer: str = "acme") -> None:
        """From the shelf to the customer's telephone."""
        await self.reserve(number)
        await self.do(NumberEvent.LOCK, number, provider="north", customer=customer)
        await self.submit(number)
        await self.do(NumberEvent.APPROVE, number)
        await self.do(NumberEvent.ACTIVATE, number, carrier_reference="CT-1")

    async def suspend(self, reason: Suspension, number: str = ORDINARY) -> NumberChange:
        """Suspend for one reason."""
        return await self.do(NumberEvent.SUSPEND, number, suspension=reason)

    async def top_up(self, provider: str, micros: int) -> None:
        """Money for a provider."""
        operation = f"top-up-{next(self.operations)}"
        account = f"provider:{provider}"
        await self.books.post(account, EntryKind.TOP_UP, micros, operation, "test", "")

    async def settled(self, provider: str) -> int:
        """What a provider has."""
        account = f"provider:{provider}"
        return (await self.books.account_sums([account]))[account].settled_micros

    def later(self, ms: int) -> None:
        """Let time go by."""
        self.clock.us += ms * 1000

    @property
    def now_ms(self) -> int:
        """What the clock says."""
        return self.clock.us // 1000


def number_bed(books: SqlBooks, clock: SetClock, folder: Path, **periods: int) -> NumberBed:
    """The service with its keys in `folder`."""
    book = SqlNumbers(books.database, replace(Periods(), **periods))  # type: ignore[arg-type]  # milliseconds all
    sealer = KeyFileSealer(folder / "form.keys")
    policy = NumberPolicy(DEFAULT_CLASSES, 30 * DAY_MS)
    return NumberBed(books, clock, Numbers(book, sealer, clock, policy))
