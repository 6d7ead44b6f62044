"""Features, activations and deductions as the command line shows them."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from callserver.cli.instants import instant_text
from callserver.cli.output import print_table
from callserver.domain.features import Activation, Deduction, DisputeNote, FeatureVersion
from callserver.domain.money import money_json, short_yuan


def version_json(version: FeatureVersion) -> dict[str, Any]:
    """A version of the catalogue."""
    return {
        "feature": version.feature,
        "name": version.name,
        "cycle": version.cycle.value,
        "version": version.version,
        "effective_from": version.effective_from.isoformat(),
        "fee": money_json(version.fee_micros),
    }


def print_versions(versions: Sequence[FeatureVersion]) -> None:
    """The catalogue."""
    print_table(
        ["feature", "cycle", "from", ">fee", "name"],
        [
            (
                each.feature,
                each.cycle.value,
                each.effective_from.isoformat(),
                short_yuan(each.fee_micros),
                each.name,
            )
            for each in versions
        ],
        empty="no features yet; add one with `callserver features add`",
    )


def activation_json(found: Activation) -> dict[str, Any]:
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
        "paid_until": day_text(found.paid_until),
        "suspended_since": day_text(found.suspended_day),
        "activated_at": instant_text(found.created_ms),
        "ended_at": instant_text(found.ended_ms or 0),
    }


def print_activations(found: Sequence[Activation]) -> None:
    """Features on numbers."""
    print_table(
        [">id", "number", "feature", "state", "paid until", "provider", "customer"],
        [
            (
                str(each.id),
                each.did,
                each.feature,
                each.state.value,
                day_text(each.paid_until) or "-",
                each.provider,
                each.customer,
            )
            for each in found
        ],
        empty="no features are on",
    )


def deduction_json(row: Deduction) -> dict[str, Any]:
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
        "period_to": day_text(row.period_to),
        "ledger_entry": row.entry,
        "reverses": row.reverses,
        "dispute": row.dispute,
    }


def print_deductions(rows: Sequence[Deduction]) -> None:
    """Deductions, the newest first."""
    print_table(
        [">id", "day", "provider", "number", "feature", ">fee", "for", "dispute"],
        [
            (
                str(row.id),
                row.day.isoformat(),
                row.provider,
                row.did,
                row.feature,
                short_yuan(row.fee_micros),
                f"{row.period_from} … {row.period_to or 'ever'}",
                row.dispute or "-",
            )
            for row in rows
        ],
        empty="no deductions",
    )


def note_json(note: DisputeNote) -> dict[str, Any]:
    """A line of a dispute."""
    return {
        "deduction": note.deduction,
        "step": note.step.value,
        "text": note.text,
        "actor": note.actor,
        "at": instant_text(note.created_ms),
    }


def day_text(day: date | None) -> str | None:
    """`2026-11-21`, or None."""
    return day.isoformat() if day else None
