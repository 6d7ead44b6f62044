"""Whenever Redis is (again) there: rebuild lost shards, then settle what the spool kept."""

import asyncio
from collections.abc import Callable

import structlog

from callserver.domain.identity import SHARDS
from callserver.ports import REDIS_AWAY
from callserver.service.settle import Settle
from callserver.service.shards import ShardGuard, ShardRebuilder

log = structlog.get_logger()

LOOK_S = 2.0


class RedisUpkeep:
    """`ready` says whether Redis would take a command now.

    `on_trusted` is called after every look that left all shards trusted: calls can be held.
    """

    def __init__(
        self,
        ready: Callable[[], bool],
        guard: ShardGuard,
        rebuilder: ShardRebuilder,
        settle: Settle,
        on_trusted: Callable[[], None],
    ) -> None:
        self._ready = ready
        self._guard = guard
        self._rebuilder = rebuilder
        self._settle = settle
        self._on_trusted = on_trusted
        self._run_id = ""
        self._wake = asyncio.Event()

    def connected(self, run_id: str) -> None:
        """Another run of Redis may have lost data: trust no shard of it before it was checked."""
        if run_id != self._run_id:
            self._run_id = run_id
            self._guard.suspect(set(range(SHARDS)))
        self._wake.set()

    async def run(self) -> None:
        """Look every LOOK_S, and at once after a connect; for ever."""
        while True:
            self._wake.clear()
            if self._ready():
                await self._look()
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _look(self) -> None:
        try:
            await self._rebuilder.check(self._run_id)
            self._on_trusted()
            await self._settle.replay()
        except REDIS_AWAY as error:
            log.warning("redis.upkeep_waits", reason=str(error))
