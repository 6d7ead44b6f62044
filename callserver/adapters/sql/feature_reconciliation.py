"""[R2] A day's deductions and a day's feature entries of the ledger, read independently."""

from datetime import date, timedelta

from sqlalchemy import Connection, and_, or_, select

from callserver.adapters.sql.schema import ledger_entry
from callserver.adapters.sql.schema import provider as provider_table
from callserver.adapters.sql.schema_features import deduction
from callserver.domain.billing_month import day_start_ms
from callserver.domain.ledger import EntryKind, provider_account
from callserver.domain.reconciliation import (
    DeductedEntry,
    FeatureEntry,
    ProviderDay,
    reconcile,
)


def provider_days(
    connection: Connection, day: date, provider: str | None
) -> tuple[ProviderDay, ...]:
    """The comparison of a day; None: of every provider that has anything on it."""
    return reconcile(day, _deducted(connection, day, provider), _debited(connection, day, provider))


def _deducted(connection: Connection, day: date, provider: str | None) -> list[DeductedEntry]:
    query = select(
        deduction.c.id, deduction.c.provider, deduction.c.fee_micros, deduction.c.entry
    ).where(deduction.c.day == day.isoformat())
    if provider is not None:
        query = query.where(deduction.c.provider == provider)
    return [DeductedEntry(*row) for row in map(tuple, connection.execute(query))]


def _debited(connection: Connection, day: date, provider: str | None) -> list[FeatureEntry]:
    """Fees, and reversals of fees, by when they were posted; whatever deductions say."""
    names = [provider] if provider is not None else _providers(connection)
    fee = ledger_entry.alias("fee")
    reversed_fee = and_(
        ledger_entry.c.kind == EntryKind.REVERSAL.value,
        fee.c.kind == EntryKind.FEATURE_FEE.value,
    )
    query = (
        select(ledger_entry.c.id, ledger_entry.c.amount_micros)
        .outerjoin(fee, fee.c.id == ledger_entry.c.reverses)
        .where(
            ledger_entry.c.seq.is_not(None),
            ledger_entry.c.created_ms >= day_start_ms(day),
            ledger_entry.c.created_ms < day_start_ms(day + timedelta(days=1)),
            or_(ledger_entry.c.kind == EntryKind.FEATURE_FEE.value, reversed_fee),
        )
    )
    found: list[FeatureEntry] = []
    for name in names:  # by account: the ledger has an index of an account's own entries
        rows = connection.execute(query.where(ledger_entry.c.account == provider_account(name)))
        found += (FeatureEntry(id_, name, micros) for id_, micros in map(tuple, rows))
    return found


def _providers(connection: Connection) -> list[str]:
    return list(connection.execute(select(provider_table.c.id)).scalars())
