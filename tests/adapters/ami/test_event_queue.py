"""The queue between the socket and the one who handles events."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from callserver.adapters.ami.event_queue import AT_ONCE, EventQueue
from callserver.adapters.ami.message import AmiEvent
from tests.adapters.ami.scripted_asterisk import until


def block(number: int) -> bytes:
    """A raw event with a number."""
    return f"Event: Hangup\r\nUniqueid: {number}".encode()


@asynccontextmanager
async def consumed(queue: EventQueue) -> AsyncIterator[None]:
    """The consumer runs meanwhile."""
    task = asyncio.create_task(queue.consume())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_events_come_in_order() -> None:
    """All of them, in the order they were put, over several breaths of the loop."""
    seen: list[str] = []
    queue = EventQueue("a", 1000, lambda event: seen.append(event.fields["Uniqueid"]))
    async with consumed(queue):
        for number in range(2 * AT_ONCE + 50):
            assert queue.put(block(number))
        await until(lambda: len(seen) == 2 * AT_ONCE + 50)
    assert seen == [str(number) for number in range(2 * AT_ONCE + 50)]


async def test_full_queue_takes_no_more_until_half_is_taken() -> None:
    """One more than the bound is turned away, and room is told of at half."""
    queue = EventQueue("a", 4, lambda event: None)
    assert [queue.put(block(number)) for number in range(5)] == [True, True, True, True, False]
    room = asyncio.create_task(queue.room())
    await asyncio.sleep(0)
    assert not room.done()
    async with consumed(queue):
        await room
    assert len(queue) == 0


async def test_fault_and_garble_cost_one_event_each() -> None:
    """An event that cannot be read, and one whose handling fails, do not cost the next."""
    seen: list[str] = []

    def handle(event: AmiEvent) -> None:
        if event.fields["Uniqueid"] == "1":
            raise RuntimeError("a bug")
        seen.append(event.fields["Uniqueid"])

    queue = EventQueue("a", 10, handle)
    async with consumed(queue):
        for raw in (block(1), b"Event: X\r\nA: 1\r\nA: 2", block(2)):
            queue.put(raw)
        await until(lambda: seen == ["2"])


async def test_other_tasks_breathe_while_a_flood_is_handled() -> None:
    """The loop runs others between parts of a long queue."""
    handled_at: list[int] = []
    seen = 0

    def handle(event: AmiEvent) -> None:
        nonlocal seen
        seen += 1

    async def other() -> None:
        while seen < 5 * AT_ONCE:
            handled_at.append(seen)
            await asyncio.sleep(0)

    queue = EventQueue("a", 5 * AT_ONCE, handle)
    for number in range(5 * AT_ONCE):
        queue.put(block(number))
    async with consumed(queue):
        await other()
    assert len(set(handled_at)) >= 5
