"""Shapes of features, deductions and reconciliation; see models.py."""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from callserver.adapters.http.bodies import Reason, Remark, Slug, YuanOrZero
from callserver.adapters.http.models import Money


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FeatureVersion(_Shape):
    """What a feature costs its provider for each period, from a day on."""

    feature: str
    name: str
    cycle: Literal["once", "month", "year"]
    version: int
    effective_from: date
    fee: Money


class FeatureCatalogue(_Shape):
    """Every version, by feature and day."""

    features: list[FeatureVersion]


class NewFeature(_Shape):
    """A feature, or a new fee of one. Without `effective_from`: from today on."""

    feature: Slug
    name: Remark = ""
    cycle: Literal["once", "month", "year"]
    fee: YuanOrZero
    effective_from: date | None = None


class Activation(_Shape):
    """A feature on a number; `paid_until` is its last paid day, null for what is paid once."""

    activation: int
    number: str
    customer: str
    provider: str
    feature: str
    cycle: Literal["once", "month", "year"]
    state: Literal["active", "suspended", "ended", "failed"]
    periods_paid: int
    paid_until: date | None
    suspended_since: date | None
    activated_at: datetime
    ended_at: datetime | None


class Activations(_Shape):
    """The newest first."""

    activations: list[Activation]


class WantedFeature(_Shape):
    """Which feature to switch on."""

    feature: Slug


class Failure(_Shape):
    """Why a feature never worked."""

    reason: Reason


class Deduction(_Shape):
    """A fee taken from a provider on `day`; negative with `reverses`: given back."""

    deduction: int
    activation: int
    provider: str
    customer: str
    number: str
    feature: str
    version: int
    fee: Money
    day: date
    period: int
    period_from: date
    period_to: date | None
    ledger_entry: int
    reverses: int | None
    dispute: Literal["open", "resolved"] | None


class DeductionPage(_Shape):
    """The newest first; `next_cursor` is null on the last page."""

    deductions: list[Deduction]
    next_cursor: str | None


class DisputeNote(_Shape):
    """A line of a dispute; it is never changed."""

    step: Literal["opened", "noted", "resolved"]
    text: str
    actor: str
    at: datetime


class DisputedDeduction(_Shape):
    """A deduction and what was said about it, oldest first."""

    deduction: Deduction
    notes: list[DisputeNote]


class NewNote(_Shape):
    """What is to be said; `resolves`: it is settled by this."""

    text: Reason
    resolves: bool = False


class ReconciliationDifference(_Shape):
    """Rows that do not fit."""

    deduction: int | None
    ledger_entry: int | None
    why: str


class ReconciledProvider(_Shape):
    """One provider's day; sums are what it paid."""

    provider: str
    deductions: int
    deducted: Money
    debits: int
    debited: Money
    difference: Money
    agrees: bool
    differences: list[ReconciliationDifference]


class Reconciliation(_Shape):
    """A day's deductions beside the ledger's feature debits."""

    day: date = Field(description="In Shanghai.")
    agrees: bool
    providers: list[ReconciledProvider]
