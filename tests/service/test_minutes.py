"""Included minutes in the life of calls: first of all, shared, and never lost."""

from callserver.domain.ledger import EntryKind
from callserver.domain.meter import MeterState
from callserver.domain.refusal import Refusal
from tests.service.business import BUNDLE, MINUTE, POST, YUAN
from tests.service.included import grant
from tests.service.stage import Stage
from tests.service.staging import books_template, link, stage, valkey, valkey_server

__all__ = ["books_template", "link", "stage", "valkey", "valkey_server"]


async def _empty(stage: Stage, account: str) -> None:
    """Take all the money out of an account of ten yuan."""
    await stage.real_books.post(account, EntryKind.ADJUSTMENT, -10 * YUAN, "empty", "test", "")
    await stage.process.accounts.replay(account)


async def _talk(stage: Stage, arrival: object, seconds: int) -> None:
    """Let time go by, and the scheduler look every five seconds."""
    for _ in range(seconds // 5):
        stage.clock.pass_s(5)
        await stage.process.metering.turn()


async def test_minutes_carry_a_call_without_money_to_their_end(stage: Stage) -> None:
    """Six minutes and not a fen: the call may last six minutes, then Asterisk ends it."""
    await _empty(stage, "bundle")
    arrival, routed = await stage.routed(BUNDLE)
    assert routed.held_s == 60
    answered_us = await stage.answer(arrival)
    await _talk(stage, arrival, 360)
    meter = await stage.meter(arrival)
    assert meter is not None
    assert (meter.held_s, meter.held_micros, meter.minutes, meter.final) == (360, 0, 6, True)
    assert await stage.refused(BUNDLE) is Refusal.NO_CREDIT
    await stage.hang_up(arrival, answered_us)
    cdr = (await stage.written())[-1]
    assert (cdr.billsec, cdr.included_minutes, cdr.fee_micros) == (360, 6, 0)
    assert cdr.fee_lines[-1] == "covered by included minutes: free"
    await stage.assert_nothing_held()
    await stage.assert_books_agree()


async def test_the_ledger_has_an_entry_of_minutes_alone(stage: Stage) -> None:
    """No money moved, yet the account's sum of minutes is that of its entries."""
    arrival, _ = await stage.routed(BUNDLE)
    answered_us = await stage.answer(arrival)
    await _talk(stage, arrival, 65)
    await stage.hang_up(arrival, answered_us)
    await stage.written()
    total = (await stage.real_books.account_sums(["bundle"]))["bundle"]
    assert (total.settled_micros, total.minutes) == (10 * YUAN, 4)
    assert await stage.real_books.drift() == {}


async def test_two_calls_share_the_minutes(stage: Stage) -> None:
    """Seven minutes of talk, six included: what is beyond is paid for, the CDRs tell which."""
    first, _ = await stage.routed(BUNDLE)
    second, _ = await stage.routed(BUNDLE)
    first_us, second_us = await stage.answer(first), await stage.answer(second)
    await _talk(stage, first, 200)
    await stage.hang_up(first, first_us)
    await stage.hang_up(second, second_us)
    cdrs = await stage.written()
    assert sum(cdr.included_minutes for cdr in cdrs) == 6
    assert sum(cdr.charged_micros for cdr in cdrs) == sum(
        max(0, 204 - 60 * cdr.included_minutes) * 2_500 for cdr in cdrs
    )
    await stage.assert_books_agree()


async def test_minutes_that_a_call_leaves_serve_the_next(stage: Stage) -> None:
    """An unanswered call returns all that its first slice held."""
    arrival, _ = await stage.routed(BUNDLE)
    balance = await stage.balance("bundle")
    assert (balance.minutes_held, balance.available_minutes, balance.held_micros) == (1, 5, 0)
    await stage.hang_up(arrival)
    balance = await stage.balance("bundle")
    assert (balance.minutes_held, balance.available_minutes) == (0, 6)


async def test_minutes_granted_during_a_call_let_it_go_on(stage: Stage) -> None:
    """Like a top-up."""
    await _empty(stage, "minute")
    await grant(stage.database, "minute", 1)
    await stage.process.accounts.replay("minute")
    arrival, routed = await stage.routed(MINUTE)
    assert routed.held_s == 60
    await stage.answer(arrival)
    await _talk(stage, arrival, 40)
    await grant(stage.database, "minute", 2, operation="more")
    await stage.process.accounts.replay("minute")
    await _talk(stage, arrival, 5)
    meter = await stage.meter(arrival)
    assert meter is not None
    assert (meter.held_s, meter.minutes) == (120, 2)


async def test_a_call_connected_without_us_uses_minutes_later(stage: Stage) -> None:
    """Rated when the server is back, with the minutes there are then."""
    arrival = stage.arrival(BUNDLE)
    stage.clock.pass_s(61)
    await stage.hang_up(arrival, arrival.arrived_us, routed=False)
    (cdr,) = await stage.written()
    assert (cdr.included_minutes, cdr.charged_micros) == (2, 0)
    await stage.assert_books_agree()


async def test_minutes_held_outlive_redis(stage: Stage) -> None:
    """Rebuilt from what the process has in hand, ringing or answered."""
    ringing, _ = await stage.routed(BUNDLE)
    arrival, _ = await stage.routed(BUNDLE)
    answered_us = await stage.answer(arrival)
    await _talk(stage, arrival, 30)
    await stage.lose_redis()
    await stage.trust()
    balance = await stage.balance("bundle")
    assert (balance.minutes, balance.minutes_held) == (6, 3)
    meter = await stage.meter(ringing)
    assert meter is not None
    assert (meter.state, meter.minutes) == (MeterState.HELD, 1)
    await stage.hang_up(arrival, answered_us)
    await stage.hang_up(ringing)
    (cdr, *_) = [cdr for cdr in await stage.written() if cdr.billsec]
    assert (cdr.included_minutes, cdr.fee_micros) == (1, 0)
    await stage.assert_nothing_held()
    await stage.assert_books_agree()


async def test_postpaid_customers_have_minutes_too(stage: Stage) -> None:
    """Minutes first, then credit."""
    await grant(stage.database, "post", 1)
    await stage.process.accounts.replay("post")
    arrival, _ = await stage.routed(POST)
    answered_us = await stage.answer(arrival)
    stage.clock.pass_s(70)
    await stage.hang_up(arrival, answered_us)
    (cdr,) = await stage.written()
    assert (cdr.included_minutes, cdr.charged_micros) == (1, 100_000)
