"""What the plan service needs of SQL, and of the live copy of the money."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from callserver.domain.plans import PlanEvent, PlanVersion, Subscription


@dataclass(frozen=True, slots=True)
class LiveMoney:
    """An account as Redis has it: what running calls hold, and what SQL may not have yet."""

    settled_micros: int
    held_micros: int
    minutes: int
    held_minutes: int
    seq: int | None = None
    """The last numbered entry that it has; None: not told, so that calls cannot be told apart
    from entries that are on their way."""


@dataclass(frozen=True, slots=True)
class PlanOrder:
    """What a customer wants. `first_day` None: today; `version` is given when it begins."""

    customer: str
    plan: str
    years: int = 1
    first_day: date | None = None
    auto_renew: bool = False
    renew_when_used_up: bool = False


@dataclass(frozen=True, slots=True)
class GrantView:
    """One grant, with what has become of it: granted = used + lapsed + left."""

    number: int
    subscription: int
    first_day: date
    last_day: date
    fee_micros: int
    credit_micros: int
    minutes: int
    credit_left_micros: int
    minutes_left: int
    credit_lapsed_micros: int
    minutes_lapsed: int
    closed: bool

    @property
    def credit_used_micros(self) -> int:
        """What calls took of it."""
        return self.credit_micros - self.credit_lapsed_micros - self.credit_left_micros

    @property
    def minutes_used(self) -> int:
        """What calls took of it."""
        return self.minutes - self.minutes_lapsed - self.minutes_left


@dataclass(frozen=True, slots=True)
class PlanHistoryLine:
    """One line of a subscription's history."""

    subscription: int
    event: PlanEvent
    detail: str
    actor: str
    created_ms: int


@dataclass(frozen=True, slots=True)
class PlanView:
    """Everything about a customer's plans, the newest first; history oldest first."""

    customer: str
    subscriptions: tuple[Subscription, ...]
    grants: tuple[GrantView, ...]
    history: tuple[PlanHistoryLine, ...]


class PlanBooks(Protocol):
    """Plans in SQL. Every method is one transaction; writes are idempotent by `operation_id`.

    All raise StoreUnavailable and OutcomeUnknown; rules that say no raise Declined. `live` is the
    account as Redis has it, None where nobody can tell.
    """

    async def add_version(self, wanted: PlanVersion, actor: str) -> PlanVersion:
        """Add a plan, or new terms of one."""
        ...

    async def versions(self, plan: str | None = None) -> list[PlanVersion]:
        """The catalogue."""
        ...

    async def subscribe(
        self, order: PlanOrder, operation_id: str, actor: str, live: LiveMoney | None
    ) -> Subscription:
        """Begin a plan today, or book it for a later day."""
        ...

    async def renew(
        self,
        customer: str,
        operation_id: str,
        actor: str,
        live: LiveMoney | None,
        *,
        now: bool,
        years: int | None,
    ) -> Subscription:
        """Book the next term; `now`: begin it today, beside what is left of this one."""
        ...

    async def cancel(
        self,
        customer: str,
        operation_id: str,
        actor: str,
        live: LiveMoney | None,
        *,
        at_once: bool,
    ) -> Subscription:
        """No further year; `at_once`: over today, and what is left lapses."""
        ...

    async def view(self, customer: str) -> PlanView:
        """A customer's plans."""
        ...

    async def due(self, after: str, limit: int) -> Sequence[str]:
        """Customers for whom something is due, in order of id."""
        ...

    async def step(
        self, customer: str, retry_days: int, live: LiveMoney | None
    ) -> PlanEvent | None:
        """Do one thing that is due; None if nothing (more) is."""
        ...
