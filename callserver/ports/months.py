"""What minimums, month closes, bills and notices need from the books."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from callserver.domain.minimum import MinimumVersion, MinimumWish


class MinimumBook(Protocol):
    """Monthly minimums and their history [R1]. Raises StoreUnavailable and OutcomeUnknown."""

    async def put(self, wishes: Sequence[MinimumWish], actor: str) -> list[MinimumVersion]:
        """Grant all of these or none, from the start of next month; what holds then, for each.

        Raises Declined: what `domain.minimum.raised` says no to, a number nobody knows, an
        operation id that stood for something else.
        """
        ...

    async def follow(self, after: str, limit: int, actor: str) -> tuple[int, str | None]:
        """Let minimums of numbers not yet in use follow rates that went down; `limit` numbers
        beyond `after`. How many followed, and the last number looked at (None: that was all).
        """
        ...

    async def history(self, did: str) -> list[MinimumVersion]:
        """All versions, the oldest first; empty for a number without a minimum."""
        ...

    async def current(self, after: str, limit: int) -> list[MinimumVersion]:
        """The last version of each number beyond `after`, in order of the numbers."""
        ...

    async def rates(self, dids: Sequence[str]) -> Mapping[str, int]:
        """The numbers' rates now, micros a minute; 0 without a tariff; unknown ones left out."""
        ...

    async def owner(self, did: str) -> str | None:
        """The customer whose number it is now, if it is one's."""
        ...
