"""What running calls hold, asked of the real live copy, and what a plan does with it."""

import asyncio
import io
from dataclasses import replace
from datetime import date, timedelta

import pytest

from callserver.adapters.sql.plans import SqlPlans
from callserver.domain.billing_month import day_start_ms
from callserver.domain.declined import Declined, Reason
from callserver.domain.ledger import EntryKind
from callserver.domain.plans import PlanEvent, PlanVersion
from callserver.ports.plans import LiveMoney, PlanOrder
from callserver.service.live_money import AccountsLiveMoney
from callserver.service.plans import PlanPolicy, Plans
from tests.adapters.http.bed import YUAN, Bed
from tests.adapters.http.conftest import bed, link, valkey, valkey_server
from tests.fakes.clock import VirtualClock

__all__ = ["bed", "link", "valkey", "valkey_server"]


@pytest.fixture
async def clock() -> VirtualClock:
    """Noon of the plan's first day."""
    return VirtualClock((day_start_ms(date(2026, 3, 1)) + 43_200_000) * 1000)


@pytest.fixture
async def plans(bed: Bed, clock: VirtualClock) -> Plans:
    """Acme has 1000 yuan, in Redis too, and there is a plan for 600 with 500 of credit."""
    made = Plans(SqlPlans(bed.books.database, clock), clock, PlanPolicy(look_s=1))
    made.follow_live(AccountsLiveMoney(bed.services.accounts))
    await bed.books.post("acme", EntryKind.TOP_UP, 1000 * YUAN, "t-1", "clerk", "")
    await bed.services.accounts.replay("acme")
    wanted = PlanVersion("gold", "金", 0, date(2026, 1, 1), 600 * YUAN, 500 * YUAN, 0)
    await made.add(wanted, "clerk")
    return made


async def settled(bed: Bed) -> int:
    """Acme's micros in SQL."""
    return (await bed.books.account_sums(["acme"]))["acme"].settled_micros


async def test_the_account_as_redis_has_it(bed: Bed, plans: Plans) -> None:
    """With what a ringing call holds; None for a name that nobody has."""
    live = AccountsLiveMoney(bed.services.accounts)
    assert await live.live_money("acme") == LiveMoney(1000 * YUAN, 0, 0, 0, 1)
    await bed.ring("acme")
    found = await live.live_money("acme")
    assert found is not None
    assert found.held_micros > 0
    assert await live.live_money("nobody") is None


async def test_nobody_can_tell_while_redis_is_away(bed: Bed, plans: Plans) -> None:
    """Then SQL's balance is what counts."""
    await bed.link.stop()
    assert await AccountsLiveMoney(bed.services.accounts).live_money("acme") is None
    found = await plans.subscribe(PlanOrder("acme", "gold"), "op-1", "clerk")
    assert found.grants == 1
    await bed.link.start()


async def test_what_a_call_holds_pays_no_plan(bed: Bed, plans: Plans) -> None:
    """A fen short of the fee because of it: refused."""
    await bed.books.post("acme", EntryKind.ADJUSTMENT, -399_990_000, "a-1", "clerk", "")
    await bed.services.accounts.replay("acme")
    await bed.ring("acme")
    with pytest.raises(Declined) as caught:
        await plans.subscribe(PlanOrder("acme", "gold"), "op-1", "clerk")
    assert caught.value.reason is Reason.NOT_COVERED


async def test_a_running_call_keeps_its_hold_over_the_end(
    bed: Bed, plans: Plans, clock: VirtualClock
) -> None:
    """At midnight all but the hold lapses; a day later the rest of it, the call being over."""
    await plans.subscribe(PlanOrder("acme", "gold"), "op-1", "clerk")
    await bed.services.accounts.replay("acme")
    await bed.ring("acme")
    held = (await bed.services.accounts.balance("acme")).balance.held_micros
    clock.us = day_start_ms(date(2027, 3, 1)) * 1000
    report = await plans.run_due()
    assert (report.count(PlanEvent.LAPSED), report.count(PlanEvent.ENDED)) == (1, 1)
    assert await settled(bed) == 400 * YUAN + held
    assert (await plans.run_due()).done == {}
    clock.us += 86_400_000_000
    await plans.run_due()
    assert await settled(bed) == 400 * YUAN


async def test_it_runs_for_ever(bed: Bed, clock: VirtualClock, log_text: io.StringIO) -> None:
    """A database that is away is logged; what is due is done when it is back."""
    books = SqlPlans(bed.books.database, clock)
    plans = Plans(books, clock, PlanPolicy(look_s=0))
    wanted = PlanVersion("free", "免费", 0, date(2026, 1, 1), 0, 0, 10)
    await plans.add(wanted, "clerk")
    later = date(2026, 3, 1) + timedelta(days=1)
    await plans.subscribe(PlanOrder("acme", "free", 1, later), "op-1", "clerk")
    running = asyncio.create_task(plans.run())
    clock.us += 86_400_000_000
    async with asyncio.timeout(20):
        while not (await plans.view("acme")).grants:
            await asyncio.sleep(0.02)
    running.cancel()
    assert "plans.stepped" in log_text.getvalue()


@pytest.mark.parametrize("years", [0, 4])
async def test_a_term_is_one_to_three_years(plans: Plans, years: int) -> None:
    """Anything else is the caller's mistake."""
    with pytest.raises(ValueError, match="1 to 3 years"):
        await plans.subscribe(replace(PlanOrder("acme", "gold"), years=years), "op-1", "clerk")
