"""The server dies at a step of a call: as it asks Redis for it, or once Redis has done it."""

import asyncio

import pytest

from tests.e2e.business import Party
from tests.faults.world import ACME, PLAN, FaultWorld

STEPS = [
    ("admit", False),
    ("admit", True),
    ("answer", False),
    ("answer", True),
    ("extend", False),
    ("extend", True),
    ("settle", False),
    ("settle", True),
    ("acknowledge", False),
    ("acknowledge", True),
]
SAMPLE = {("extend", True, ACME), ("settle", True, ACME), ("settle", True, PLAN)}


@pytest.mark.parametrize(
    ("script", "done", "party"),
    [
        pytest.param(
            *step,
            party,
            id=f"{party.customer}-{step[0]}-{'done' if step[1] else 'asked'}",
            marks=[] if (*step, party) in SAMPLE else [pytest.mark.long_run],
        )
        for party in (ACME, PLAN)
        for step in STEPS
    ],
)
async def test_killed_at_a_step(
    world: FaultWorld, script: str, *, done: bool, party: Party
) -> None:
    """The call is not lost, not cut, not charged twice, in money or in minutes."""
    first = world.call(party, talk_s=0.3)  # the dialplan knows the way from now on
    await first
    await world.until(lambda: not world.left(), "the first call written")
    world.proxy.strike_at(script, world.kill_server, after=done)
    call = world.call(party, talk_s=3.2)
    await asyncio.wait_for(world.proxy.struck.wait(), 20)
    await world.start_server()
    record = await call
    assert record.hung_up_by == "caller"
    cdrs = await world.verdict()
    assert len(cdrs) == 2
    assert sum(cdr["included_minutes"] for cdr in cdrs) == party.minutes
