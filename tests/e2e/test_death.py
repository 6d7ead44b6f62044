"""Things die: the server, Asterisk, the link between them. One CDR a call, the right fee."""

import time

import pytest

from tests.e2e import verify
from tests.e2e.bed.bed import eventually
from tests.e2e.business import Party
from tests.e2e.conftest import MakeWorld
from tests.e2e.reference import Terms

pytestmark = pytest.mark.e2e

SECOND = Terms("0.60", 1, 1)
ACME = Party("acme", "4001000001", ("answers",), SECOND)


def test_the_server_is_killed_and_back_while_the_call_lives(make_world: MakeWorld) -> None:
    """The call is not cut: it is adopted, extended, and settled at its own end."""
    world = make_world(ACME, billing={"slice_s": 22})  # a busy machine starts a server in 12 s
    calls = world.bed.begin("4001000001", talk_ms=28_000)
    world.wait_answered()
    world.server.kill9()
    time.sleep(1)
    world.start_server()
    world.wait_answered()
    (result,) = calls.wait(60)
    (row,) = world.settled(1)
    print(f"talked: expected 28000 ms, got {result.talk_ms} by {result.ended_by}")
    assert result.ended_by == "caller"
    assert row.cdr["billsec"] in (27, 28)
    verify.everything(world, [row])


def test_the_call_ends_while_the_server_is_dead(make_world: MakeWorld) -> None:
    """Settled after the restart from Asterisk's own CDR line."""
    world = make_world(ACME)
    calls = world.bed.begin("4001000001", talk_ms=2_500)
    world.wait_answered()
    world.server.kill9()
    calls.wait(60)
    world.start_server()
    (row,) = world.settled(1)
    assert row.cdr["end_source"] == "cdr_file"
    verify.everything(world, [row])


def test_with_the_server_dead_a_call_ends_at_its_hold(make_world: MakeWorld) -> None:
    """Held for four seconds: Asterisk ends the call at most two seconds later, by itself."""
    world = make_world(ACME, billing={"slice_s": 4})
    calls = world.bed.begin("4001000001", talk_ms=30_000)
    world.wait_answered()
    world.server.kill9()
    (result,) = calls.wait(60)
    print(f"talked: expected at most 6000 ms, got {result.talk_ms}")
    assert result.talk_ms <= 6_000
    world.start_server()
    (row,) = world.settled(1)
    assert row.cdr["billsec"] == 4
    verify.everything(world, [row])


def test_a_call_that_connects_without_the_server_is_rated(make_world: MakeWorld) -> None:
    """The dialplan takes the last good route; the call is rated when the server is back."""
    world = make_world(ACME)
    assert world.bed.call("4001000001", talk_ms=1200).outcome == "answered"
    world.settled(1)
    world.server.kill9()
    assert world.bed.call("4001000001", talk_ms=1200).outcome == "answered"
    world.start_server()
    rows = world.settled(2)
    assert {row.cdr["end_source"] for row in rows} == {"report", "cdr_file"}
    verify.everything(world, rows)


def test_the_server_comes_after_asterisk_and_is_restarted_between_calls(
    make_world: MakeWorld,
) -> None:
    """An orderly restart loses nothing and needs nothing but itself."""
    world = make_world(ACME, server_first=False)
    world.start_server()
    for expected in (1, 2):
        assert world.bed.call("4001000001", talk_ms=1200).outcome == "answered"
        rows = world.settled(expected)
        world.server.stop()
        world.start_server()
    verify.everything(world, rows)


def test_asterisk_is_killed_in_the_middle(make_world: MakeWorld) -> None:
    """No line is written, so the call is billed to its last proof of life, as estimated."""
    world = make_world(ACME)
    world.bed.begin("4001000001", talk_ms=60_000)
    world.wait_answered()
    time.sleep(4)
    world.asterisk.kill9()
    eventually(lambda: world.server.readyz()[0] == 503, "not ready without Asterisk")
    world.asterisk.start()
    world.server.wait_ready()
    (row,) = world.settled(1)
    print(f"billsec: expected 1 … 5, got {row.cdr['billsec']}, {row.cdr['end_source']}")
    assert row.cdr["estimated"]
    assert 1 <= row.cdr["billsec"] <= 5
    assert verify.amount(row.cdr["fee"]) == SECOND.fee(row.cdr["billsec"])
    verify.balances_add_up(world, [row])
    verify.redis_is_empty(world)


def test_the_ami_link_is_cut_and_comes_back(make_world: MakeWorld) -> None:
    """The call goes on within its hold, is extended once the link is back, and settled right."""
    world = make_world(ACME, billing={"slice_s": 8}, ami_through_proxy=True)
    calls = world.bed.begin("4001000001", talk_ms=14_000)
    world.wait_answered()
    world.ami_link.cut()
    eventually(lambda: world.server.readyz()[0] == 503, "not ready without AMI")
    print(world.server.readyz()[1])
    time.sleep(1)
    world.ami_link.mend()
    world.server.wait_ready()
    (result,) = calls.wait(60)
    (row,) = world.settled(1)
    assert result.ended_by == "caller"
    assert row.cdr["billsec"] in (13, 14)
    verify.everything(world, [row])


def test_a_call_that_ends_while_ami_is_cut(make_world: MakeWorld) -> None:
    """The hangup handler's report does not need AMI."""
    world = make_world(ACME, ami_through_proxy=True)
    calls = world.bed.begin("4001000001", talk_ms=2_000)
    world.wait_answered()
    world.ami_link.cut()
    calls.wait(60)
    world.ami_link.mend()
    (row,) = world.settled(1)
    assert row.cdr["end_source"] == "report"
    verify.everything(world, [row])
