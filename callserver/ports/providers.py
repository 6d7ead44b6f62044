"""What providers' reports and commissions need of the books."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from callserver.domain.billing_month import BillingMonth
from callserver.domain.commission import CallUsage, Earned, Terms


@dataclass(frozen=True, slots=True)
class Commission:
    """A provider's month: what it earned, what of it was posted before, what is posted now."""

    provider: str
    month: BillingMonth
    earned: Earned
    posted_micros: int
    amount_micros: int
    part: int
    """How many times the month was posted before."""


@dataclass(frozen=True, slots=True)
class PostedCommission:
    """A row of the past: part 0 is the month's, later ones what late calls added."""

    provider: str
    month: str
    part: int
    terms: str | None
    amount_micros: int
    earned_micros: int
    operation_id: str
    posted_ms: int


CommissionKey = tuple[str, str, int]
"""Month, provider and part: what a posted commission is found by."""


class ProviderBook(Protocol):
    """Providers' calls and commissions in SQL. Raises StoreUnavailable and OutcomeUnknown."""

    async def usage(self, from_ms: int, to_ms: int) -> dict[str, CallUsage]:
        """Calls that ended in [from_ms, to_ms), by the provider that had the customer then."""
        ...

    async def settled(self, accounts: list[str]) -> dict[str, int]:
        """Settled micros of accounts; those that do not exist are left out."""
        ...

    async def commissions(
        self, month: BillingMonth, terms: Mapping[str, Terms], actor: str, *, post: bool
    ) -> list[Commission]:
        """Work out every provider's month, by `terms` or those it was first posted by; `post`
        writes the difference to what was posted before, in the same transaction."""
        ...

    async def posted(
        self,
        providers: frozenset[str],
        month: str | None,
        after: CommissionKey | None = None,
        most: int | None = None,
    ) -> list[PostedCommission]:
        """What was posted, the newest month first; those behind `after`, `most` of them."""
        ...
