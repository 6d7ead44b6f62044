"""Plans: subscribed, renewed, cancelled; what is due is done by itself."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

import structlog

from callserver.domain.billing_month import shanghai_day
from callserver.domain.plans import YEARS_MAX, PlanEvent, PlanVersion, Subscription
from callserver.ports import Clock, OutcomeUnknown, StoreUnavailable
from callserver.ports.plans import LiveMoney, PlanBooks, PlanOrder, PlanView

log = structlog.get_logger()

DUE_AT_ONCE = 500
_TOLD_LOUDLY = {PlanEvent.UNPAID, PlanEvent.EXPIRED}


class LiveBalances(Protocol):
    """Who can tell what running calls hold."""

    async def live_money(self, account: str) -> LiveMoney | None:
        """The account as Redis has it; None while it cannot be asked."""
        ...


@dataclass(frozen=True, slots=True)
class PlanPolicy:
    """`retry_days`: how long an unpaid year waits for money. `look_s`: between two looks."""

    retry_days: int = 30
    look_s: int = 60


@dataclass(slots=True)
class DueReport:
    """What a run did: customers by event."""

    done: dict[PlanEvent, list[str]] = field(default_factory=dict)

    def count(self, event: PlanEvent) -> int:
        """How many times."""
        return len(self.done.get(event, ()))


class Plans:
    """Everything about plans. Writes are idempotent by `operation_id`; rules raise Declined.

    Without `follow_live` nobody asks what running calls hold: then SQL's balance is what counts.
    """

    def __init__(self, books: PlanBooks, clock: Clock, policy: PlanPolicy) -> None:
        self._books = books
        self._clock = clock
        self._policy = policy
        self._live: Callable[[str], Awaitable[LiveMoney | None]] = _nobody_knows

    def follow_live(self, live: LiveBalances) -> None:
        """Ask this one, from now on, what running calls hold."""
        self._live = live.live_money

    def today(self) -> date:
        """The day in Shanghai."""
        return shanghai_day(self._clock.now_us() // 1000)

    async def add(self, wanted: PlanVersion, actor: str) -> PlanVersion:
        """Add a plan, or new terms of one, from a day on."""
        version = await self._books.add_version(wanted, actor)
        log.info("plans.version_added", plan=version.plan, version=version.version)
        return version

    async def catalogue(self, plan: str | None = None) -> list[PlanVersion]:
        """All versions."""
        return await self._books.versions(plan)

    async def subscribe(self, order: PlanOrder, operation_id: str, actor: str) -> Subscription:
        """Begin a plan today (its fee is taken from the customer) or book it for a later day."""
        _check_years(order.years)
        live = await self._live(order.customer)
        found = await self._books.subscribe(order, operation_id, actor, live)
        log.info("plans.subscribed", customer=found.customer, plan=found.plan, state=found.state)
        return found

    async def renew(
        self,
        customer: str,
        operation_id: str,
        actor: str,
        *,
        now: bool = False,
        years: int | None = None,
    ) -> Subscription:
        """Book the next term; with `now`, or where none runs, begin it today."""
        _check_years(years or 1)
        live = await self._live(customer)
        found = await self._books.renew(customer, operation_id, actor, live, now=now, years=years)
        log.info("plans.renewed", customer=customer, plan=found.plan, state=found.state)
        return found

    async def cancel(
        self, customer: str, operation_id: str, actor: str, *, at_once: bool = False
    ) -> Subscription:
        """No further year; `at_once`: over today, and what is left lapses."""
        live = await self._live(customer)
        found = await self._books.cancel(customer, operation_id, actor, live, at_once=at_once)
        log.info("plans.cancelled", customer=customer, plan=found.plan, state=found.state)
        return found

    async def view(self, customer: str) -> PlanView:
        """A customer's plans, with what is left of them."""
        return await self._books.view(customer)

    async def run_due(self, told: Callable[[str], None] = lambda _: None) -> DueReport:
        """Do everything that is due; `told` after each customer. Safe at any time, any number of
        times, in any number of processes."""
        report = DueReport()
        after = ""
        while due := await self._books.due(after, DUE_AT_ONCE):
            for customer in due:
                await self._run(customer, report)
                told(customer)
            after = due[-1]
        return report

    async def _run(self, customer: str, report: DueReport) -> None:
        while True:
            live = await self._live(customer)
            event = await self._books.step(customer, self._policy.retry_days, live)
            if event is None:
                return
            report.done.setdefault(event, []).append(customer)
            say = log.warning if event in _TOLD_LOUDLY else log.info
            say("plans.stepped", customer=customer, step=event.value)

    async def run(self) -> None:
        """Do what is due, again and again; for ever."""
        while True:
            try:
                await self.run_due()
            except (StoreUnavailable, OutcomeUnknown) as error:
                log.warning("plans.run_failed", reason=str(error))
            await asyncio.sleep(self._policy.look_s)


async def _nobody_knows(_account: str) -> LiveMoney | None:
    return None


def _check_years(years: int) -> None:
    if not 1 <= years <= YEARS_MAX:
        raise ValueError(f"a term is 1 to {YEARS_MAX} years")
