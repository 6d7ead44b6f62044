"""[R2] Renewals: on their day, once, caught up after downtime, and off without money."""

import asyncio
from datetime import date, timedelta

import pytest

from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database
from callserver.domain.business import Did, NumberState
from callserver.domain.declined import Declined, Reason
from callserver.domain.features import Activation, ActivationState, FeatureVersion
from callserver.domain.periods import Cycle
from callserver.ports.features import DeductionQuery
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.feature_bed import DID, START, YUAN, FeatureBed, fill
from tests.adapters.sql.samples import changes

FEB_28, MAR_31 = date(2026, 2, 28), date(2026, 3, 31)


@pytest.fixture
async def bed(books: SqlBooks, database: Database, clock: SetClock) -> FeatureBed:
    """A provider with 1000 yuan, and features."""
    return await fill(books, database, clock)


async def on(bed: FeatureBed, feature: str = "recording") -> Activation:
    """The feature on the number, since START (January 31)."""
    return await bed.features.activate(DID, feature, "on", "clerk")


async def periods(bed: FeatureBed) -> list[tuple[date, date, date | None]]:
    """The day of each deduction and what it is for, oldest first."""
    rows = await bed.features.deductions(DeductionQuery())
    return [(row.day, row.period_from, row.period_to) for row in reversed(rows)]


async def test_a_month_ends_with_its_last_day(bed: FeatureBed) -> None:
    """From January 31: due on February 28, then on March 31."""
    found = await on(bed)
    assert found.next_day == FEB_28
    assert await bed.renew(FEB_28 - timedelta(days=1)) == []
    assert await bed.renew(FEB_28) == ["renewed"]
    assert await bed.renew(FEB_28) == []
    assert await bed.renew(MAR_31) == ["renewed"]
    assert await periods(bed) == [
        (START, START, date(2026, 2, 27)),
        (FEB_28, FEB_28, date(2026, 3, 30)),
        (MAR_31, MAR_31, date(2026, 4, 29)),
    ]


async def test_a_year_and_once(bed: FeatureBed) -> None:
    """A yearly fee is due a year later, a fee for ever never again."""
    await on(bed, "menu")
    once = await bed.features.activate(DID, "greeting", "once", "clerk")
    assert once.next_day is None
    assert await bed.renew(date(2027, 1, 30)) == []
    assert await bed.renew(date(2027, 1, 31)) == ["renewed"]
    assert await bed.renew(date(2030, 1, 30)) == ["renewed", "suspended"]


async def test_downtime_is_caught_up(bed: FeatureBed) -> None:
    """Every missed month by its own deduction, on the day the money moved, and only once."""
    await on(bed)
    day = date(2026, 4, 15)
    assert await bed.renew(day) == ["renewed", "renewed"]
    assert await bed.renew(day) == []
    assert [row[:2] for row in (await periods(bed))[1:]] == [(day, FEB_28), (day, MAR_31)]
    assert await bed.balance() == 910


