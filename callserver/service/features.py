"""[R2] Feature fees: switched on and off, renewed on their day, and reconciled every day."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import structlog

from callserver.domain.billing_month import shanghai_day
from callserver.domain.features import (
    Activation,
    Deduction,
    DisputeNote,
    FeatureEvent,
    FeatureVersion,
    HistoryLine,
)
from callserver.domain.reconciliation import ProviderDay
from callserver.ports import Clock, OutcomeUnknown, StoreUnavailable
from callserver.ports.features import ActivationQuery, DeductionQuery, FeatureBooks

log = structlog.get_logger()

DUE_AT_ONCE = 500
CHECKED_DAYS = 7
"""How many past days the background check compares: a fault is found though nobody looked."""


@dataclass(frozen=True, slots=True)
class FeaturePolicy:
    """`retry_days`: how long a suspended feature waits for money. `look_s`: between two looks."""

    retry_days: int = 30
    look_s: int = 600


@dataclass(slots=True)
class RenewalReport:
    """What a run did: activations by event."""

    done: dict[FeatureEvent, list[int]] = field(default_factory=dict)

    def count(self, event: FeatureEvent) -> int:
        """How many times."""
        return len(self.done.get(event, ()))


class Features:
    """Everything about features. Writes are idempotent by `operation_id`; rules raise Declined."""

    def __init__(self, books: FeatureBooks, clock: Clock, policy: FeaturePolicy) -> None:
        self._books = books
        self._clock = clock
        self._policy = policy
        self._differing: frozenset[tuple[str, date, int]] = frozenset()

    @property
    def differences(self) -> int:
        """Providers' days that did not agree when they were last compared."""
        return len(self._differing)

    def today(self) -> date:
        """The day in Shanghai."""
        return shanghai_day(self._clock.now_us() // 1000)

    async def add(self, wanted: FeatureVersion, actor: str) -> FeatureVersion:
        """Add a feature or a new fee of one, from a day on."""
        version = await self._books.add_version(wanted, actor)
        log.info("features.version_added", feature=version.feature, version=version.version)
        return version

    async def catalogue(self, feature: str | None = None) -> list[FeatureVersion]:
        """All versions."""
        return await self._books.versions(feature)

    async def activate(self, did: str, feature: str, operation_id: str, actor: str) -> Activation:
        """Switch a feature on: the provider pays today."""
        found = await self._books.activate(did, feature, operation_id, actor)
        log.info("features.activated", activation=found.id, did=did, feature=feature)
        return found

    async def deactivate(self, activation: int, operation_id: str, actor: str) -> Activation:
        """Switch a feature off at once; what is paid stays paid."""
        found = await self._books.deactivate(activation, operation_id, actor)
        log.info("features.deactivated", activation=found.id, did=found.did)
        return found

    async def fail(self, activation: int, reason: str, operation_id: str, actor: str) -> Activation:
        """It never worked: the provider gets the fee back."""
        found = await self._books.fail(activation, reason, operation_id, actor)
        log.info("features.failed", activation=found.id, did=found.did)
        return found

    async def activation(self, activation: int) -> Activation:
        """One activation."""
        return await self._books.activation(activation)

    async def history(self, activation: int) -> list[HistoryLine]:
        """What happened to it."""
        return await self._books.history(activation)

    async def activations(self, query: ActivationQuery) -> list[Activation]:
        """Activations, the newest first."""
        return await self._books.activations(query)

    async def customer_of(self, did: str) -> str | None:
        """Who has the number now; None: nobody."""
        return await self._books.customer_of(did)

    async def deductions(self, query: DeductionQuery) -> list[Deduction]:
        """Deductions, the newest first."""
        return await self._books.deductions(query)

    async def deduction(self, deduction: int) -> Deduction:
        """One deduction."""
        return await self._books.deduction(deduction)

    async def dispute(
        self, deduction: int, text: str, operation_id: str, actor: str, *, resolves: bool = False
    ) -> DisputeNote:
        """Note a dispute, add to it, or resolve it. No money moves."""
        note = await self._books.note(deduction, text, operation_id, actor, resolves=resolves)
        log.info("features.dispute_noted", deduction=deduction, step=note.step.value)
        return note

    async def notes(self, deduction: int) -> list[DisputeNote]:
        """A dispute's history."""
        return await self._books.notes(deduction)

    async def renew_due(self, told: Callable[[int], None] = lambda _: None) -> RenewalReport:
        """Take every step that is due; `told` after each activation. Safe at any time, any number
        of times, in any number of processes."""
        report = RenewalReport()
        last_id = 0
        while due := await self._books.due(last_id, DUE_AT_ONCE):
            for activation in due:
                await self._renew(activation, report)
                told(activation)
            last_id = due[-1]
        return report

    async def _renew(self, activation: int, report: RenewalReport) -> None:
        while event := await self._books.renew(activation, self._policy.retry_days):
            report.done.setdefault(event, []).append(activation)
            say = log.warning if event is FeatureEvent.SUSPENDED else log.info
            say("features.stepped", activation=activation, step=event.value)
            if event not in {FeatureEvent.RENEWED, FeatureEvent.RESUMED}:
                return

    async def reconcile(self, day: date, provider: str | None = None) -> tuple[ProviderDay, ...]:
        """A day's deductions beside the ledger's feature debits, provider by provider."""
        return await self._books.reconcile(day, provider)

    async def check_days(self, days: int = CHECKED_DAYS) -> Sequence[ProviderDay]:
        """Compare today and the days before it; what differs newly is an error in the log."""
        differing: list[ProviderDay] = []
        for back in range(days):
            for found in await self._books.reconcile(self.today() - timedelta(days=back), None):
                if not found.agrees:
                    differing.append(found)
        known = self._differing
        self._differing = frozenset((f.provider, f.day, f.difference_micros) for f in differing)
        for found in differing:
            if (found.provider, found.day, found.difference_micros) not in known:
                log.error(
                    "features.reconciliation_differs",
                    provider=found.provider,
                    day=found.day.isoformat(),
                    deducted_micros=found.deducted_micros,
                    debited_micros=found.debited_micros,
                    differences=len(found.differences),
                )
        return differing

    async def run(self) -> None:
        """Renew and compare, again and again; for ever."""
        while True:
            try:
                await self.renew_due()
                await self.check_days()
            except (StoreUnavailable, OutcomeUnknown) as error:
                log.warning("features.run_failed", reason=str(error))
            await asyncio.sleep(self._policy.look_s)
