"""A small business whose months can be closed: numbers, calls at chosen times, and the services."""

from dataclasses import dataclass, field

from sqlalchemy import Connection, insert, select

from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database
from callserver.adapters.sql.minimums import SqlMinimums
from callserver.adapters.sql.months import SqlMonths
from callserver.adapters.sql.schema import ledger_entry
from callserver.adapters.sql.schema_numbers import number_event
from callserver.domain.billing_month import BillingMonth
from callserver.domain.business import Customer, Did, NumberState, Provider
from callserver.domain.cdr import Cdr
from callserver.domain.ledger import EntryKind
from callserver.domain.minimum import MinimumWish
from callserver.service.months import Months
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.samples import T0_MS, cdr, changes

YUAN = 1_000_000
SEPTEMBER, OCTOBER = BillingMonth(2026, 9), BillingMonth(2026, 10)
NOVEMBER, DECEMBER = BillingMonth(2026, 11), BillingMonth(2026, 12)
HOUR_MS = 3_600_000
ACME, ACME_TOO, BOLT = "4001234567", "4001234568", "4001234569"
BUSINESS = changes(
    providers=(Provider("north", "北方"), Provider("city", "城", "north")),
    customers=(
        Customer("acme", "A", "north", "standard"),
        Customer("bolt", "B", "city", "standard"),
    ),
    dids=tuple(
        Did(did, owner, NumberState.ACTIVE, ())
        for did, owner in ((ACME, "acme"), (ACME_TOO, "acme"), (BOLT, "bolt"))
    ),
    routes={},
)


@dataclass
class World:
    """Books in which it is whatever time a test says."""

    books: SqlBooks
    database: Database
    clock: SetClock
    months: Months = field(init=False)
    sql: SqlMonths = field(init=False)
    minimums: SqlMinimums = field(init=False)

    def __post_init__(self) -> None:
        self.sql = SqlMonths(self.database, self.clock)
        self.months = Months(self.sql, self.clock, 5)
        self.minimums = SqlMinimums(self.database, self.clock)

    async def open(self) -> None:
        """Three numbers, active since September, each with a minimum of 50 from October."""
        await self.books.apply_import(BUSINESS, "test")
        wishes = [MinimumWish(did, 50 * YUAN, f"m:{did}", confirmed=True) for did in NUMBERS]
        await self.minimums.put(wishes, "clerk")

    def go_to(self, at_ms: int) -> None:
        """Let it be another time."""
        self.clock.us = at_ms * 1000

    def after(self, month: BillingMonth) -> None:
        """Let it be an hour after the month."""
        self.go_to(month.to_ms + HOUR_MS)

    async def call(self, did: str, month: BillingMonth, yuan: float, day: int = 5) -> Cdr:
        """A call that ended on that day of the month; `yuan` in whole fen."""
        ended_ms = month.from_ms + (day - 1) * 24 * HOUR_MS + HOUR_MS
        return await self.call_that_ended(did, ended_ms, yuan)

    async def call_that_ended(self, did: str, ended_ms: int, yuan: float) -> Cdr:
        """The same, at that instant."""
        micros = round(yuan * 100) * 10_000
        owner = "bolt" if did == BOLT else "acme"
        provider = "city" if did == BOLT else "north"
        given = {"did": did, "customer": owner, "account": owner, "provider": provider}
        money = {"fee_micros": micros, "charged_micros": micros}
        times = {"ended_ms": ended_ms, "answered_ms": ended_ms - 61_000}
        made = cdr(**given, **money, **times)
        await self.books.write_cdrs([made])
        return made

    async def happened(self, did: str, at_ms: int, to_state: str, customer: str | None) -> None:
        """A step in a number's history."""
        row = {"number": did, "at_ms": at_ms, "event": "test", "to_state": to_state}
        row |= {"reason": "", "actor": "test", "customer": customer}
        await self.database.write(lambda c: c.execute(insert(number_event), row))

    async def entries(self, kind: EntryKind) -> list[tuple[str, int, str]]:
        """Account, micros and operation of the entries of a kind, as they were posted."""

        def read(connection: Connection) -> list[tuple[str, int, str]]:
            entry = ledger_entry.c
            query = select(entry.account, entry.amount_micros, entry.operation_id)
            rows = connection.execute(query.where(entry.kind == kind.value).order_by(entry.id))
            return [(row[0], row[1], row[2]) for row in rows if row[1]]

        return await self.database.read(read)


NUMBERS = (ACME, ACME_TOO, BOLT)
assert BillingMonth.of(T0_MS) == SEPTEMBER
