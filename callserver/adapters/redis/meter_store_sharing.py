"""Many readers of one thing at once cost one reading or two, not one each."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class SharedReads(Generic[T]):
    """Readers that come while a read runs share the next one.

    So an answer is never older than its question, and per key one read runs at a time: a costly
    one (a balance with thousands of live calls) cannot pile up.
    """

    def __init__(self) -> None:
        self._running: dict[str, asyncio.Event] = {}
        self._next: dict[str, asyncio.Task[T]] = {}

    async def read(self, key: str, ask: Callable[[], Awaitable[T]]) -> T:
        """`ask()` now, or that of another reader which has yet to start. Raises what it raises."""
        if key not in self._running:
            return await self._alone(key, ask)
        shared = self._next.get(key)
        if shared is None:
            shared = asyncio.create_task(self._in_turn(key, ask), name="shared_read")
            shared.add_done_callback(_note_outcome)
            self._next[key] = shared
        return await asyncio.shield(shared)  # a reader that gives up leaves the others theirs

    async def _in_turn(self, key: str, ask: Callable[[], Awaitable[T]]) -> T:
        while key in self._running:
            await self._running[key].wait()
        self._next.pop(key, None)
        return await self._alone(key, ask)

    async def _alone(self, key: str, ask: Callable[[], Awaitable[T]]) -> T:
        done = self._running[key] = asyncio.Event()
        try:
            return await ask()
        finally:
            del self._running[key]
            done.set()


def _note_outcome(task: asyncio.Task[T]) -> None:
    # Every reader may have given up; asyncio would complain of an error nobody looked at.
    if not task.cancelled():
        task.exception()
