"""A number on its way to a customer, with two features and a plan chosen, for the tests of [R3]."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqlalchemy import text

from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.features import SqlFeatures
from callserver.adapters.sql.openings import SqlOpenings
from callserver.adapters.sql.plans import SqlPlans
from callserver.domain.declined import Declined
from callserver.domain.features import FeatureVersion
from callserver.domain.ledger import EntryKind
from callserver.domain.lifecycle import NumberEvent
from callserver.domain.periods import Cycle
from callserver.domain.plans import PlanVersion
from callserver.ports import Clock
from callserver.ports.openings import OpeningBook
from callserver.service.features import FeaturePolicy, Features
from callserver.service.numbers import Numbers
from callserver.service.openings import Opened, Openings
from callserver.service.plans import PlanPolicy, Plans
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.number_bed import ORDINARY, NumberBed, number_bed

YUAN = 1_000_000
FEATURES, PLAN = ("recording", "menu"), "gold"
FEES = {"recording": 30, "menu": 200}
PLAN_FEE, PLAN_CREDIT = 600, 500
OLD, LATER = date(2015, 1, 1), date(2099, 1, 1)


def openings_of(
    books: SqlBooks, clock: Clock, numbers: Numbers, book: OpeningBook | None = None
) -> Openings:
    """The service over these books."""
    return Openings(
        book or SqlOpenings(books.database),
        numbers,
        Features(SqlFeatures(books.database, clock), clock, FeaturePolicy()),
        Plans(SqlPlans(books.database, clock), clock, PlanPolicy()),
    )


@dataclass
class OpeningBed:
    """The parts; north pays for features, acme for plans."""

    books: SqlBooks
    number: NumberBed
    openings: Openings

    async def approved(
        self,
        number: str = ORDINARY,
        features: tuple[str, ...] = FEATURES,
        plan: str = PLAN,
    ) -> int:
        """Everything is done but the carrier's confirmation; the application's id."""
        change = await self.number.reserve(number, features=features, plan=plan)
        await self.number.do(NumberEvent.LOCK, number, provider="north", customer="acme")
        await self.number.submit(number)
        await self.number.do(NumberEvent.APPROVE, number)
        assert change.application is not None
        return change.application

    async def activate(self, number: str = ORDINARY, operation_id: str = "open") -> Opened:
        """The carrier has confirmed."""
        command = self.number.command(NumberEvent.ACTIVATE, number, operation_id=operation_id)
        return await self.openings.activate(command)

    async def refused(self, number: str = ORDINARY, operation_id: str = "open") -> str:
        """Why an activation is declined."""
        try:
            await self.activate(number, operation_id)
        except Declined as declined:
            return declined.reason.value
        return ""

    async def top_up(self, account: str, yuan: int) -> None:
        """Money for a provider or a customer."""
        operation = f"more-{next(self.number.operations)}"
        await self.books.post(account, EntryKind.TOP_UP, yuan * YUAN, operation, "test", "")

    async def pay_for_everything(self) -> None:
        """Both have enough."""
        await self.top_up("provider:north", sum(FEES.values()))
        await self.top_up("acme", PLAN_FEE)

    async def states(self, application: int = 1) -> dict[str, str]:
        """How what was chosen stands."""
        found = await self.openings.numbers.application(application)
        return {item.name: item.state.value for item in found.opening}

    async def yuan(self, account: str) -> int:
        """What an account has."""
        return (await self.books.account_sums([account]))[account].settled_micros // YUAN

    async def entries(self) -> Counter[str]:
        """How often each kind of money moved, top-ups left out."""
        query = text("SELECT kind FROM ledger_entry WHERE kind <> 'top_up'")
        return Counter(
            await self.books.database.read(
                lambda connection: list(connection.execute(query).scalars())
            )
        )

    async def execute(self, statement: str) -> None:
        """Write past the books."""
        await self.books.database.write(lambda connection: connection.execute(text(statement)))


ONCE_EACH = Counter({"feature_fee": 2, "plan_fee": 1, "plan_credit": 1})


async def opening_bed(books: SqlBooks, clock: SetClock, folder: Path) -> OpeningBed:
    """Furnished, with a catalogue; nobody has money."""
    bed = number_bed(books, clock, folder)
    await bed.furnish()
    made = OpeningBed(books, bed, openings_of(books, clock, bed.numbers))
    await add_to_catalogue(books, clock)
    return made


async def add_to_catalogue(books: SqlBooks, clock: Clock) -> None:
    """Two features and two plans on offer, and one of each that is not yet."""
    features, plans = SqlFeatures(books.database, clock), SqlPlans(books.database, clock)
    for name, fee in FEES.items():
        wanted = FeatureVersion(name, name.title(), Cycle.YEAR, 0, OLD, fee * YUAN)
        await features.add_version(wanted, "test")
    hologram = FeatureVersion("hologram", "Hologram", Cycle.ONCE, 0, LATER, YUAN)
    await features.add_version(hologram, "test")
    fee, credit = PLAN_FEE * YUAN, PLAN_CREDIT * YUAN
    for plan, first in ((PLAN, OLD), ("silver", OLD), ("platinum", LATER)):
        await plans.add_version(
            PlanVersion(plan, plan.title(), 0, first, fee, credit, 1000), "test"
        )
