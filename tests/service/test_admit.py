"""Decide and hold: once per call, and within the fail policy while Redis is away."""

import asyncio

import pytest

from callserver.domain.ledger import EntryKind
from callserver.domain.meter import MeterState
from callserver.domain.refusal import Refusal
from callserver.service.admit import NotInHand, Routed
from tests.service.business import ACME, BLOCKED_CALLER, LOCAL, MINUTE, POST, QUIET, UNKNOWN, YUAN
from tests.service.stage import Stage
from tests.service.staging import books_template, link, stage, valkey, valkey_server

__all__ = ["books_template", "link", "stage", "valkey", "valkey_server"]


async def test_a_routed_call_has_its_first_slice_held(stage: Stage) -> None:
    """Sixty seconds at 0.01, and the slot of the first line."""
    arrival, routed = await stage.routed()
    assert (routed.line, routed.held_s, len(routed.lines)) == (1, 60, 3)
    meter = await stage.meter(arrival)
    assert meter is not None
    assert (meter.state, meter.held_micros) == (MeterState.HELD, 600_000)
    assert (await stage.balance()).available_micros == 10 * YUAN - 600_000


async def test_the_same_request_again_changes_nothing(stage: Stage) -> None:
    """A retry finds the hold that was made."""
    arrival, first = await stage.routed()
    again = await stage.process.admit.route(arrival)
    assert again == first
    assert (await stage.balance()).held_micros == 600_000


async def test_a_lost_answer_of_redis_holds_once(stage: Stage) -> None:
    """The hold was made and nobody said so: asking again finds it."""
    stage.meters.silent("admit")
    _, routed = await stage.routed()
    assert routed.held_s == 60
    assert (await stage.balance()).held_micros == 600_000
    assert stage.meters.calls["admit"] == 2


async def test_a_settled_call_is_not_routed_again(stage: Stage) -> None:
    """A token that has ended once is a fault."""
    arrival, _ = await stage.routed()
    await stage.hang_up(arrival)
    answer = await stage.process.admit.route(arrival)
    assert not isinstance(answer, Routed)
    assert answer.refusal is Refusal.FAULT


@pytest.mark.parametrize(
    ("did", "caller", "refusal"),
    [
        (UNKNOWN, "13800571234", Refusal.UNKNOWN_DID),
        (QUIET, "13800571234", Refusal.SUSPENDED),
        (ACME, BLOCKED_CALLER, Refusal.BLOCKED),
    ],
)
async def test_what_the_catalogue_refuses_never_reaches_redis(
    stage: Stage, did: str, caller: str, refusal: Refusal
) -> None:
    """No hold is asked for."""
    assert await stage.refused(did, caller_raw=caller) is refusal
    assert stage.meters.calls["admit"] == 0
    assert len(stage.process.in_hand) == 0


async def test_limits_and_credit_refuse(stage: Stage) -> None:
    """The fourth call on a number for three is one too many; an empty account has no credit."""
    for _ in range(3):
        await stage.routed(ACME)
    assert await stage.refused(ACME) is Refusal.TOO_MANY_CALLS
    await stage.real_books.post(
        "minute", EntryKind.ADJUSTMENT, -10 * YUAN + 1000, "empty", "test", ""
    )
    await stage.process.accounts.replay("minute")
    assert await stage.refused(MINUTE) is Refusal.NO_CREDIT


async def test_eight_at_once_share_a_balance_for_two(stage: Stage) -> None:
    """Admissions never sum up to more than there is."""
    await stage.real_books.post(
        "minute", EntryKind.ADJUSTMENT, -10 * YUAN + 300_000, "two", "test", ""
    )
    await stage.process.accounts.replay("minute")
    answers = [
        answer for _, answer in await asyncio.gather(*(stage.route(MINUTE) for _ in range(8)))
    ]
    assert sum(isinstance(answer, Routed) for answer in answers) == 2
    assert (await stage.balance("minute")).available_micros >= 0


async def test_an_account_that_redis_lacks_is_loaded(stage: Stage) -> None:
    """A new customer's first call is not refused."""
    await stage.link.query("DEL", *await stage.link.query("KEYS", "*acct:acme"))
    _, routed = await stage.routed()
    assert routed.held_s == 60


@pytest.mark.parametrize(
    ("did", "held_s"), [(POST, 3_600), (LOCAL, 60)], ids=["postpaid", "local allowance"]
)
async def test_without_redis_the_fail_policy_decides(stage: Stage, did: str, held_s: int) -> None:
    """Postpaid is routed, a local allowance of 0.60 lets talk for 60 s at 0.01."""
    stage.meters.away = True
    arrival, routed = await stage.routed(did)
    assert (routed.line, routed.held_s) == (1, held_s)
    call = stage.process.in_hand.get(arrival.token)
    assert call is not None
    assert not call.metered


async def test_without_redis_prepaid_is_refused(stage: Stage) -> None:
    """Nobody knows whether there is money."""
    stage.meters.away = True
    assert await stage.refused(ACME) is Refusal.FAULT
    assert len(stage.process.in_hand) == 0


async def test_a_suspect_shard_holds_nothing(stage: Stage) -> None:
    """Its balances may be old ones: prepaid is refused without asking it, postpaid goes."""
    stage.process.guard.suspect(set(range(64)))
    assert await stage.refused(ACME) is Refusal.FAULT
    await stage.routed(POST)
    assert stage.meters.calls["admit"] == 0


async def test_the_next_line_is_taken_in_order(stage: Stage) -> None:
    """Busy first, busy second, then the third, then none."""
    arrival, _ = await stage.routed()
    admit = stage.process.admit
    assert [await admit.next_line(arrival.token, failed) for failed in (1, 2, 3)] == [2, 3, 0]


async def test_lines_of_an_unmetered_call_are_counted_here(stage: Stage) -> None:
    """Redis is not asked for slots it did not give."""
    stage.meters.away = True
    arrival, _ = await stage.routed(POST)
    admit = stage.process.admit
    assert [await admit.next_line(arrival.token, failed) for failed in (1, 2)] == [2, 0]


async def test_a_restarted_server_leaves_the_next_line_to_the_dialplan(stage: Stage) -> None:
    """It does not know the call's lines, which is no reason to end the call."""
    arrival, _ = await stage.routed()
    process = stage.restart()
    with pytest.raises(NotInHand):
        await process.admit.next_line(arrival.token, 1)


async def test_a_call_connected_without_us_has_a_plan_and_a_price(stage: Stage) -> None:
    """A suspended number's call that got through is rated all the same."""
    for did in (ACME, QUIET):
        plan = stage.process.admit.plan_of_connected(stage.arrival(did))
        assert (plan.refusal, plan.tariff is not None) == (None, True)
    assert stage.process.admit.plan_of_connected(stage.arrival(UNKNOWN)).tariff is None
