"""What opening numbers needs of SQL: which of the chosen things are on, and which wait."""

from collections.abc import Sequence
from typing import Protocol

from callserver.domain.opening import OpeningItem


class OpeningBook(Protocol):
    """All methods raise StoreUnavailable, those that write also OutcomeUnknown."""

    async def begin(self, application: int) -> None:
        """Everything chosen is due that has not been tried; the activation of a number does so
        itself, older ones are made up for here."""
        ...

    async def note(self, application: int, item: OpeningItem) -> None:
        """How an item stands now. What is done stays done."""
        ...

    async def due(self, after: int, limit: int) -> Sequence[int]:
        """Applications of active numbers with something due, in order of id."""
        ...
