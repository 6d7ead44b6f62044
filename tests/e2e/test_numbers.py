"""[R3] on a real Asterisk: what becomes of calls while their number is opened, stopped and cut."""

import time

import pytest

from tests.e2e import verify
from tests.e2e.bed.bed import eventually
from tests.e2e.business import SUSPENDED, Party
from tests.e2e.conftest import MakeWorld
from tests.e2e.http import post_json
from tests.e2e.reference import Terms
from tests.e2e.world import World

pytestmark = pytest.mark.e2e

DID = "4001000001"
SECOND = Terms("0.60", 1, 1)


def ask(world: World, word: str, reason: str) -> None:
    """Suspend or resume, through the API."""
    status, body = post_json(
        f"{world.server.url}/v1/numbers/{DID}/{word}",
        {"for": reason},
        world.token,
        idempotency_key=f"{word}-{reason}-{time.monotonic_ns()}",
    )
    assert status == 200, body


def test_a_violation_cuts_the_running_call(make_world: MakeWorld) -> None:
    """Within seconds, while another number's call goes on; both are billed by Asterisk's times."""
    other = Party("calm", "4001000002", ("answers",), SECOND)
    world = make_world(Party("acme", DID, ("answers",), SECOND), other)
    bad = world.bed.begin(DID, talk_ms=60_000)
    good = world.bed.begin(other.did, talk_ms=9_000)
    world.wait_answered(2)
    ask(world, "suspend", "violation")
    (cut,) = bad.wait(20)
    print(f"talked: expected well under 60000 ms, got {cut.talk_ms}")
    assert cut.ended_by == "callee"
    assert cut.talk_ms < 20_000
    (kept,) = good.wait(30)
    assert kept.ended_by == "caller"
    assert world.bed.call(DID).outcome == "refused"
    verify.everything(world, world.settled(3))


def test_arrears_let_a_call_finish_what_is_held(make_world: MakeWorld) -> None:
    """It is held in slices of eight seconds: it ends with one of them, not at once, not later."""
    world = make_world(Party("acme", DID, ("answers",), SECOND), billing={"slice_s": 8})
    calls = world.bed.begin(DID, talk_ms=60_000)
    world.wait_answered()
    ask(world, "suspend", "arrears")
    (result,) = calls.wait(40)
    (row,) = world.settled(1)
    print(f"talked: expected 8 or 16 s, got {result.talk_ms} ms")
    assert (row.cdr["billsec"], row.cdr["hung_up_by"]) in {(8, "timeout"), (16, "timeout")}
    verify.everything(world, [row])


def test_calls_connect_again_when_the_reason_is_cleared(make_world: MakeWorld) -> None:
    """As soon as the server has read that, and not before."""
    world = make_world(Party("acme", DID, ("answers",), SECOND, state=SUSPENDED))
    assert world.bed.call(DID).outcome == "refused"
    before = len(world.server.events("catalogue.loaded"))
    ask(world, "resume", "hold")
    eventually(lambda: len(world.server.events("catalogue.loaded")) > before, "it is read anew")
    assert world.bed.call(DID, talk_ms=1200).outcome == "answered"
    verify.everything(world, world.settled(2))
