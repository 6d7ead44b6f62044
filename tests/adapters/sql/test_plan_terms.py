"""Plans: their terms, fees, renewal and end, each once."""

import asyncio
from datetime import date, timedelta

import pytest

from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database
from callserver.domain.declined import Declined, Reason
from callserver.domain.ledger import OperationReused
from callserver.domain.plans import PlanVersion, SubscriptionState
from callserver.ports.plans import LiveMoney, PlanOrder
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.plan_bed import START, YUAN, PlanBed, fill


@pytest.fixture
async def bed(books: SqlBooks, database: Database, clock: SetClock) -> PlanBed:
    """Acme with 2000 yuan, and plans."""
    return await fill(books, database, clock)


async def declined(work: object) -> Reason:
    """The reason for which it is declined."""
    with pytest.raises(Declined) as caught:
        await work  # type: ignore[misc]  # a coroutine
    return caught.value.reason


@pytest.mark.parametrize(
    ("first_day", "years", "last_day"),
    [
        (date(2015, 2, 25), 3, date(2018, 2, 24)),
        (date(2015, 2, 25), 1, date(2016, 2, 24)),
        (date(2016, 2, 29), 1, date(2017, 2, 27)),
        (date(2016, 2, 29), 3, date(2019, 2, 27)),
        (date(2015, 3, 1), 2, date(2017, 2, 28)),
    ],
)
async def test_terms(bed: PlanBed, first_day: date, years: int, last_day: date) -> None:
    """The last day is that before the anniversary."""
    found = await bed.subscribe(years=years, first_day=first_day)
    assert (found.first_day, found.last_day) == (first_day, last_day)


