"""Arrears: who owes, and whose numbers are still suspended though it paid."""

from collections.abc import Collection, Sequence
from typing import Protocol

from callserver.domain.arrears import Overdue, ToRestore


class ArrearsBook(Protocol):
    """Each method reads one snapshot. Raises StoreUnavailable."""

    async def overdue(self, customers: Collection[str] | None, days: int) -> Sequence[Overdue]:
        """Customers in arrears, in order of their ids (None: of all)."""
        ...

    async def to_restore(self, customers: Collection[str] | None) -> Sequence[ToRestore]:
        """Numbers suspended for arrears that were paid, the least time left first."""
        ...
