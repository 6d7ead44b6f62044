"""Step 8: settled calls become rows in SQL, many in one transaction, each once."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from itertools import islice

import structlog

from callserver.domain.call import CallEnd, Plan
from callserver.domain.cdr import Cdr
from callserver.domain.cdr_builder import build_cdr, decode_outcome
from callserver.domain.identity import SHARDS
from callserver.domain.meter import OutboxEntry
from callserver.ports import Books, Clock, MeterStore, OutcomeUnknown, StoreUnavailable

log = structlog.get_logger()

BATCH_MAX = 200
WAITING_MAX = 20_000  # beyond this the outbox in Redis keeps the rest until the sweeper's turn
SWEEP_MOST = 500
GATHER_S = 0.01  # between two transactions: one of five rows costs hardly more than one of one
ACKNOWLEDGE_MS = 200
ACKNOWLEDGE_MOST = 2_000

Outcome = tuple[Plan, CallEnd]


def cdr_of(entry: OutboxEntry, outcome: Outcome | None = None) -> Cdr:
    """The CDR of a settled call; `outcome` is what the payload says, where that is at hand.

    Raises ValueError, KeyError or TypeError for a payload we cannot read.
    """
    plan, end = outcome or decode_outcome(entry.payload)
    return build_cdr(plan, end, entry.settled)


class CdrWriter:
    """Commits in groups: whatever arrives while one transaction runs goes into the next.

    The outbox is cleared a moment later, for many calls at once: an entry that SQL has already does
    no harm there, being written once whoever finds it.
    """

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
        self._waiting: dict[str, tuple[OutboxEntry, Outcome | None]] = {}
        self._written: dict[int, list[str]] = {}  # by shard: what SQL has and the outbox too
        self._written_since_ms = 0
        self._unreadable: set[str] = set()
        self._unwritable: set[str] = set()
        self._wake = asyncio.Event()
        # One transaction at a time: SQLite has one writer, and a rebuild must see none in flight.
        self._turn = asyncio.Lock()

    @property
    def waiting(self) -> int:
        """Settled calls in this process that SQL does not have yet."""
        return len(self._waiting)

    def put(self, entry: OutboxEntry, outcome: Outcome | None = None) -> None:
        """Hand over a freshly settled call; when too many wait it stays in the outbox only.

        `outcome`, where at hand, spares reading the payload again.
        """
        if len(self._waiting) < WAITING_MAX:
            self._waiting[entry.token] = (entry, outcome)
        self._wake.set()

    async def run(self) -> None:
        """Write what is handed over, for ever. What fails stays and is tried again."""
        while True:
            try:
                await self._turn_of_work()
            except (StoreUnavailable, OutcomeUnknown) as error:
                log.warning("cdr.kept", waiting=len(self._waiting), reason=str(error))
                await asyncio.sleep(self._sweep_s / 5)

    async def _turn_of_work(self) -> None:
        if not self._waiting:
            try:
                async with asyncio.timeout(ACKNOWLEDGE_MS / 1000 if self._written else None):
                    await self._wake.wait()
            except TimeoutError:  # nothing more to write: clear what was
                async with self._turn:
                    await self._acknowledge()
                return
        self._wake.clear()
        async with self._turn:
            if self._waiting:
                await self._write(list(islice(self._waiting.values(), BATCH_MAX)))
            if self._acknowledge_due():
                await self._acknowledge()
        await asyncio.sleep(GATHER_S)

    async def sweep(self) -> None:
        """Write what a dead process left in the outbox, and forget old tombstones; for ever."""
        while True:
            try:
                for shard in range(SHARDS):
                    if await self._left_over(shard):
                        async with self._turn:
                            await self._acknowledge()
                            await self.drain([shard])
                await self._forget()
            except (StoreUnavailable, OutcomeUnknown) as error:
                log.warning("cdr.sweep_failed", reason=str(error))
            await asyncio.sleep(self._sweep_s)

    async def _left_over(self, shard: int) -> bool:
        """Whether a shard's outbox may hold what `run` will not write. Out of turn: 64 readings of
        Redis would hold up the CDRs that are being written.
        """
        entries = await self._meters.outbox(shard, SWEEP_MOST)
        written = set(self._written.get(shard, ()))
        known = (self._waiting, written, self._unreadable, self._unwritable)
        unknown = any(all(entry.token not in each for each in known) for entry in entries)
        return unknown or len(entries) >= SWEEP_MOST

    async def drain(self, shards: Iterable[int]) -> None:
        """Write these shards' outboxes until nothing readable is left. Call it in turn."""
        for shard in shards:
            most = SWEEP_MOST
            while True:
                entries = await self._meters.outbox(shard, most)
                written = await self._write([(entry, None) for entry in entries])
                await self._acknowledge()
                if len(entries) < most:
                    break
                most = SWEEP_MOST + len(entries) - written  # the unreadable ones stay in front

    async def written(self, token_hashes: Sequence[str]) -> set[str]:
        """Which of these calls SQL has."""
        return await self._books.known_tokens(token_hashes)

    async def flush(self) -> None:
        """Write all that was handed over, whether or not Redis still has it. Call it in turn."""
        while self._waiting:
            await self._write(list(self._waiting.values())[:BATCH_MAX])

    @asynccontextmanager
    async def resting(self) -> AsyncIterator[None]:
        """No transaction runs inside this block."""
        async with self._turn:
            yield

    async def _write(self, entries: list[tuple[OutboxEntry, Outcome | None]]) -> int:
        """One transaction; how many SQL has now. `_acknowledge` clears them from the outbox."""
        readable: list[tuple[OutboxEntry, Cdr]] = []
        for entry, outcome in entries:
            try:
                cdr = cdr_of(entry, outcome)
            except (ValueError, KeyError, TypeError):
                # It stays in the outbox for a person to look at: money is in it.
                self._waiting.pop(entry.token, None)
                if entry.token not in self._unreadable:
                    self._unreadable.add(entry.token)
                    log.exception("cdr.unreadable", shard=entry.shard)
            else:
                if entry.token in self._unwritable:
                    self._waiting.pop(entry.token, None)
                else:
                    readable.append((entry, cdr))
        written = await self._commit(readable) if readable else []
        if not self._written:
            self._written_since_ms = self._now_ms()
        for entry in written:
            self._written.setdefault(entry.shard, []).append(entry.token)
            self._waiting.pop(entry.token, None)
        return len(written)

    async def _commit(self, batch: list[tuple[OutboxEntry, Cdr]]) -> list[OutboxEntry]:
        """Write them; those that SQL has now. One that it will not take is found by halves."""
        try:
            await self._books.write_cdrs([cdr for _, cdr in batch])
        except (StoreUnavailable, OutcomeUnknown):
            raise
        except Exception:
            if len(batch) > 1:
                half = len(batch) // 2
                return await self._commit(batch[:half]) + await self._commit(batch[half:])
            ((entry, cdr),) = batch
            self._waiting.pop(entry.token, None)
            self._unwritable.add(entry.token)
            # It stays in the outbox for a person to look at: money is in it.
            log.exception("cdr.unwritable", shard=entry.shard, call_id=cdr.call_id)
            return []
        return [entry for entry, _ in batch]

    def _acknowledge_due(self) -> bool:
        waited_ms = self._now_ms() - self._written_since_ms
        count = sum(map(len, self._written.values()))
        return bool(count) and (waited_ms >= ACKNOWLEDGE_MS or count >= ACKNOWLEDGE_MOST)

    async def _acknowledge(self) -> None:
        """Clear what SQL has from the outbox. Where that fails, the sweeper finds it there."""
        written, self._written = self._written, {}
        now_ms = self._now_ms()
        await asyncio.gather(
            *(self._meters.acknowledge(shard, tokens, now_ms) for shard, tokens in written.items())
        )

    def _now_ms(self) -> int:
        return self._clock.now_us() // 1000

    async def _forget(self) -> None:
        before_ms = self._now_ms() - self._tombstone_ms
        for shard in range(SHARDS):
            await self._meters.forget(shard, before_ms, SWEEP_MOST)
