"""Redis loses everything while people talk: the balances are built anew from SQL."""

from decimal import Decimal

import pytest

from tests.e2e import verify
from tests.e2e.bed.bed import eventually
from tests.e2e.business import Party
from tests.e2e.conftest import MakeWorld
from tests.e2e.reference import Terms
from tests.e2e.world import World

pytestmark = pytest.mark.e2e

ACME = Party("acme", "4001000001", ("answers",), Terms("0.60", 1, 1), balance="1")


def test_everything_in_redis_is_lost_during_a_call(make_world: MakeWorld) -> None:
    """The hold is put back, the call goes on and is extended, its fee comes off once."""
    world = make_world(ACME)
    world.bed.call("4001000001", talk_ms=1_200)
    world.settled(1)
    calls = world.bed.begin("4001000001", talk_ms=9_000)
    world.wait_answered()
    world.server.redis("FLUSHALL")
    eventually(lambda: world.server.readyz()[0] == 200 and _holds(world) > 0, "the hold is back")
    (result,) = calls.wait(60)
    assert result.ended_by == "caller"
    rows = world.settled(2)
    verify.everything(world, rows)


def _holds(world: World) -> Decimal:
    return verify.amount(world.get("/v1/accounts/acme/balance")["held"])
