"""The history of numbers as those need it who bill by it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Activation:
    """When a number was first active ever, and since when it is its present owner's.

    `tenure_ms` is the last activation that was not the end of a suspension; `customer` whose it was
    then. 0 means "before the history began".
    """

    first_ms: int
    tenure_ms: int
    customer: str | None


Span = tuple[int, int]
"""Half-open, UTC milliseconds."""


class NumberHistory(Protocol):
    """What happened to numbers, for many at once. Raises StoreUnavailable."""

    async def activations(self, dids: Sequence[str] | None = None) -> Mapping[str, Activation]:
        """Numbers that have ever been active; None: of all. Others are left out."""
        ...

    async def suspensions(
        self, from_ms: int, to_ms: int, dids: Sequence[str] | None = None
    ) -> Mapping[str, Sequence[Span]]:
        """When they were suspended within [from_ms, to_ms), in order; cut to that range.

        Numbers that were not are left out. One reason after another is one span.
        """
        ...
