"""[R2] Features in SQL: the FeatureBooks port."""

from collections.abc import Sequence
from datetime import date

from callserver.adapters.sql import (
    deductions,
    feature_activations,
    feature_catalogue,
    feature_reconciliation,
    feature_renewals,
    feature_rows,
)
from callserver.adapters.sql.database import Database
from callserver.adapters.sql.number_owner import owner_of
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
from callserver.ports import Clock
from callserver.ports.features import ActivationQuery, DeductionQuery


class SqlFeatures:
    """The FeatureBooks port on SQLite or PostgreSQL; every method is one transaction."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def add_version(self, wanted: FeatureVersion, actor: str) -> FeatureVersion:
        """Add a feature or a new fee of one."""
        now_ms = self._now_ms()
        return await self._database.write(
            lambda connection: feature_catalogue.add_version(
                connection, wanted, shanghai_day(now_ms), actor, now_ms
            )
        )

    async def versions(self, feature: str | None = None) -> list[FeatureVersion]:
        """The catalogue."""
        return await self._database.read(
            lambda connection: feature_catalogue.versions(connection, feature)
        )

    async def activate(self, did: str, feature: str, operation_id: str, actor: str) -> Activation:
        """Switch a feature on and take its first fee from the provider."""
        now_ms = self._now_ms()
        return await self._database.write(
            lambda connection: feature_activations.activate(
                connection, did, feature, operation_id, actor, now_ms
            )
        )

    async def deactivate(self, activation: int, operation_id: str, actor: str) -> Activation:
        """Switch a feature off; nothing is paid back."""
        now_ms = self._now_ms()
        return await self._database.write(
            lambda connection: feature_activations.deactivate(
                connection, activation, operation_id, actor, now_ms
            )
        )

    async def fail(self, activation: int, reason: str, operation_id: str, actor: str) -> Activation:
        """It never worked: give the fee back."""
        now_ms = self._now_ms()
        return await self._database.write(
            lambda connection: feature_activations.fail(
                connection, activation, reason, operation_id, actor, now_ms
            )
        )

    async def activation(self, activation: int) -> Activation:
        """One activation."""
        return await self._database.read(
            lambda connection: feature_rows.one(connection, activation)
        )

    async def history(self, activation: int) -> list[HistoryLine]:
        """What happened to an activation, oldest first."""
        return await self._database.read(
            lambda connection: feature_rows.events(connection, activation)
        )

    async def activations(self, query: ActivationQuery) -> list[Activation]:
        """Activations, the newest first."""
        return await self._database.read(lambda connection: feature_rows.many(connection, query))

    async def due(self, after_id: int, limit: int) -> Sequence[int]:
        """Open activations whose next fee is due or whose number is gone, in order of id."""
        today = shanghai_day(self._now_ms())
        return await self._database.read(
            lambda connection: feature_renewals.due(connection, today, after_id, limit)
        )

    async def renew(self, activation: int, retry_days: int) -> FeatureEvent | None:
        """Take one step that is due: what happened, None if nothing (more) did."""
        now_ms = self._now_ms()
        return await self._database.write(
            lambda connection: feature_renewals.step(connection, activation, retry_days, now_ms)
        )

    async def customer_of(self, did: str) -> str | None:
        """Who has the number now; None: nobody."""
        owner = await self._database.read(lambda connection: owner_of(connection, did))
        return owner.customer if owner is not None else None

    async def deductions(self, query: DeductionQuery) -> list[Deduction]:
        """Deductions, the newest first."""
        return await self._database.read(lambda connection: deductions.page(connection, query))

    async def deduction(self, deduction: int) -> Deduction:
        """One deduction."""
        return await self._database.read(lambda connection: deductions.one(connection, deduction))

    async def note(
        self, deduction: int, text: str, operation_id: str, actor: str, *, resolves: bool
    ) -> DisputeNote:
        """Open a dispute, add to it, or resolve it."""
        now_ms = self._now_ms()
        return await self._database.write(
            lambda connection: deductions.note(
                connection, deduction, text, operation_id, actor, now_ms, resolves=resolves
            )
        )

    async def notes(self, deduction: int) -> list[DisputeNote]:
        """What was said about a deduction."""
        return await self._database.read(lambda connection: deductions.notes(connection, deduction))

    async def reconcile(self, day: date, provider: str | None) -> tuple[ProviderDay, ...]:
        """A day's deductions beside the ledger's feature debits."""
        return await self._database.read(
            lambda connection: feature_reconciliation.provider_days(connection, day, provider)
        )

    def _now_ms(self) -> int:
        return self._clock.now_us() // 1000
