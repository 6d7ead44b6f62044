"""Books with two customers and plans of either rhythm; time is set, calls are CDRs."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import text

from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database
from callserver.adapters.sql.plans import SqlPlans
from callserver.domain.billing_month import day_start_ms
from callserver.domain.business import Billing, Customer
from callserver.domain.ledger import EntryKind
from callserver.domain.plans import PlanVersion, Rhythm, Subscription
from callserver.domain.tariff import TariffVersion
from callserver.ports.plans import GrantView, LiveMoney, PlanOrder
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.samples import cdr, changes

YUAN = 1_000_000
START = date(2015, 2, 25)
LOCAL = {"operation_id": "op-1", "actor": "clerk", "live": None}


@dataclass
class PlanBed:
    """The parts."""

    books: SqlBooks
    database: Database
    plans: SqlPlans
    clock: SetClock
    made: int = 0

    def set_day(self, day: date, hour: int = 9) -> None:
        """Make it this day in Shanghai."""
        self.clock.us = (day_start_ms(day) + hour * 3_600_000) * 1000

    async def top_up(self, yuan: int, customer: str = "acme") -> None:
        """Put money in."""
        self.made += 1
        operation = f"top-up-{self.made}"
        await self.books.post(customer, EntryKind.TOP_UP, yuan * YUAN, operation, "clerk", "bank")

    async def call(self, yuan: int = 0, minutes: int = 0) -> None:
        """A call of acme that cost this."""
        self.clock.us += 1_000_000
        ended_ms = self.clock.us // 1000
        await self.books.write_cdrs(
            [
                cdr(
                    fee_micros=yuan * YUAN,
                    charged_micros=yuan * YUAN,
                    included_minutes=minutes,
                    ended_ms=ended_ms,
                )
            ]
        )

    async def subscribe(
        self, plan: str = "gold", years: int = 1, operation_id: str = "op-1", **more: Any
    ) -> Subscription:
        """Acme takes a plan."""
        order = PlanOrder("acme", plan, years, **more)
        return await self.plans.subscribe(order, operation_id, "clerk", None)

    async def run(
        self, day: date, live: LiveMoney | None = None, retry_days: int = 30, hour: int = 9
    ) -> list[str]:
        """Everything that is due on a day: the events, in order."""
        self.set_day(day, hour)
        done: list[str] = []
        for customer in await self.plans.due("", 100):
            while event := await self.plans.step(customer, retry_days, live):
                done.append(event.value)
        return done

    async def account(self, customer: str = "acme") -> tuple[int, int]:
        """Whole yuan and minutes."""
        found = (await self.books.account_sums([customer]))[customer]
        return found.settled_micros // YUAN, found.minutes

    async def grants(self) -> list[GrantView]:
        """Acme's grants, oldest first; each is whole."""
        grants = list(reversed((await self.plans.view("acme")).grants))
        for grant in grants:
            assert grant.minutes == grant.minutes_used + grant.minutes_lapsed + grant.minutes_left
            assert grant.minutes_used >= 0
            assert grant.credit_used_micros >= 0
        return grants

    async def latest(self) -> Subscription:
        """Acme's newest subscription."""
        return (await self.plans.view("acme")).subscriptions[0]

    async def execute(self, statement: str) -> None:
        """Write past the books."""
        await self.database.write(lambda connection: connection.execute(text(statement)))


async def fill(books: SqlBooks, database: Database, clock: SetClock) -> PlanBed:
    """The bed on `START`, acme prepaid with 2000 yuan, late postpaid with nothing."""
    await books.apply_import(
        changes(
            tariff_versions=(
                TariffVersion("standard", 1, 0, 150_000),
                TariffVersion("golden", 1, 0, 120_000),
            ),
            customers=(
                Customer("acme", "顶点商贸", "north", "standard"),
                Customer("late", "后付", "north", "standard", Billing.POSTPAID, 500 * YUAN),
            ),
            dids=(),
            routes={},
        ),
        "test",
    )
    bed = PlanBed(books, database, SqlPlans(database, clock), clock)
    bed.set_day(START)
    first = date(2015, 1, 1)
    for version in (
        PlanVersion("gold", "Gold", 0, first, 600 * YUAN, 500 * YUAN, 1000),
        PlanVersion("long", "Long", 0, first, 600 * YUAN, 500 * YUAN, 1000, Rhythm.TERM),
        PlanVersion("cheap", "Cheap", 0, first, 100 * YUAN, 0, 300, tariff="golden"),
    ):
        await bed.plans.add_version(version, "clerk")
    await bed.top_up(2000)
    return bed
