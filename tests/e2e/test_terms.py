"""Included minutes and the hours of a tariff, on a real Asterisk."""

import time
from decimal import Decimal

import pytest

from tests.e2e import verify
from tests.e2e.bed.bed import eventually
from tests.e2e.business import Party
from tests.e2e.conftest import MakeWorld
from tests.e2e.reference import Hours, Terms

pytestmark = pytest.mark.e2e

TWO_MINUTES = Terms("0.15", 120, 60)  # every call needs two minutes from its first second on
TEN_S = 10


def changing_hours() -> tuple[Hours, ...]:
    """Dear for ten seconds, cheap for ten, and so on for half an hour from now."""
    of_day_s = (int(time.time()) + 8 * 3600) % 86_400
    starts = range(of_day_s - of_day_s % 20, of_day_s + 1_800, 20)
    return tuple(Hours("1.20", at % 86_400, at % 86_400 + TEN_S) for at in starts)


def test_two_calls_share_three_included_minutes(make_world: MakeWorld) -> None:
    """One holds two, the other the third and money for what it leaves; a third gets nothing."""
    party = Party("plan", "4001000001", ("answers",), TWO_MINUTES, balance="0.15", minutes=3)
    world = make_world(party)
    calls = world.bed.begin("4001000001", callers=["13800138001", "13800138002"], talk_ms=8_000)
    world.wait_answered(2)
    balance = world.get("/v1/accounts/plan/balance")
    assert (balance["included_minutes"], balance["included_minutes_held"]) == (3, 3)
    assert sorted(call["held_minutes"] for call in world.live()) == [1, 2]
    assert verify.amount(balance["available"]) == Decimal(0)
    assert world.bed.call("4001000001").outcome == "refused"
    calls.wait(60)
    rows = world.settled(3)
    used = sorted(row.cdr["included_minutes"] for row in rows)
    fees = sorted(verify.amount(row.cdr["charged"]) for row in rows)
    print(f"minutes: expected 0, 1, 2, got {used}; fees {fees}")
    assert used == [0, 1, 2]
    assert fees == [Decimal(0), Decimal(0), Decimal("0.15")]
    verify.everything(world, rows)


def test_minutes_connect_a_call_without_money(make_world: MakeWorld) -> None:
    """One that nobody answers gives its minute back; one that is answered uses it up."""
    party = Party("plan", "4001000001", ("answers",), Terms("0.15"), balance="0", minutes=1)
    world = make_world(party)
    assert world.bed.call("4001000001", talk_ms=1500).outcome == "answered"
    assert world.bed.call("4001000001").outcome == "refused"
    rows = world.settled(2)
    assert sorted(row.cdr["included_minutes"] for row in rows) == [0, 1]
    verify.everything(world, rows)


def test_a_call_crosses_into_another_hour(make_world: MakeWorld) -> None:
    """Each second costs what its own hour says, while it runs and when it is charged."""
    terms = Terms("0.60", 1, 1, bands=changing_hours())
    world = make_world(Party("acme", "4001000001", ("answers",), terms))
    calls = world.bed.begin("4001000001", talk_ms=13_000)
    world.wait_answered()
    eventually(
        lambda: verify.amount(world.live()[0]["running_fee"]) >= Decimal("0.06"),
        "the fee grows while the call runs",
    )
    calls.wait(60)
    (row,) = world.settled(1)
    cheap, dear = (Decimal(rate) * row.cdr["billsec"] / 60 for rate in ("0.60", "1.20"))
    assert cheap < verify.amount(row.cdr["fee"]) < dear
    assert "band" in " ".join(row.cdr["fee_lines"])
    assert verify.amount(row.cdr["written_off"]) == Decimal(0)
    verify.everything(world, [row])


def test_a_balance_that_ends_in_a_dearer_hour(make_world: MakeWorld) -> None:
    """Asterisk ends the call when the money is used up at the rates of its seconds."""
    terms = Terms("0.60", 1, 1, bands=changing_hours())
    party = Party("poor", "4001000001", ("answers",), terms, balance="0.13")
    world = make_world(party, billing={"slice_s": 2})
    result = world.bed.call("4001000001", talk_ms=30_000)
    (row,) = world.settled(1)
    print(f"talked {result.talk_ms} ms, billed {row.cdr['billsec']} s: {row.cdr['fee_lines']}")
    assert row.cdr["hung_up_by"] == "timeout"
    assert 6 <= row.cdr["billsec"] <= 13
    assert verify.amount(row.cdr["charged"]) in (Decimal("0.12"), Decimal("0.13"))
    assert world.available("poor") >= Decimal(0)
    verify.everything(world, [row])
