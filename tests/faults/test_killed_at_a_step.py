"""The server dies at a step of a call: as it asks Redis for it, or once Redis has done it."""

import asyncio

import pytest

from tests.faults.world import FaultWorld

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
SAMPLE = {("extend", True), ("settle", True)}


@pytest.mark.parametrize(
    ("script", "done"),
    [
        pytest.param(
            *step,
            id=f"{step[0]}-{'done' if step[1] else 'asked'}",
            marks=[] if step in SAMPLE else [pytest.mark.long_run],
        )
        for step in STEPS
    ],
)
async def test_killed_at_a_step(world: FaultWorld, script: str, *, done: bool) -> None:
    """The call is not lost, not cut, not charged twice."""
    first = world.call(talk_s=0.3)  # the dialplan knows the way from now on
    await first
    await world.until(lambda: not world.left(), "the first call written")
    world.proxy.strike_at(script, world.kill_server, after=done)
    call = world.call(talk_s=3.2)
    await asyncio.wait_for(world.proxy.struck.wait(), 20)
    await world.start_server()
    record = await call
    assert record.hung_up_by == "caller"
    assert len(await world.verdict()) == 2
