"""Shapes of plans; see models.py."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from callserver.adapters.http.bodies import Remark, Slug, YuanOrZero
from callserver.adapters.http.models import Money
from callserver.domain.billing_month import LAST_YEAR

Years = Annotated[int, Field(ge=1, le=3)]
FirstDay = Annotated[date, Field(le=date(LAST_YEAR, 12, 31))]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PlanVersion(_Shape):
    """What a plan is from a day on; fee, credit and minutes are those of one year."""

    plan: str
    name: str
    version: int
    effective_from: date
    annual_fee: Money
    credit: Money
    minutes: int
    rhythm: Literal["year", "term"]
    tariff: str | None


class PlanCatalogue(_Shape):
    """Every version, by plan and day."""

    plans: list[PlanVersion]


class NewPlan(_Shape):
    """A plan, or new terms of one. Without `effective_from`: from today on."""

    plan: Slug
    name: Remark = ""
    annual_fee: YuanOrZero
    credit: YuanOrZero = 0
    minutes: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    rhythm: Literal["year", "term"] = "year"
    tariff: Slug | None = None
    effective_from: date | None = None


class Subscription(_Shape):
    """A customer's plan for a term; days are Shanghai's, both included."""

    subscription: int
    customer: str
    plan: str
    version: int
    state: Literal["scheduled", "active", "unpaid", "replaced", "ended", "cancelled"]
    years: int
    first_day: date
    last_day: date
    next_day: date | None
    unpaid_since: date | None
    auto_renew: bool
    renew_when_used_up: bool
    follows: int | None


class NewSubscription(_Shape):
    """What a customer wants. Without `first_day`: from today on."""

    plan: Slug
    years: Years = 1
    first_day: FirstDay | None = None
    auto_renew: bool = False
    renew_when_used_up: bool = False


class Renewal(_Shape):
    """`now`: begin today, beside what is left; `years`: else as before."""

    now: bool = False
    years: Years | None = None


class Cancellation(_Shape):
    """`at_once`: over today, and what is left lapses."""

    at_once: bool = False


class Grant(_Shape):
    """What one fee bought: granted = used + lapsed + left."""

    subscription: int
    number: int
    first_day: date
    last_day: date
    fee: Money
    credit: Money
    credit_used: Money
    credit_lapsed: Money
    credit_left: Money
    minutes: int
    minutes_used: int
    minutes_lapsed: int
    minutes_left: int


class PlanHistoryLine(_Shape):
    """What happened to a subscription."""

    subscription: int
    event: str
    detail: str
    at: datetime


class CustomersPlan(_Shape):
    """A customer's plans, the newest first; history oldest first."""

    customer: str
    subscriptions: list[Subscription]
    grants: list[Grant]
    history: list[PlanHistoryLine]
