"""The server runs, and Asterisk cannot reach its FastAGI port."""

import socket
import time
from collections.abc import Iterator

import pytest

from tests.e2e import verify
from tests.e2e.business import Party
from tests.e2e.conftest import MakeWorld
from tests.e2e.reference import Terms
from tests.e2e.world import World

pytestmark = pytest.mark.e2e

HOSTILE = '"中文,$" <sip:138%0d%0a%22,x@127.0.0.1>'
ACME = Party("acme", "4001000001", ("answers",), Terms("0.60", 1, 1))


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that refuses connections, and that nobody else can take meanwhile."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def server_at(world: World, port: int) -> None:
    """Tell the running Asterisk that the server is at another port."""
    world.asterisk.cli(f"dialplan set global CS_SERVER 127.0.0.1:{port}")


def test_the_last_good_route_is_taken_and_rated(make_world: MakeWorld, closed_port: int) -> None:
    """A call without a decision connects, is rated from Asterisk's line, and later ones as ever."""
    world = make_world(ACME)
    assert world.bed.call("4001000001", talk_ms=1200).outcome == "answered"
    world.settled(1)
    server_at(world, closed_port)
    result = world.bed.call("4001000001", talk_ms=2200, from_header=HOSTILE)
    assert (result.outcome, result.ended_by) == ("answered", "caller")
    rows = world.settled(2)
    print(f"end_source: expected cdr_file, got {rows[0].cdr['end_source']}")
    assert rows[0].cdr["end_source"] == "cdr_file"
    assert rows[0].cdr["destination"] == "02100010001"
    assert rows[0].cdr["caller"]["number"] == ""
    assert not rows[0].cdr["estimated"]
    server_at(world, world.server.agi_port)
    assert world.bed.call("4001000001", talk_ms=1200).outcome == "answered"
    verify.everything(world, world.settled(3))


def test_without_a_route_kept_the_call_is_refused_and_recorded(
    make_world: MakeWorld, closed_port: int
) -> None:
    """No decision and nothing to fall back on: cause 38, and a free CDR all the same."""
    world = make_world(ACME)
    server_at(world, closed_port)
    result = world.bed.call("4001000001")
    print(f"cause: expected 38, got {result.outcome} {result.code} {result.cause}")
    assert (result.outcome, result.code, result.cause) == ("refused", 500, 38)
    (row,) = world.settled(1)
    assert row.cdr["end_source"] == "cdr_file"
    assert (row.cdr["billsec"], row.cdr["customer"]) == (0, "acme")
    verify.everything(world, [row])


def test_only_the_report_of_the_end_gets_through(make_world: MakeWorld, closed_port: int) -> None:
    """Reachable again before the call ends: rated once, from the report or the file."""
    world = make_world(ACME)
    assert world.bed.call("4001000001", talk_ms=1200).outcome == "answered"
    world.settled(1)
    server_at(world, closed_port)
    calls = world.bed.begin("4001000001", talk_ms=3000)
    time.sleep(2)
    server_at(world, world.server.agi_port)
    (result,) = calls.wait(60)
    assert result.outcome == "answered"
    rows = world.settled(2)
    time.sleep(7.5)  # the file's line is old enough now to be rated, had nobody reported the call
    assert len(world.cdrs()) == 2
    assert rows[0].cdr["end_source"] == "report"
    verify.everything(world, rows)


def test_only_the_decision_gets_through(make_world: MakeWorld, closed_port: int) -> None:
    """The hangup handler cannot reach us: AMI's Hangup settles, with Asterisk's own times."""
    world = make_world(ACME)
    calls = world.bed.begin("4001000001", talk_ms=2500)
    world.wait_answered()
    server_at(world, closed_port)
    calls.wait(60)
    (row,) = world.settled(1)
    print(f"end_source: expected ami_hangup, got {row.cdr['end_source']}")
    assert row.cdr["end_source"] == "ami_hangup"
    verify.everything(world, [row])
