"""Books with a provider, a customer with two numbers, and features of every cycle."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import text

from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database
from callserver.adapters.sql.features import SqlFeatures
from callserver.domain.billing_month import day_start_ms
from callserver.domain.business import Customer, Did, NumberState, Provider
from callserver.domain.features import FeatureVersion
from callserver.domain.ledger import EntryKind, provider_account
from callserver.domain.periods import Cycle
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.samples import changes

DID, OTHER_DID = "4001234567", "4001234568"
YUAN = 1_000_000
START = date(2026, 1, 31)
FEES = {Cycle.ONCE: 100 * YUAN, Cycle.MONTH: 30 * YUAN, Cycle.YEAR: 300 * YUAN}
NAMES = {Cycle.ONCE: "greeting", Cycle.MONTH: "recording", Cycle.YEAR: "menu"}


@dataclass
class FeatureBed:
    """The parts."""

    books: SqlBooks
    database: Database
    features: SqlFeatures
    clock: SetClock

    def set_day(self, day: date, hour: int = 9) -> None:
        """Make it this day in Shanghai."""
        self.clock.us = (day_start_ms(day) + hour * 3_600_000) * 1000

    async def top_up(self, yuan: int, provider: str = "north") -> None:
        """Put money into a provider's account."""
        operation = f"top-up-{self.clock.us}-{provider}-{yuan}"
        account = provider_account(provider)
        await self.books.post(account, EntryKind.TOP_UP, yuan * YUAN, operation, "clerk", "bank")

    async def balance(self, account: str = "provider:north") -> int:
        """Whole yuan of an account."""
        sums = await self.books.account_sums([account])
        return sums[account].settled_micros // YUAN

    async def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """What a query finds."""
        return await self.database.read(
            lambda connection: [tuple(row) for row in connection.execute(text(statement))]
        )

    async def run(self, statement: str) -> None:
        """Write past the books."""
        await self.database.write(lambda connection: connection.execute(text(statement)))

    async def renew(self, day: date, retry_days: int = 30) -> list[str]:
        """Everything that is due on a day: the events, in order."""
        self.set_day(day)
        done: list[str] = []
        for activation in await self.features.due(0, 100):
            while event := await self.features.renew(activation, retry_days):
                done.append(event.value)
        return done


async def fill(books: SqlBooks, database: Database, clock: SetClock) -> FeatureBed:
    """The bed on `START`, with 1000 yuan in provider north's account."""
    await books.apply_import(
        changes(
            providers=(Provider("north", "北方通信"), Provider("south", "南方通信")),
            customers=(
                Customer("acme", "顶点商贸", "north", "standard"),
                Customer("bolt", "螺栓", "south", "standard"),
            ),
            dids=(
                Did(DID, "acme", NumberState.ACTIVE, ()),
                Did(OTHER_DID, "acme", NumberState.ACTIVE, ()),
            ),
            routes={},
        ),
        "test",
    )
    bed = FeatureBed(books, database, SqlFeatures(database, clock), clock)
    bed.set_day(START)
    for cycle, fee in FEES.items():
        name = NAMES[cycle]
        wanted = FeatureVersion(name, name.title(), cycle, 0, date(2026, 1, 1), fee)
        await bed.features.add_version(wanted, "clerk")
    await bed.top_up(1000)
    return bed
