"""[R2] Paid features of a number: their catalogue, who has them on, and what was deducted.

The provider pays, never the customer. Days are Shanghai's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from callserver.domain.periods import Cycle, Period, period


@dataclass(frozen=True, slots=True)
class FeatureVersion:
    """What a feature costs from a day on. Immutable; `fee_micros` ≥ 0 for each period."""

    feature: str
    name: str
    cycle: Cycle
    version: int
    effective_from: date
    fee_micros: int


class ActivationState(StrEnum):
    """ACTIVE and SUSPENDED are open: a number has a feature open at most once."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    """Its renewal was not covered: off until the provider has money, then on again."""
    ENDED = "ended"
    FAILED = "failed"
    """It never worked; its fee was given back."""


OPEN = (ActivationState.ACTIVE, ActivationState.SUSPENDED)


class FeatureEvent(StrEnum):
    """What happened to an activation."""

    ACTIVATED = "activated"
    RENEWED = "renewed"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    DEACTIVATED = "deactivated"
    FAILED = "failed"
    EXPIRED = "expired"
    NUMBER_GONE = "number_gone"


@dataclass(frozen=True, slots=True)
class Activation:
    """A feature on a number. Period `anchor_period` begins on `anchor_day`; `periods` are paid.

    `next_day` is when the next one is due, None: never.
    """

    id: int
    did: str
    customer: str
    provider: str
    feature: str
    cycle: Cycle
    state: ActivationState
    anchor_day: date
    anchor_period: int
    periods: int
    next_day: date | None
    suspended_day: date | None
    operation_id: str
    actor: str
    created_ms: int
    ended_ms: int | None

    def period(self, number: int) -> Period:
        """The days of a period."""
        return period(self.cycle, number, self.anchor_day, self.anchor_period)

    @property
    def paid_until(self) -> date | None:
        """The last day that is paid; None for what is paid once, and for what is over."""
        if self.next_day is None or self.state not in OPEN:
            return None
        return self.next_day - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One line of an activation's history."""

    event: FeatureEvent
    detail: str
    actor: str
    created_ms: int


@dataclass(frozen=True, slots=True)
class Deduction:
    """One fee taken from a provider (`fee_micros` ≥ 0), or given back (≤ 0, with `reverses`).

    `day` is when the money moved, `period_from` … `period_to` what it is for.
    """

    id: int
    activation: int
    provider: str
    customer: str
    did: str
    feature: str
    version: int
    fee_micros: int
    day: date
    period: int
    period_from: date
    period_to: date | None
    entry: int
    reverses: int | None
    actor: str
    created_ms: int
    dispute: str | None = None
    """`open` or `resolved`; None: nobody objected."""


class DisputeStep(StrEnum):
    """A line of a dispute's history."""

    OPENED = "opened"
    NOTED = "noted"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class DisputeNote:
    """Somebody said something about a deduction; nothing of it is ever changed."""

    id: int
    deduction: int
    step: DisputeStep
    text: str
    actor: str
    created_ms: int


def version_on(versions: Iterable[FeatureVersion], day: date) -> FeatureVersion | None:
    """The version in force on a day; None before the first."""
    in_force = [version for version in versions if version.effective_from <= day]
    return max(in_force, key=lambda version: version.effective_from, default=None)