async def test_the_fee_turns_into_credit_and_minutes(bed: PlanBed) -> None:
    """600 out, 500 and 1000 minutes in, at once; a retry does it once."""
    found = await bed.subscribe()
    assert found.state is SubscriptionState.ACTIVE
    assert await bed.subscribe() == found
    assert await bed.account() == (1900, 1000)
    entries = await bed.books.entries_after("acme", 0)
    told = [(entry.kind.value, entry.amount_micros // YUAN, entry.minutes) for entry in entries]
    assert told[1:] == [("plan_fee", -600, 0), ("plan_credit", 500, 1000)]


async def test_three_years_are_paid_year_by_year(bed: PlanBed) -> None:
    """Each anniversary: what is left lapses, then fee and grant anew; the last year ends it."""
    await bed.subscribe(years=3)
    assert await bed.run(date(2016, 2, 24)) == []
    assert await bed.run(date(2016, 2, 25)) == ["lapsed", "granted"]
    assert await bed.run(date(2016, 2, 25)) == []
    assert await bed.account() == (800 + 500, 1000)
    assert await bed.run(date(2017, 2, 25)) == ["lapsed", "granted"]
    assert await bed.account() == (200 + 500, 1000)
    assert await bed.run(date(2018, 2, 24)) == []
    assert await bed.run(date(2018, 2, 25)) == ["lapsed", "ended"]
    assert await bed.account() == (200, 0)
    assert (await bed.latest()).state is SubscriptionState.ENDED


async def test_a_term_paid_at_once_lapses_at_its_end(bed: PlanBed) -> None:
    """Three fees and three grants on the first day."""
    await bed.subscribe("long", years=3)
    assert await bed.account() == (200 + 1500, 3000)
    assert await bed.run(date(2018, 2, 24)) == []
    assert await bed.run(date(2018, 2, 25)) == ["lapsed", "ended"]
    assert await bed.account() == (200, 0)


async def test_downtime_of_years_is_caught_up(bed: PlanBed) -> None:
    """Every year once, each with its own days, its credit lapsed if it is over."""
    await bed.subscribe(years=3)
    day = date(2018, 1, 1)
    assert await bed.run(day) == ["lapsed", "granted", "lapsed", "granted"]
    days = [(grant.first_day, grant.last_day) for grant in await bed.grants()]
    assert days == [(date(y, 2, 25), date(y + 1, 2, 24)) for y in (2015, 2016, 2017)]
    assert await bed.account() == (200 + 500, 1000)


async def test_a_plan_booked_for_later(bed: PlanBed) -> None:
    """Nothing moves before its day; then it begins."""
    found = await bed.subscribe(first_day=START + timedelta(days=3))
    assert found.state is SubscriptionState.SCHEDULED
    assert await bed.run(START + timedelta(days=2)) == []
    assert await bed.account() == (2000, 0)
    assert await bed.run(START + timedelta(days=3)) == ["granted"]
    assert await bed.account() == (1900, 1000)


async def test_what_cannot_be_subscribed(bed: PlanBed) -> None:
    """Unknown names, the past, a second plan, and a fee that is not covered."""
    on = bed.plans.subscribe
    for order, reason in (
        (PlanOrder("nobody", "gold"), Reason.CUSTOMER_UNKNOWN),
        (PlanOrder("acme", "silver"), Reason.PLAN_UNKNOWN),
        (PlanOrder("acme", "gold", 1, START - timedelta(days=1)), Reason.PLAN_BACKDATED),
        (PlanOrder("acme", "long", 4), Reason.NOT_COVERED),
        (PlanOrder("late", "gold"), Reason.NOT_COVERED),
    ):
        assert await declined(on(order, "op-x", "clerk", None)) is reason
    assert await bed.account() == (2000, 0)
    await bed.subscribe()
    assert await declined(bed.subscribe("cheap", operation_id="op-2")) is Reason.PLAN_RUNNING
    with pytest.raises(OperationReused):
        await bed.subscribe("cheap")


async def test_a_postpaid_customer_pays_from_its_limit(bed: PlanBed) -> None:
    """Down to the credit limit, and no further."""
    await bed.plans.subscribe(PlanOrder("late", "cheap"), "op-1", "clerk", None)
    assert await bed.account("late") == (-100, 300)


async def test_what_running_calls_hold_pays_no_plan(bed: PlanBed) -> None:
    """The live balance counts, where it can be asked."""
    live = LiveMoney(2000 * YUAN, 1401 * YUAN, 0, 0, 1)
    order = PlanOrder("acme", "gold")
    refused = bed.plans.subscribe(order, "op-1", "clerk", live)
    assert await declined(refused) is Reason.NOT_COVERED
    live = LiveMoney(2000 * YUAN, 1400 * YUAN, 0, 0, 1)
    await bed.plans.subscribe(order, "op-1", "clerk", live)


async def test_plan_credit_pays_no_plan(bed: PlanBed) -> None:
    """What is left of one year's credit is for calls."""
    await bed.top_up(-800)
    await bed.subscribe()  # 600 of its own are left, and 500 of credit
    await bed.plans.renew("acme", "op-2", "clerk", None, now=True, years=None)
    assert await bed.account() == (0 + 500 + 500, 2000)
    third = bed.plans.renew("acme", "op-3", "clerk", None, now=True, years=None)
    assert await declined(third) is Reason.NOT_COVERED


async def test_an_unpaid_year_begins_when_it_is_paid(bed: PlanBed) -> None:
    """Told once; the term moves by the days that were missed; nothing is granted meanwhile."""
    await bed.subscribe(years=2)
    await bed.top_up(-1400)
    day = date(2016, 2, 25)
    assert await bed.run(day) == ["lapsed", "unpaid"]
    assert await bed.run(day + timedelta(days=4)) == []
    assert await bed.account() == (0, 0)
    await bed.top_up(600)
    assert await bed.run(day + timedelta(days=5)) == ["granted"]
    found = await bed.latest()
    assert (found.state, found.last_day) == (SubscriptionState.ACTIVE, date(2017, 2, 28))
    assert [grant.first_day for grant in await bed.grants()] == [START, date(2016, 3, 1)]
    assert await bed.run(date(2017, 2, 28)) == []
    assert await bed.run(date(2017, 3, 1)) == ["lapsed", "ended"]


async def test_a_booked_term_waits_for_a_year_that_was_paid_late(bed: PlanBed) -> None:
    """It begins the day after the end, wherever that has moved: no day is paid twice."""
    await bed.subscribe(years=2)
    booked = await bed.plans.renew("acme", "op-2", "clerk", None, now=False, years=1)
    assert (booked.first_day, booked.last_day) == (date(2017, 2, 25), date(2018, 2, 24))
    await bed.top_up(-1400)
    day = date(2016, 2, 25)
    assert await bed.run(day) == ["lapsed", "unpaid"]
    await bed.top_up(1200)
    assert await bed.run(day + timedelta(days=5)) == ["granted"]
    found = await bed.latest()
    assert (found.first_day, found.last_day) == (date(2017, 3, 1), date(2018, 2, 28))
    assert await bed.run(date(2017, 2, 28)) == []
    assert await bed.run(date(2017, 3, 1)) == ["lapsed", "ended", "granted"]


async def test_an_unpaid_year_is_given_up(bed: PlanBed) -> None:
    """After thirty days, however much money comes then."""
    await bed.subscribe(years=2)
    await bed.top_up(-1400)
    day = date(2016, 2, 25)
    await bed.run(day)
    assert await bed.run(day + timedelta(days=30)) == []
    await bed.top_up(600)
    assert await bed.run(day + timedelta(days=31)) == ["expired"]
    assert await bed.account() == (600, 0)


async def test_it_renews_itself_where_that_is_wanted(bed: PlanBed) -> None:
    """The day after its end, by the terms of that day."""
    await bed.subscribe(auto_renew=True)
    new = PlanVersion("gold", "Gold", 0, date(2016, 1, 1), 700 * YUAN, 500 * YUAN, 1200)
    await bed.plans.add_version(new, "clerk")
    assert await bed.run(date(2016, 2, 25)) == ["lapsed", "ended", "granted"]
    assert await bed.account() == (700 + 500, 1200)
    found = await bed.latest()
    assert (found.first_day, found.last_day) == (date(2016, 2, 25), date(2017, 2, 24))
    assert await bed.run(date(2017, 2, 25)) == ["lapsed", "ended", "granted"]


async def test_renewed_before_its_end(bed: PlanBed) -> None:
    """Booked once for the day after; paid on that day; years may differ."""
    await bed.subscribe()
    bed.set_day(date(2015, 12, 1))
    again = await bed.plans.renew("acme", "op-2", "clerk", None, now=False, years=2)
    assert await bed.plans.renew("acme", "op-2", "clerk", None, now=False, years=2) == again
    assert (again.state, again.first_day) == (SubscriptionState.SCHEDULED, date(2016, 2, 25))
    other = bed.plans.renew("acme", "op-3", "clerk", None, now=False, years=None)
    assert await declined(other) is Reason.PLAN_RENEWED
    assert await bed.account() == (1900, 1000)
    assert await bed.run(date(2016, 2, 25)) == ["lapsed", "ended", "granted"]
    assert (await bed.latest()).last_day == date(2018, 2, 24)


async def test_renewed_after_its_end(bed: PlanBed) -> None:
    """It begins on the day of the renewal."""
    never = bed.plans.renew("acme", "op-2", "clerk", None, now=False, years=None)
    assert await declined(never) is Reason.SUBSCRIPTION_UNKNOWN
    await bed.subscribe()
    await bed.run(date(2016, 2, 25))
    bed.set_day(date(2016, 5, 10))
    again = await bed.plans.renew("acme", "op-3", "clerk", None, now=False, years=None)
    assert (again.state, again.first_day) == (SubscriptionState.ACTIVE, date(2016, 5, 10))
    assert await bed.account() == (1400 - 600 + 500, 1000)


async def test_cancelled_it_runs_to_the_end_of_the_paid_year(bed: PlanBed) -> None:
    """No further year, no renewal, nothing paid back."""
    await bed.subscribe(years=3, auto_renew=True)
    cut = await bed.plans.cancel("acme", "op-2", "clerk", None, at_once=False)
    assert await bed.plans.cancel("acme", "op-2", "clerk", None, at_once=False) == cut
    assert (cut.state, cut.last_day) == (SubscriptionState.ACTIVE, date(2016, 2, 24))
    assert await bed.account() == (1900, 1000)
    assert await bed.run(date(2016, 2, 25)) == ["lapsed", "ended"]
    assert await bed.account() == (1400, 0)


async def test_cancelled_at_once_all_lapses(bed: PlanBed) -> None:
    """Today, with the booked renewal; then there is nothing to cancel."""
    await bed.subscribe()
    await bed.plans.renew("acme", "op-2", "clerk", None, now=False, years=None)
    await bed.plans.cancel("acme", "op-3", "clerk", None, at_once=True)
    assert await bed.account() == (1400, 0)
    states = {each.state for each in (await bed.plans.view("acme")).subscriptions}
    assert states == {SubscriptionState.CANCELLED}
    again = bed.plans.cancel("acme", "op-4", "clerk", None, at_once=True)
    assert await declined(again) is Reason.SUBSCRIPTION_UNKNOWN
    assert await bed.run(date(2016, 2, 25)) == []


async def tariff(bed: PlanBed) -> str | None:
    """What acme's calls go by."""
    return (await bed.books.load_catalogue()).customers["acme"].tariff


@pytest.mark.parametrize("own", ["standard", "golden", None])
async def test_a_plans_tariff_holds_while_it_runs(bed: PlanBed, own: str | None) -> None:
    """Through all its years; the customer's own comes back at the end, or none."""
    value = "NULL" if own is None else f"'{own}'"
    await bed.execute(f"UPDATE customer SET tariff = {value} WHERE id = 'acme'")
    await bed.subscribe("cheap", years=2)
    assert await tariff(bed) == "golden"
    await bed.run(date(2016, 2, 25))
    assert await tariff(bed) == "golden"
    await bed.run(date(2017, 2, 25))
    assert await tariff(bed) == own


async def test_calls_are_decided_by_the_plans_tariff_at_once(bed: PlanBed) -> None:
    """The business data have a new version, which running servers read."""
    version = await bed.books.catalogue_version()
    await bed.subscribe("cheap")
    assert await bed.books.catalogue_version() > version


async def test_a_tariff_that_was_chosen_meanwhile_stays(bed: PlanBed) -> None:
    """Neither the next year nor the end of the plan changes it."""
    await bed.subscribe("cheap", years=2)
    await bed.execute("UPDATE customer SET tariff = 'standard' WHERE id = 'acme'")
    await bed.run(date(2016, 2, 25))
    assert await tariff(bed) == "standard"
    await bed.run(date(2017, 2, 25))
    assert await tariff(bed) == "standard"


async def test_an_unpaid_year_has_no_plans_tariff(bed: PlanBed) -> None:
    """Calls go by the customer's own until it is paid."""
    await bed.subscribe("cheap", years=2)
    await bed.top_up(-1900)
    await bed.run(date(2016, 2, 25))
    assert await tariff(bed) == "standard"
    await bed.top_up(100)
    await bed.run(date(2016, 2, 26))
    assert await tariff(bed) == "golden"


async def test_versions_of_a_plan(bed: PlanBed) -> None:
    """Added, never changed; what runs keeps the terms it began with."""

    def version(day: date, fee: int) -> PlanVersion:
        return PlanVersion("gold", "Gold", 0, day, fee, 0, 1)

    added = await bed.plans.add_version(version(date(2015, 6, 1), 1), "clerk")
    assert await bed.plans.add_version(version(date(2015, 6, 1), 1), "clerk") == added
    for wanted, reason in (
        (version(date(2015, 6, 1), 2), Reason.VERSION_EXISTS),
        (version(START - timedelta(days=1), 2), Reason.VERSION_BACKDATED),
        (PlanVersion("x", "X", 0, START, 1, 0, 1, tariff="no"), Reason.TARIFF_UNKNOWN),
    ):
        assert await declined(bed.plans.add_version(wanted, "clerk")) is reason
    await bed.subscribe(years=2)
    await bed.run(date(2016, 2, 25))
    assert [grant.fee_micros // YUAN for grant in await bed.grants()] == [600, 600]


async def test_of_twenty_orders_at_once_one_is_charged(bed: PlanBed) -> None:
    """The others are told that a plan runs."""
    orders = [bed.subscribe("cheap", operation_id=f"op-{n}") for n in range(20)]
    done = await asyncio.gather(*orders, return_exceptions=True)
    refused = [each.reason for each in done if isinstance(each, Declined)]
    assert refused == [Reason.PLAN_RUNNING] * 19
    assert await bed.account() == (1900, 300)


async def test_many_servers_do_what_is_due_once(bed: PlanBed) -> None:
    """Twenty looks at the same anniversary: one lapse, one fee, one grant."""
    await bed.subscribe(years=2)
    bed.set_day(date(2016, 2, 25))
    looks = [bed.plans.step("acme", 30, None) for _ in range(20)]
    done = [each.value for each in await asyncio.gather(*looks) if each]
    assert sorted(done) == ["granted", "lapsed"]
    assert await bed.account() == (1300, 1000)
