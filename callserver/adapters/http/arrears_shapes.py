"""Arrears as the API and the command line show them."""

from collections.abc import Sequence
from typing import Any

from callserver.adapters.http.replies import rfc3339
from callserver.domain.arrears import RESTORE_MS, Overdue, ToRestore
from callserver.domain.money import money_json


def arrears_shape(owing: Sequence[Overdue], paid: Sequence[ToRestore]) -> dict[str, Any]:
    """Customers in arrears, and numbers to resume."""
    return {"overdue": [_overdue(one) for one in owing], "restore": [_restore(one) for one in paid]}


def _overdue(found: Overdue) -> dict[str, Any]:
    owed = found.owed
    return {
        "customer": found.customer,
        "settled": money_json(found.settled_micros),
        "owed": money_json(owed.micros) if owed else None,
        "oldest_month": str(owed.month) if owed else None,
        "days_overdue": owed.days if owed else None,
        "suspend_from": owed.from_day.isoformat() if owed else None,
        "may_suspend": owed is None or owed.may_suspend,
        "numbers": list(found.numbers),
    }


def _restore(found: ToRestore) -> dict[str, Any]:
    return {
        "number": found.number,
        "customer": found.customer,
        "paid_at": rfc3339(found.paid_ms),
        "resume_by": rfc3339(found.paid_ms + RESTORE_MS),
        "late": found.late,
    }
