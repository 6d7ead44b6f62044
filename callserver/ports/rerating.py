"""What re-rating reads calls from and posts corrections to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from callserver.domain.rerating import Correction, FinishedCall, PostedCorrection, RerateOutcome


@dataclass(frozen=True, slots=True)
class RerateQuery:
    """Calls that ended in [from_ms, to_ms)."""

    from_ms: int
    to_ms: int
    customer: str | None = None
    did: str | None = None


@dataclass(frozen=True, slots=True)
class Posting:
    """Who posts corrections and why; `force`: also where they take an account below its limit."""

    actor: str
    reason: str
    force: bool = False


class RerateBook(Protocol):
    """CDRs and their corrections in SQL. Raises StoreUnavailable; `post` also OutcomeUnknown."""

    async def count_calls(self, query: RerateQuery) -> int:
        """How many calls there are to look at."""
        ...

    async def calls(
        self, query: RerateQuery, after: FinishedCall | None, most: int
    ) -> list[FinishedCall]:
        """The next calls in order of their ends, answered or not."""
        ...

    async def corrected(self, operations: Sequence[str]) -> set[str]:
        """Which of these corrections were posted before."""
        ...

    async def post(
        self, corrections: Sequence[Correction], posting: Posting
    ) -> dict[str, RerateOutcome]:
        """Post these in one transaction, each once; what became of each, by call_id.

        CHANGED: posted now; CORRECTED_BEFORE; BELOW_LIMIT; MONTH_CLOSING. Where the call costs
        something else than the correction says (another was posted meanwhile) it is left out of
        the answer.
        """
        ...

    async def corrections(self, call_ids: Sequence[str]) -> list[PostedCorrection]:
        """All corrections of these calls, the oldest first."""
        ...
