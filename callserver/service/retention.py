"""Deletes callers' data when its time is over, in batches, and keeps what is contested."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from callserver.domain.declined import Declined, Reason
from callserver.domain.retention import CallerDay, Dispute, kept_from_ms
from callserver.ports import Clock, OutcomeUnknown, StoreUnavailable
from callserver.ports.retention import Expired, RetentionBook

log = structlog.get_logger()

NOTE_MAX = 200
Told = Callable[[int], None]
"""Told how many callers were deleted so far."""


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """`caller_months` full months are kept; a batch has at most `batch` callers, then `pause_s`
    seconds for others to write; a running server looks every `look_s` seconds."""

    caller_months: int = 6
    batch: int = 2_000
    pause_s: float = 0.05
    look_s: float = 3_600


@dataclass(frozen=True, slots=True)
class Purge:
    """What a purge did, or would do: calls that ended before `before_ms`."""

    before_ms: int
    deleted: int
    disputed: int
    dry_run: bool


class Retention:
    """Callers' data over the books. Methods raise StoreUnavailable and OutcomeUnknown."""

    def __init__(self, book: RetentionBook, clock: Clock, policy: RetentionPolicy) -> None:
        self._book = book
        self._clock = clock
        self._policy = policy

    @property
    def before_ms(self) -> int:
        """Callers of calls that ended before this instant are due now."""
        return kept_from_ms(self._clock.now_us() // 1000, self._policy.caller_months)

    async def due(self) -> Expired:
        """What a purge would find now."""
        return await self._book.expired(self.before_ms)

    async def purge(
        self, *, dry_run: bool = False, rewrite: bool = False, told: Told | None = None
    ) -> Purge:
        """Delete what is due; killed in between, the next purge goes on where it was.

        `rewrite` writes an SQLite file anew afterwards, so that no trace of the deleted is left
        even in half-used pages; it holds up every writer meanwhile.
        """
        before_ms = self.before_ms
        if dry_run:
            found = await self._book.expired(before_ms)
            return Purge(before_ms, found.callers, found.disputed, dry_run=True)
        deleted, after = 0, None
        while True:
            batch = await self._book.purge_batch(before_ms, after, self._policy.batch)
            deleted, after = deleted + batch.callers, batch.after
            if told is not None:
                told(deleted)
            if after is None:
                break
            await asyncio.sleep(self._policy.pause_s)
        if deleted or rewrite:
            await self._book.reclaim(before_ms, rewrite=rewrite)
        left = await self._book.expired(before_ms)
        return Purge(before_ms, deleted, left.disputed, dry_run=False)

    async def run(self) -> None:
        """Look now and then, for ever; a database that is away is asked again the next time."""
        while True:
            try:
                if await self._book.any_expired(self.before_ms):
                    done = await self.purge()
                    log.info("retention.purged", callers=done.deleted, disputed=done.disputed)
            except (StoreUnavailable, OutcomeUnknown) as fault:
                log.warning("retention.postponed", reason=str(fault))
            await asyncio.sleep(self._policy.look_s)

    async def caller_days(
        self, from_day: str, to_day: str, did: str | None = None
    ) -> list[CallerDay]:
        """What is left of callers whose time is over: counts by day, number and area."""
        return await self._book.caller_days(from_day, to_day, did)

    async def dispute(self, call_id: str, note: str, actor: str) -> tuple[Dispute, bool]:
        """Note that a call is contested, so that its caller stays; again: the first note, False.

        Raises Declined (cdr_unknown, caller_deleted, dispute_malformed).
        """
        note = note.strip()
        if not note or len(note) > NOTE_MAX or not note.isprintable():
            raise Declined(
                Reason.DISPUTE_MALFORMED, f"Write a note of 1 to {NOTE_MAX} characters on one line."
            )
        return await self._book.open_dispute(call_id, note, actor)

    async def settle_dispute(self, call_id: str, actor: str) -> Dispute:
        """It is settled: the caller goes with its month. Raises Declined (dispute_unknown)."""
        dispute = await self._book.close_dispute(call_id, actor)
        log.info("retention.dispute_closed", call_id=call_id, actor=actor)
        return dispute

    async def disputes(self, *, closed: bool = False) -> list[Dispute]:
        """Open ones, or all of them; the newest first."""
        return await self._book.disputes(closed=closed)
