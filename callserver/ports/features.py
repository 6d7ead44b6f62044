"""What the feature service needs of SQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from callserver.domain.features import (
    Activation,
    Deduction,
    DisputeNote,
    FeatureEvent,
    FeatureVersion,
    HistoryLine,
)
from callserver.domain.reconciliation import ProviderDay


@dataclass(frozen=True, slots=True)
class DeductionQuery:
    """Which deductions; None: all. Days are those on which the money moved, both included."""

    providers: frozenset[str] | None = None
    customer: str | None = None
    did: str | None = None
    activation: int | None = None
    from_day: date | None = None
    to_day: date | None = None
    before_id: int | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class ActivationQuery:
    """Which activations; None: all. `ended` also those that are over."""

    did: str | None = None
    customer: str | None = None
    providers: frozenset[str] | None = None
    ended: bool = False


class FeatureBooks(Protocol):
    """Features in SQL. Every method is one transaction; writes are idempotent by `operation_id`.

    All raise StoreUnavailable and OutcomeUnknown; rules that say no raise Declined.
    """

    async def add_version(self, wanted: FeatureVersion, actor: str) -> FeatureVersion:
        """Add a feature or a new fee of one."""
        ...

    async def versions(self, feature: str | None = None) -> list[FeatureVersion]:
        """The catalogue."""
        ...

    async def activate(self, did: str, feature: str, operation_id: str, actor: str) -> Activation:
        """Switch a feature on and take its first fee from the provider."""
        ...

    async def deactivate(self, activation: int, operation_id: str, actor: str) -> Activation:
        """Switch a feature off; nothing is paid back."""
        ...

    async def fail(self, activation: int, reason: str, operation_id: str, actor: str) -> Activation:
        """It never worked: give the fee back."""
        ...

    async def activation(self, activation: int) -> Activation:
        """One activation."""
        ...

    async def history(self, activation: int) -> list[HistoryLine]:
        """What happened to an activation, oldest first."""
        ...

    async def activations(self, query: ActivationQuery) -> list[Activation]:
        """Activations, the newest first."""
        ...

    async def due(self, after_id: int, limit: int) -> Sequence[int]:
        """Open activations whose next fee is due or whose number is gone, in order of id."""
        ...

    async def renew(self, activation: int, retry_days: int) -> FeatureEvent | None:
        """Take one step that is due: what happened, None if nothing (more) did."""
        ...

    async def customer_of(self, did: str) -> str | None:
        """Who has the number now; None: nobody."""
        ...

    async def deductions(self, query: DeductionQuery) -> list[Deduction]:
        """Deductions, the newest first."""
        ...

    async def deduction(self, deduction: int) -> Deduction:
        """One deduction."""
        ...

    async def note(
        self, deduction: int, text: str, operation_id: str, actor: str, *, resolves: bool
    ) -> DisputeNote:
        """Open a dispute, add to it, or resolve it."""
        ...

    async def notes(self, deduction: int) -> list[DisputeNote]:
        """What was said about a deduction."""
        ...

    async def reconcile(self, day: date, provider: str | None) -> tuple[ProviderDay, ...]:
        """A day's deductions beside the ledger's feature debits."""
        ...
