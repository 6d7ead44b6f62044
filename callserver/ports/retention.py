"""What the retention of callers' data needs of the books."""

from dataclasses import dataclass
from typing import Protocol

from callserver.domain.retention import CallerDay, Dispute


@dataclass(frozen=True, slots=True)
class Purged:
    """One batch: how many callers were deleted, and where to go on (None: that was all)."""

    callers: int
    after: tuple[int, str] | None


@dataclass(frozen=True, slots=True)
class Expired:
    """Callers older than the instant asked for: those to delete, and those disputes keep."""

    callers: int
    disputed: int
    oldest_ms: int | None


class RetentionBook(Protocol):
    """Callers' data in SQL. Raises StoreUnavailable and OutcomeUnknown."""

    async def expired(self, before_ms: int) -> Expired:
        """What a purge of calls that ended before this instant would find."""
        ...

    async def any_expired(self, before_ms: int) -> bool:
        """Whether there is anything to delete: cheap, for asking often."""
        ...

    async def purge_batch(self, before_ms: int, after: tuple[int, str] | None, most: int) -> Purged:
        """Delete at most `most` callers and add their calls to the day's counts, as one."""
        ...

    async def reclaim(self, before_ms: int, *, rewrite: bool) -> None:
        """Give up what deleting left on disk: emptied months, the write-ahead log; with `rewrite`
        the whole SQLite file anew."""
        ...

    async def caller_days(self, from_day: str, to_day: str, did: str | None) -> list[CallerDay]:
        """The counts of days from `from_day` to `to_day` (2026-03-01), both included."""
        ...

    async def open_dispute(self, call_id: str, note: str, actor: str) -> tuple[Dispute, bool]:
        """Note that a call is contested; the first note if it is already (False then).

        Raises Declined (cdr_unknown, caller_deleted).
        """
        ...

    async def close_dispute(self, call_id: str, actor: str) -> Dispute:
        """It is settled: the caller goes with its month. Raises Declined (dispute_unknown)."""
        ...

    async def disputes(self, *, closed: bool) -> list[Dispute]:
        """Open ones, or all; the newest first."""
        ...