async def test_a_new_fee_counts_from_the_period_that_begins_then(bed: FeatureBed) -> None:
    """A period that began before costs the old fee, however late it is paid."""
    await on(bed)
    dearer = FeatureVersion("recording", "", Cycle.MONTH, 0, date(2026, 3, 15), 40 * YUAN)
    await bed.features.add_version(dearer, "clerk")
    await bed.renew(date(2026, 4, 1))
    fees = [row.fee_micros // YUAN for row in await bed.features.deductions(DeductionQuery())]
    assert fees == [40, 30, 30]


async def test_without_money_it_is_off_until_there_is(bed: FeatureBed) -> None:
    """Suspended once; with money it is on again from that day, and time off is not paid."""
    found = await on(bed)
    await bed.top_up(-960)
    assert await bed.renew(FEB_28) == ["suspended"]
    assert await bed.renew(date(2026, 3, 5)) == []
    await bed.top_up(20)
    assert await bed.renew(date(2026, 3, 10)) == ["resumed"]
    assert await bed.renew(date(2026, 4, 9)) == []
    again = await bed.features.activation(found.id)
    assert (again.next_day, again.suspended_day) == (date(2026, 4, 10), None)
    assert (await periods(bed))[-1] == (
        date(2026, 3, 10),
        date(2026, 3, 10),
        date(2026, 4, 9),
    )
    events = [line.event.value for line in await bed.features.history(found.id)]
    assert events == ["activated", "suspended", "resumed"]
    assert await bed.renew(date(2026, 4, 10)) == ["suspended"]


@pytest.mark.parametrize(("days", "event"), [(30, []), (31, ["expired"])])
async def test_it_waits_thirty_days(bed: FeatureBed, days: int, event: list[str]) -> None:
    """On the thirtieth day it still waits, on the next it ends, money or not."""
    await on(bed)
    await bed.top_up(-960)
    await bed.renew(FEB_28)
    assert await bed.renew(FEB_28 + timedelta(days=days)) == event


async def test_what_is_suspended_can_be_switched_off(bed: FeatureBed) -> None:
    """And then costs nothing, whatever money comes."""
    found = await on(bed)
    await bed.top_up(-960)
    await bed.renew(FEB_28)
    await bed.features.deactivate(found.id, "off", "clerk")
    await bed.top_up(500)
    assert await bed.renew(date(2026, 3, 10)) == []


async def test_a_renewed_feature_worked(bed: FeatureBed) -> None:
    """It cannot be said to have failed from the start."""
    found = await on(bed)
    await bed.renew(FEB_28)
    with pytest.raises(Declined) as caught:
        await bed.features.fail(found.id, "x", "fail", "clerk")
    assert caught.value.reason is Reason.FEATURE_RENEWED


async def test_it_ends_with_the_number(bed: FeatureBed) -> None:
    """A number that nobody has, or somebody else, pays no more; also what is paid once ends."""
    await on(bed)
    await bed.features.activate(DID, "greeting", "once", "clerk")
    await bed.run("UPDATE did SET state = 'frozen'")
    assert await bed.renew(date(2026, 2, 1)) == ["number_gone", "number_gone"]
    assert await bed.renew(FEB_28) == []
    assert await bed.balance() == 870


async def test_it_ends_with_the_number_though_nobody_looked(bed: FeatureBed) -> None:
    """The number went to somebody else and came back while no server ran: nothing is renewed, and
    the feature can be switched on anew."""
    await on(bed)
    await bed.features.activate(DID, "menu", "menu", "clerk")
    for day, owner in ((3, "bolt"), (7, "acme")):
        bed.set_day(date(2026, 2, day))
        moved = (Did(DID, owner, NumberState.ACTIVE, ()),)
        base = await bed.books.catalogue_version()
        await bed.books.apply_import(
            changes(base_version=base, providers=(), customers=(), tariff_versions=(), dids=moved,
                    routes={}),
            "test",
        )  # fmt: skip
    again = await bed.features.activate(DID, "menu", "menu again", "clerk")
    assert await bed.renew(FEB_28) == ["number_gone"]
    assert (await bed.features.activation(again.id)).state is ActivationState.ACTIVE
    assert await bed.balance() == 1000 - 30 - 300 - 300


async def test_a_suspended_number_keeps_its_features(bed: FeatureBed) -> None:
    """The number is still the customer's, so the feature is renewed."""
    await on(bed)
    await bed.run("UPDATE did SET state = 'suspended'")
    assert await bed.renew(FEB_28) == ["renewed"]


async def test_the_provider_of_the_day_pays(bed: FeatureBed) -> None:
    """A customer that moved to another provider is renewed by that one."""
    found = await on(bed)
    await bed.run("UPDATE customer SET provider = 'south' WHERE id = 'acme'")
    await bed.top_up(100, "south")
    assert await bed.renew(FEB_28) == ["renewed"]
    assert (await bed.features.activation(found.id)).provider == "south"
    assert (await bed.balance(), await bed.balance("provider:south")) == (970, 70)


async def test_many_servers_renew_once(bed: FeatureBed) -> None:
    """Twenty looks on the same day: one fee."""
    found = await on(bed)
    bed.set_day(FEB_28)
    looks = [bed.features.renew(found.id, 30) for _ in range(20)]
    assert [each.value for each in await asyncio.gather(*looks) if each] == ["renewed"]
    assert await bed.balance() == 940
