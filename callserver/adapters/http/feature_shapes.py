"""Features, deductions and reconciliation as plain values for JSON."""

from datetime import date
from typing import Any

from callserver.adapters.http.replies import rfc3339, rfc3339_or_none
from callserver.domain.features import Activation, Deduction, DisputeNote, FeatureVersion
from callserver.domain.money import money_json
from callserver.domain.reconciliation import ProviderDay


def version_shape(version: FeatureVersion) -> dict[str, Any]:
    """A version of the catalogue."""
    return {
        "feature": version.feature,
        "name": version.name,
        "cycle": version.cycle.value,
        "version": version.version,
        "effective_from": version.effective_from.isoformat(),
        "fee": money_json(version.fee_micros),
    }


def activation_shape(found: Activation) -> dict[str, Any]:
    """A feature on a number."""
    return {
        "activation": found.id,
        "number": found.did,
        "customer": found.customer,
        "provider": found.provider,
        "feature": found.feature,
        "cycle": found.cycle.value,
        "state": found.state.value,
        "periods_paid": found.periods,
        "paid_until": _day(found.paid_until),
        "suspended_since": _day(found.suspended_day),
        "activated_at": rfc3339(found.created_ms),
        "ended_at": rfc3339_or_none(found.ended_ms or 0),
    }


def deduction_shape(row: Deduction) -> dict[str, Any]:
    """One deduction."""
    return {
        "deduction": row.id,
        "activation": row.activation,
        "provider": row.provider,
        "customer": row.customer,
        "number": row.did,
        "feature": row.feature,
        "version": row.version,
        "fee": money_json(row.fee_micros),
        "day": row.day.isoformat(),
        "period": row.period,
        "period_from": row.period_from.isoformat(),
        "period_to": _day(row.period_to),
        "ledger_entry": row.entry,
        "reverses": row.reverses,
        "dispute": row.dispute,
    }


def note_shape(note: DisputeNote) -> dict[str, Any]:
    """A line of a dispute."""
    return {
        "step": note.step.value,
        "text": note.text,
        "actor": note.actor,
        "at": rfc3339(note.created_ms),
    }


def provider_day_shape(found: ProviderDay) -> dict[str, Any]:
    """One provider's day."""
    return {
        "provider": found.provider,
        "deductions": found.deductions,
        "deducted": money_json(found.deducted_micros),
        "debits": found.entries,
        "debited": money_json(found.debited_micros),
        "difference": money_json(found.difference_micros),
        "agrees": found.agrees,
        "differences": [
            {"deduction": one.deduction, "ledger_entry": one.entry, "why": one.why}
            for one in found.differences
        ],
    }


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None
