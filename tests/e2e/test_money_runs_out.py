"""Prepaid balances that end while people talk: 1/1 tariffs and slices of seconds."""

import time
from decimal import Decimal

import pytest

from tests.e2e import verify
from tests.e2e.bed.bed import eventually
from tests.e2e.business import Party
from tests.e2e.conftest import MakeWorld
from tests.e2e.reference import Terms

pytestmark = pytest.mark.e2e

SECOND = Terms("0.60", 1, 1)  # 0.01 a second


def test_a_balance_that_runs_out_ends_the_call_on_time(make_world: MakeWorld) -> None:
    """Six seconds are paid for, in slices of two: Asterisk ends the call then, at zero."""
    party = Party("poor", "4001000001", ("answers",), SECOND, balance="0.06")
    world = make_world(party, billing={"slice_s": 2})
    result = world.bed.call("4001000001", talk_ms=30_000)
    (row,) = world.settled(1)
    print(f"talked: expected 6000 … 8000 ms, got {result.talk_ms}")
    assert 5_900 <= result.talk_ms <= 8_000
    assert (row.cdr["billsec"], row.cdr["hung_up_by"]) == (6, "timeout")
    assert world.available("poor") == Decimal(0)
    verify.everything(world, [row])


def test_a_top_up_lets_the_call_go_on(make_world: MakeWorld) -> None:
    """Paid for three seconds, topped up in the second: it lasts until the caller hangs up."""
    party = Party("poor", "4001000001", ("answers",), SECOND, balance="0.04")
    world = make_world(party, billing={"slice_s": 2})
    calls = world.bed.begin("4001000001", talk_ms=9_000)
    world.wait_answered()
    time.sleep(1.5)
    world.top_up("poor", "1")
    (result,) = calls.wait(60)
    (row,) = world.settled(1)
    print(f"talked: expected 9000 ms, got {result.talk_ms} by {result.ended_by}")
    assert (result.ended_by, row.cdr["hung_up_by"]) == ("caller", "caller")
    assert row.cdr["billsec"] in (8, 9)
    verify.everything(world, [row])


def test_eight_calls_share_a_balance_for_two(make_world: MakeWorld) -> None:
    """Eight at once on 0.30 at 0.15 a minute: two get through, the balance ends at zero."""
    party = Party("poor", "4001000001", ("answers",), Terms("0.15"), balance="0.30")
    world = make_world(party, billing={"slice_s": 60})
    callers = [f"1380013800{number}" for number in range(8)]
    results = world.bed.calls("4001000001", callers, talk_ms=1500, rate=100)
    rows = world.settled(8)
    answered = sum(each.outcome == "answered" for each in results)
    print(f"answered: expected 2, got {answered}")
    assert answered == 2
    assert [row.cdr["refusal"] for row in rows].count("no_credit") == 6
    assert world.available("poor") == Decimal(0)
    verify.everything(world, rows)


def test_the_running_fee_is_seen_while_the_call_lasts(make_world: MakeWorld) -> None:
    """Balance and live list show the fee growing by 0.01 a second, inside what is held."""
    world = make_world(Party("acme", "4001000001", ("answers",), SECOND))
    calls = world.bed.begin("4001000001", talk_ms=6_000)
    world.wait_answered()
    seen: set[Decimal] = set()

    def grown() -> bool:
        balance = world.get("/v1/accounts/acme/balance")
        running, held = verify.amount(balance["running"]), verify.amount(balance["held"])
        assert running <= held
        seen.add(running)
        return len(seen) >= 4

    eventually(grown, "four different running fees")
    (call,) = world.live()
    assert verify.amount(call["running_fee"]) >= max(seen)
    calls.wait(60)
    rows = world.settled(1)
    verify.everything(world, rows)
