"""Step 8: settled calls become rows in SQL, many in one transaction, each once."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import structlog

from callserver.domain.cdr import Cdr
from callserver.domain.cdr_builder import build_cdr, decode_outcome
from callserver.domain.identity import SHARDS
from callserver.domain.meter import OutboxEntry
from callserver.ports import Books, Clock, MeterStore, OutcomeUnknown, StoreUnavailable

log = structlog.get_logger()

BATCH_MAX = 200
WAITING_MAX = 20_000  # beyond this the outbox in Redis keeps the rest until the sweeper's turn
SWEEP_MOST = 500


def cdr_of(entry: OutboxEntry) -> Cdr:
    """The CDR of a settled call. Raises ValueError for a payload we cannot read."""
    plan, end = decode_outcome(entry.payload)
    return build_cdr(plan, end, entry.settled)


class CdrWriter:
    """Commits in groups: whatever arrives while one transaction runs goes into the next."""

    def __init__(
        self,
        books: Books,
        meters: MeterStore,
        clock: Clock,
        *,
        sweep_s: float = 5.0,
        tombstone_ms: int = 3_600_000,
    ) -> None:
        self._books = books
        self._meters = meters
        self._clock = clock
        self._sweep_s = sweep_s
        self._tombstone_ms = tombstone_ms
        self._waiting: dict[str, OutboxEntry] = {}
        self._wake = asyncio.Event()
        # One transaction at a time: SQLite has one writer, and a rebuild must see none in flight.
        self._turn = asyncio.Lock()

    @property
    def waiting(self) -> int:
        """Settled calls in this process that SQL does not have yet."""
        return len(self._waiting)

    def put(self, entry: OutboxEntry) -> None:
        """Hand over a freshly settled call; when too many wait it stays in the outbox only."""
        if len(self._waiting) < WAITING_MAX:
            self._waiting[entry.token] = entry
        self._wake.set()

    async def run(self) -> None:
        """Write what is handed over, for ever. What fails stays and is tried again."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                try:
                    async with self._turn:
                        await self._write(list(self._waiting.values())[:BATCH_MAX])
                except (StoreUnavailable, OutcomeUnknown) as error:
                    log.warning("cdr.kept", waiting=len(self._waiting), reason=str(error))
                    await asyncio.sleep(self._sweep_s / 5)

    async def sweep(self) -> None:
        """Write what a dead process left in the outbox, and forget old tombstones; for ever."""
        while True:
            try:
                async with self._turn:
                    await self.drain(range(SHARDS))
                await self._forget()
            except (StoreUnavailable, OutcomeUnknown) as error:
                log.warning("cdr.sweep_failed", reason=str(error))
            await asyncio.sleep(self._sweep_s)

    async def drain(self, shards: Iterable[int]) -> None:
        """Write these shards' outboxes until nothing readable is left. Call it in turn."""
        for shard in shards:
            while True:
                entries = await self._meters.outbox(shard, SWEEP_MOST)
                if await self._write(entries) < SWEEP_MOST:
                    break

    async def flush(self) -> None:
        """Write all that was handed over, whether or not Redis still has it. Call it in turn."""
        while self._waiting:
            await self._write(list(self._waiting.values())[:BATCH_MAX])

    @asynccontextmanager
    async def resting(self) -> AsyncIterator[None]:
        """No transaction runs inside this block."""
        async with self._turn:
            yield

    async def _write(self, entries: list[OutboxEntry]) -> int:
        """One transaction, then the acknowledgements; how many were readable."""
        cdrs: list[Cdr] = []
        readable: list[OutboxEntry] = []
        for entry in entries:
            try:
                cdrs.append(cdr_of(entry))
            except (ValueError, KeyError, TypeError):
                # It stays in the outbox for a person to look at: money is in it.
                log.exception("cdr.unreadable", shard=entry.shard)
                self._waiting.pop(entry.token, None)
            else:
                readable.append(entry)
        if not cdrs:
            return 0
        await self._books.write_cdrs(cdrs)
        by_shard: dict[int, list[str]] = {}
        for entry in readable:
            by_shard.setdefault(entry.shard, []).append(entry.token)
            self._waiting.pop(entry.token, None)
        now_ms = self._clock.now_us() // 1000
        await asyncio.gather(
            *(self._meters.acknowledge(shard, tokens, now_ms) for shard, tokens in by_shard.items())
        )
        return len(readable)

    async def _forget(self) -> None:
        before_ms = self._clock.now_us() // 1000 - self._tombstone_ms
        for shard in range(SHARDS):
            await self._meters.forget(shard, before_ms, SWEEP_MOST)
