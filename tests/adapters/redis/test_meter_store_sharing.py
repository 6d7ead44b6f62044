"""Readers of the same thing share readings, and never get one older than their question."""

import asyncio

import pytest

from callserver.adapters.redis.meter_store_sharing import SharedReads


class Source:
    """Counts its readings; each ends when it is let go."""

    def __init__(self) -> None:
        self.started = 0
        self.gate = asyncio.Semaphore(0)
        self.error: Exception | None = None

    async def ask(self) -> int:
        """The number of this reading."""
        self.started += 1
        number = self.started
        await self.gate.acquire()
        if self.error:
            raise self.error
        return number


async def readers(reads: SharedReads[int], source: Source, count: int) -> list[asyncio.Task[int]]:
    """So many readers of one key, all waiting."""
    tasks = [asyncio.create_task(reads.read("key", source.ask)) for _ in range(count)]
    await asyncio.sleep(0.01)
    return tasks


async def test_late_readers_share_the_next_reading() -> None:
    """The first has its own; those that come meanwhile get one that starts after they asked."""
    reads, source = SharedReads[int](), Source()
    first, *late = await readers(reads, source, 10)
    assert source.started == 1
    source.gate.release()
    assert await first == 1
    later = await readers(reads, source, 1)
    for _ in range(2):
        source.gate.release()
    assert await asyncio.gather(*late, *later) == [2] * 9 + [3]


async def test_other_keys_do_not_wait() -> None:
    """Sharing is per key."""
    reads, source = SharedReads[int](), Source()
    (first,) = await readers(reads, source, 1)
    other = asyncio.create_task(reads.read("other", source.ask))
    await asyncio.sleep(0.01)
    assert source.started == 2
    for _ in range(2):
        source.gate.release()
    assert sorted(await asyncio.gather(first, other)) == [1, 2]


async def test_an_error_reaches_every_reader_and_ends_with_them() -> None:
    """After a failed reading the next reader asks again."""
    reads, source = SharedReads[int](), Source()
    source.error = LookupError()
    tasks = await readers(reads, source, 3)
    for _ in range(2):
        source.gate.release()
    assert [type(error) for error in await asyncio.gather(*tasks, return_exceptions=True)] == [
        LookupError
    ] * 3
    source.error = None
    source.gate.release()
    assert await reads.read("key", source.ask) == 3


async def test_a_reader_that_gives_up_takes_nothing_from_the_others() -> None:
    """Neither the first nor a sharing one."""
    reads, source = SharedReads[int](), Source()
    first, second, third = await readers(reads, source, 3)
    first.cancel()
    second.cancel()
    await asyncio.sleep(0.01)
    source.gate.release()
    assert await third == 2
    with pytest.raises(asyncio.CancelledError):
        await first
