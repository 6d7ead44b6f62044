"""The server is frozen, not dead: its port still accepts, and nobody answers."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.e2e import verify
from tests.e2e.bed.bed import eventually
from tests.e2e.business import Party
from tests.e2e.conftest import MakeWorld
from tests.e2e.reference import Terms
from tests.e2e.world import World

pytestmark = pytest.mark.e2e

DECIDE_MAX_S = 3  # the dialplan's default; then it goes on without us
ACME = Party("acme", "4001000001", ("answers",), Terms("0.60", 1, 1), did_calls_max=1)


def test_a_call_that_came_and_went_while_we_were_frozen(make_world: MakeWorld) -> None:
    """Thawed, the server finds its request and its end at once: one CDR, and no place kept."""
    world = _with_a_route_kept(make_world)
    with _frozen(world):
        result = world.bed.call("4001000001", talk_ms=1500)
    assert (result.outcome, result.ended_by) == ("answered", "caller")
    verify.everything(world, world.settled(2))
    assert world.bed.call("4001000001", talk_ms=300).outcome == "answered"
    verify.everything(world, world.settled(3))


def test_a_call_that_outlives_the_freeze(make_world: MakeWorld) -> None:
    """Its request comes too late to be used: it is no refusal, and the fee is the whole call's."""
    world = _with_a_route_kept(make_world)
    with _frozen(world):
        calls = world.bed.begin("4001000001", talk_ms=9000)
        _wait_answered(world)
    (result,) = calls.wait(60)
    assert (result.outcome, result.ended_by) == ("answered", "caller")
    assert result.talk_ms >= 8900
    verify.everything(world, world.settled(2))
    assert world.bed.call("4001000001", talk_ms=300).outcome == "answered"
    verify.everything(world, world.settled(3))


def test_a_refusal_that_comes_too_late(make_world: MakeWorld) -> None:
    """The number is full, but Asterisk has connected the call by then: it is rated like any."""
    world = _with_a_route_kept(make_world)
    first = world.bed.begin("4001000001", talk_ms=9000)
    world.wait_answered()
    with _frozen(world):
        second = world.bed.begin("4001000001", talk_ms=2500)
        _wait_answered(world, channels=4)
    assert [batch.wait(60)[0].ended_by for batch in (first, second)] == ["caller", "caller"]
    rows = world.settled(3)
    print(f"refusals: expected none, got {[row.cdr['refusal'] for row in rows]}")
    assert {row.cdr["disposition"] for row in rows} == {"answered"}
    verify.everything(world, rows)


def test_a_caller_who_gives_up_on_a_frozen_server(make_world: MakeWorld) -> None:
    """A free CDR, and nothing of the decision that nobody waited for is left."""
    world = _with_a_route_kept(make_world)
    with _frozen(world):
        result = world.bed.call("4001000001", give_up_ms=1000)
    assert result.outcome == "cancelled"
    rows = world.settled(2)
    assert rows[0].cdr["billsec"] == 0
    verify.everything(world, rows)
    assert world.bed.call("4001000001", talk_ms=300).outcome == "answered"
    verify.everything(world, world.settled(3))


def _with_a_route_kept(make_world: MakeWorld) -> World:
    world = make_world(ACME, billing={"slice_s": 20})  # no call runs out of its hold meanwhile
    assert world.bed.call("4001000001", talk_ms=300).outcome == "answered"
    world.settled(1)
    return world


@contextmanager
def _frozen(world: World) -> Iterator[None]:
    pid = world.server.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
        time.sleep(0.5)  # the hangup handler's request, if there is one, is waiting now
    finally:
        os.kill(pid, signal.SIGCONT)


def _wait_answered(world: World, channels: int = 2) -> None:
    """As Asterisk sees it: so many channels are up, two a call."""
    eventually(
        lambda: world.asterisk.cli("core show channels concise").count("!Up!") == channels,
        "the call is answered",
        DECIDE_MAX_S + 10,
    )
