"""Plans: what calls use, what lapses, what running calls keep, and what is told when it is gone."""

from datetime import date, timedelta

import pytest

from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database
from callserver.adapters.sql.ledger_book import SqlLedger
from callserver.domain.declined import Declined, Reason
from callserver.domain.ledger import EntryKind
from callserver.domain.ledger_moves import Reversal
from callserver.ports.plans import LiveMoney
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.plan_bed import YUAN, PlanBed, fill

END = date(2016, 2, 25)  # the day after the first year


@pytest.fixture
async def bed(books: SqlBooks, database: Database, clock: SetClock) -> PlanBed:
    """Acme with 2000 yuan, and plans."""
    return await fill(books, database, clock)


async def test_calls_use_the_credit_first(bed: PlanBed) -> None:
    """What is left of 500 after calls for 120 lapses; the customer's own money stays whole."""
    await bed.subscribe()
    await bed.call(yuan=120, minutes=30)
    [grant] = await bed.grants()
    assert (grant.credit_left_micros // YUAN, grant.minutes_left) == (380, 970)
    assert await bed.run(END) == ["lapsed", "ended"]
    assert await bed.account() == (1400, 0)
    [grant] = await bed.grants()
    assert (grant.credit_used_micros // YUAN, grant.credit_lapsed_micros // YUAN) == (120, 380)
    assert (grant.minutes_used, grant.minutes_lapsed) == (30, 970)


async def test_nothing_lapses_before_the_last_day_is_over(bed: PlanBed) -> None:
    """Also where something else is done for the customer on that day."""
    await bed.subscribe()
    last_day = END - timedelta(days=1)
    bed.set_day(last_day)
    await bed.call(minutes=1000)
    assert await bed.run(last_day, hour=23) == ["minutes_used_up"]
    [grant] = await bed.grants()
    assert (grant.credit_left_micros // YUAN, grant.credit_lapsed_micros) == (500, 0)
    assert await bed.run(END, hour=0) == ["lapsed", "ended"]


async def test_calls_beyond_the_credit_use_the_customers_own(bed: PlanBed) -> None:
    """Nothing is left to lapse."""
    await bed.subscribe()
    await bed.call(yuan=700, minutes=1000)
    await bed.run(END)
    assert await bed.account() == (1200, 0)


async def test_shortfalls_use_credit_other_debits_do_not(bed: PlanBed) -> None:
    """The monthly minimum is for calls; a transfer or an adjustment is not."""
    await bed.subscribe()
    await bed.books.post("acme", EntryKind.SHORTFALL, -50 * YUAN, "s-1", "clerk", "")
    await bed.books.post("acme", EntryKind.ADJUSTMENT, -70 * YUAN, "a-1", "clerk", "")
    [grant] = await bed.grants()
    assert grant.credit_left_micros == 450 * YUAN
    await bed.run(END)
    assert await bed.account() == (1900 - 50 - 70 - 450, 0)


async def test_calls_before_the_plan_used_nothing_of_it(bed: PlanBed) -> None:
    """Only what is used from then on counts."""
    await bed.call(yuan=100)
    await bed.subscribe()
    [grant] = await bed.grants()
    assert grant.credit_left_micros == 500 * YUAN


async def test_of_two_grants_the_one_that_ends_first_is_used_first(bed: PlanBed) -> None:
    """Renewed early: the old credit goes first, and only what is left of it lapses with it."""
    await bed.subscribe()
    bed.set_day(date(2015, 8, 1))
    await bed.plans.renew("acme", "op-2", "clerk", None, now=True, years=None)
    await bed.call(yuan=520, minutes=400)
    old, new = await bed.grants()
    assert (old.credit_left_micros // YUAN, old.minutes_left) == (0, 600)
    assert (new.credit_left_micros // YUAN, new.minutes_left) == (480, 1000)
    assert await bed.run(END) == ["lapsed"]
    assert await bed.account() == (800 + 480, 1000)
    assert await bed.run(date(2016, 8, 1)) == ["lapsed", "ended"]
    assert await bed.account() == (800, 0)


async def test_a_lapse_takes_no_account_below_zero(bed: PlanBed) -> None:
    """Money that went otherwise is not asked for again, and the grant is closed."""
    await bed.subscribe()
    await bed.books.post("acme", EntryKind.ADJUSTMENT, -1700 * YUAN, "a-1", "clerk", "")
    assert await bed.run(END) == ["lapsed", "ended"]
    assert await bed.account() == (0, 0)
    await bed.top_up(100)
    assert await bed.run(END + timedelta(days=3)) == []
    assert await bed.account() == (100, 0)


async def test_what_running_calls_hold_at_midnight_is_left_to_them(bed: PlanBed) -> None:
    """10 yuan and 5 minutes held: the rest lapses; what the call leaves lapses after it."""
    await bed.subscribe()
    live = LiveMoney(1900 * YUAN, 10 * YUAN, 1000, 5, 3)
    assert await bed.run(END, live, hour=0) == ["lapsed", "ended"]
    assert await bed.account() == (1400 + 10, 5)
    assert await bed.run(END, live, hour=0) == []
    await bed.call(yuan=4, minutes=3)
    live = LiveMoney(1406 * YUAN, 0, 2, 0, 4)
    assert await bed.run(END, live, hour=1) == ["lapsed"]
    assert await bed.account() == (1400, 0)
    [grant] = await bed.grants()
    assert (grant.credit_used_micros // YUAN, grant.minutes_used) == (4, 3)


async def test_calls_that_sql_does_not_have_yet_keep_their_part(bed: PlanBed) -> None:
    """Settled in Redis before midnight, written after it: still paid from the old credit."""
    await bed.subscribe()
    live = LiveMoney(1880 * YUAN, 0, 990, 0, 3)
    assert await bed.run(END, live, hour=0) == ["lapsed", "ended"]
    await bed.call(yuan=20, minutes=10)
    live = LiveMoney(1400 * YUAN, 0, 0, 0, 4)
    assert await bed.run(END, live, hour=0) == ["lapsed"]
    assert await bed.account() == (1400, 0)


async def test_what_is_kept_for_calls_lapses_a_day_later(bed: PlanBed) -> None:
    """No call lasts that long, whatever Redis says."""
    await bed.subscribe()
    live = LiveMoney(1900 * YUAN, 10 * YUAN, 1000, 5, 3)
    await bed.run(END, live)
    live = LiveMoney(1410 * YUAN, 0, 4, 0, 4)  # one minute that SQL never hears of
    assert await bed.run(END + timedelta(days=1), live) == ["lapsed"]
    assert await bed.account() == (1400, 0)


async def test_who_cannot_tell_calls_from_entries_leaves_the_lapse_to_the_server(
    bed: PlanBed,
) -> None:
    """Without the last entry's number nothing lapses before a day has passed."""
    await bed.subscribe()
    live = LiveMoney(1900 * YUAN, 0, 1000, 0)
    assert await bed.run(END, live) == ["ended"]
    assert await bed.run(END + timedelta(days=1), live) == ["lapsed"]


async def test_used_up_is_told_once(bed: PlanBed) -> None:
    """Minutes and credit each; calls go on at the tariff; a new year can tell anew."""
    await bed.subscribe(years=2)
    today = date(2015, 3, 1)
    bed.set_day(today)
    await bed.call(yuan=499, minutes=999)
    assert await bed.run(today) == []
    await bed.call(minutes=1)
    assert await bed.run(today) == ["minutes_used_up"]
    await bed.call(yuan=1)
    assert await bed.run(today) == ["credit_used_up"]
    await bed.call(yuan=10)
    assert await bed.run(today) == []
    assert await bed.account() == (1390, 0)
    await bed.run(END)
    bed.set_day(END)
    await bed.call(minutes=1000)
    assert await bed.run(END) == ["minutes_used_up"]


async def test_used_up_it_renews_early_where_that_is_wanted(bed: PlanBed) -> None:
    """Only when nothing at all is left, and once the fee is covered."""
    await bed.subscribe(renew_when_used_up=True)
    today = date(2015, 6, 1)
    bed.set_day(today)
    await bed.call(minutes=1000)
    assert await bed.run(today) == ["minutes_used_up"], "its fee would be covered"
    await bed.top_up(-1000)
    bed.set_day(today)
    await bed.call(yuan=500)
    assert await bed.run(today) == ["credit_used_up"]
    assert await bed.run(today + timedelta(days=1)) == []
    await bed.top_up(200)
    day = date(2015, 6, 10)
    assert await bed.run(day) == ["renewed"]
    found = await bed.latest()
    assert (found.first_day, found.last_day) == (day, date(2016, 6, 9))
    assert await bed.account() == (500, 1000)
    assert await bed.run(END) == ["lapsed"]
    assert await bed.account() == (500, 1000)


async def test_another_customers_calls_do_not_count(bed: PlanBed) -> None:
    """Each account by itself."""
    await bed.subscribe()
    await bed.books.post("late", EntryKind.SHORTFALL, -50 * YUAN, "s-1", "clerk", "")
    [grant] = await bed.grants()
    assert grant.credit_left_micros == 500 * YUAN


async def test_a_grant_is_ended_by_its_plan_and_never_by_a_reversal(bed: PlanBed) -> None:
    """Reversed by hand it would lapse once more, out of the customer's own money."""
    await bed.subscribe()
    given = (await bed.books.entries_after("acme", 0))[-1]
    ledger = SqlLedger(bed.database, bed.clock)
    with pytest.raises(Declined) as refused:
        await ledger.reverse(Reversal("acme", given.id, "back", "clerk", "a mistake"))
    assert refused.value.reason is Reason.ENTRY_NOT_REVERSIBLE
    assert await bed.account() == (1900, 1000)
