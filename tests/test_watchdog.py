"""A frozen loop is noticed, a busy one is not."""

import asyncio
import threading
import time

from callserver.watchdog import Watchdog


async def test_a_frozen_loop_is_noticed_from_outside_the_loop() -> None:
    """The callback runs while the loop is still stuck."""
    noticed = threading.Event()
    task = asyncio.create_task(Watchdog(0.2, noticed.set).run())
    await asyncio.sleep(0.05)
    give_up_at = time.monotonic() + 20
    while not noticed.is_set() and time.monotonic() < give_up_at:
        time.sleep(0.05)  # this blocks the loop, on purpose
    assert noticed.is_set()
    task.cancel()


async def test_a_living_loop_is_left_alone() -> None:
    """A loop that keeps turning for longer than the patience is not taken for frozen."""
    noticed = threading.Event()
    task = asyncio.create_task(Watchdog(5.0, noticed.set).run())
    await asyncio.sleep(0.3)
    assert not noticed.is_set()
    task.cancel()
