"""Numbers, their history and applications as plain values, for JSON on the terminal and the API.

`instant` writes UTC milliseconds. A form's data are in none of them.
"""

from collections.abc import Callable
from typing import Any

from callserver.domain.lifecycle import NumberRecord
from callserver.domain.money import money_json
from callserver.domain.number_application import Application, steps_of
from callserver.domain.number_change import NumberChange
from callserver.domain.opening import OpeningItem
from callserver.service.openings import Opened

Instant = Callable[[int], str | None]


def number_view(record: NumberRecord, instant: Instant) -> dict[str, Any]:
    """A number as it stands."""
    return {
        "number": record.number,
        "state": record.state.value,
        "since": instant(record.since_ms),
        "until": _at(record.until_ms, instant),
        "class": record.class_name,
        "special": record.special,
        "price": money_json(record.price_micros),
        "provider": record.provider,
        "customer": record.customer,
        "application": record.application,
        "suspended_for": sorted(record.suspensions),
    }


def change_view(change: NumberChange, instant: Instant) -> dict[str, Any]:
    """A line of history; also the answer to whatever was asked of a number."""
    return {
        "number": change.number,
        "at": instant(change.at_ms),
        "event": change.event.value,
        "from_state": change.from_state.value if change.from_state else None,
        "state": change.to_state.value,
        "until": _at(change.until_ms, instant),
        "suspension": change.suspension.value if change.suspension else None,
        "reason": change.reason,
        "actor": change.actor,
        "provider": change.provider,
        "customer": change.customer,
        "application": change.application,
        "operation_id": change.operation_id,
    }


def opened_view(opened: Opened, instant: Instant) -> dict[str, Any]:
    """The answer to an activation: the change, and what is on of what was chosen."""
    items = [item_view(item, instant) for item in opened.items]
    return change_view(opened.change, instant) | {"opening": items}


def item_view(item: OpeningItem, instant: Instant) -> dict[str, Any]:
    """A chosen feature or plan, and how it stands."""
    return {
        "kind": item.kind.value,
        "name": item.name,
        "state": item.state.value,
        "at": _at(item.at_ms, instant),
        "reason": item.reason or None,
        "detail": item.detail or None,
    }


def application_view(application: Application, instant: Instant) -> dict[str, Any]:
    """An application with its progress."""
    return {
        "id": application.id,
        "number": application.number,
        "provider": application.provider,
        "customer": application.customer,
        "state": application.state.value if application.state else "ended",
        "until": _at(application.until_ms, instant),
        "features": list(application.features),
        "plan": application.plan or None,
        "opening": [item_view(item, instant) for item in application.opening],
        "price": money_json(application.price_micros),
        "contract": application.contract or None,
        "carrier_reference": application.carrier_reference or None,
        "rejection": application.rejection or None,
        "ended_at": _at(application.ended_ms, instant),
        "ended_by": application.ended_by,
        "steps": [
            {
                "step": step.name,
                "state": step.state.value,
                "at": _at(step.at_ms, instant),
                "missing": list(step.missing),
            }
            for step in steps_of(application)
        ],
        "material": [
            {
                "kind": each.kind,
                "reference": each.reference,
                "sha256": each.digest,
                "kept_here": each.sealed is not None,
            }
            for each in application.materials
        ],
    }


def _at(at_ms: int | None, instant: Instant) -> str | None:
    return None if at_ms is None else instant(at_ms)
