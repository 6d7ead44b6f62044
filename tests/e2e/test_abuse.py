"""Strangers on the FastAGI port: the API answers and real calls go through meanwhile."""

import statistics
import time

import pytest

from tests.e2e import siege, verify
from tests.e2e.business import Party
from tests.e2e.conftest import MakeWorld
from tests.e2e.http import get_json
from tests.e2e.reference import Terms
from tests.e2e.world import World

pytestmark = pytest.mark.e2e

ACME = Party("acme", "4001000001", ("busy", "answers"), Terms("0.60", 1, 1))
TROUBLES = (
    siege.connect_and_close,
    siege.half_open,
    siege.huge_header,
    siege.garbage,
    siege.everything,
)
LOOKS = 20
USUAL_S, WORST_S = 0.1, 1.0  # the worst of them on a machine where much else runs


def test_strangers_on_the_fastagi_port_disturb_nobody(make_world: MakeWorld) -> None:
    """Under each trouble `/healthz` answers within 100 ms and a call is routed and rated."""
    world = make_world(ACME)
    for number, trouble in enumerate(TROUBLES, 1):
        with trouble(world.server.agi_port):
            calls = world.bed.begin("4001000001", talk_ms=1200)
            waits_s = [_health_s(world) for _ in range(LOOKS)]
            (result,) = calls.wait(60)
            rows = world.settled(number)
        usual_ms, worst_ms = statistics.median(waits_s) * 1000, max(waits_s) * 1000
        print(
            f"{trouble.__name__}: expected an answer within 100 ms, "
            f"got {usual_ms:.1f} ms, at worst {worst_ms:.1f} ms; the call: {result.outcome}"
        )
        assert statistics.median(waits_s) <= USUAL_S
        assert max(waits_s) <= WORST_S
        assert result.outcome == "answered"
        assert {row.cdr["end_source"] for row in rows} == {"report"}
    verify.everything(world, rows)
    assert world.server.readyz()[0] == 200


def _health_s(world: World) -> float:
    time.sleep(0.05)
    began_s = time.monotonic()
    assert get_json(f"{world.server.url}/healthz")[0] == 200
    return time.monotonic() - began_s
