"""Numbers, their history and applications as rows."""

from typing import Any

from sqlalchemy import Connection, Select, select

from callserver.adapters.sql.schema import AnyRow
from callserver.adapters.sql.schema_numbers import (
    number_application,
    number_event,
    number_record,
)
from callserver.domain.business import NumberState
from callserver.domain.lifecycle import NumberEvent, NumberRecord, Suspension
from callserver.domain.number_change import NumberChange

_RECORD = [column for column in number_record.c if column.name != "added_ms"]
_CHANGE = [column for column in number_event.c if column.name not in {"id", "request"}]


def records() -> Select[Any]:
    """A query of whole numbers."""
    return select(*_RECORD)


def record_of(row: AnyRow) -> NumberRecord:
    """A number as it was last written."""
    found: dict[str, Any] = dict(row._mapping)
    return NumberRecord(
        **found
        | {
            "state": NumberState(row.state),
            "special": bool(row.special),
            "approved": bool(row.approved),
            "suspensions": frozenset(
                Suspension(each) for each in row.suspensions.split(",") if each
            ),
        }
    )


def values_of(record: NumberRecord) -> dict[str, Any]:
    """What stands in the row of a number, its number left out."""
    return {
        "state": record.state.value,
        "since_ms": record.since_ms,
        "until_ms": record.until_ms,
        "provider": record.provider,
        "customer": record.customer,
        "application": record.application,
        "approved": int(record.approved),
        "suspensions": ",".join(sorted(record.suspensions)),
        "last_provider": record.last_provider,
        "last_ended_ms": record.last_ended_ms,
    }


def find_record(connection: Connection, number: str, *, lock: bool = False) -> NumberRecord | None:
    """One number. `lock`: nobody else may change it until this transaction ends."""
    query = records().where(number_record.c.number == number)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else record_of(row)


def changes() -> Select[Any]:
    """A query of lines of history."""
    return select(*_CHANGE)


def change_of(row: AnyRow) -> NumberChange:
    """A line of history."""
    found: dict[str, Any] = dict(row._mapping)
    found.pop("request", None)
    return NumberChange(
        **found
        | {
            "event": NumberEvent(row.event),
            "from_state": NumberState(row.from_state) if row.from_state else None,
            "to_state": NumberState(row.to_state),
            "suspension": Suspension(row.suspension) if row.suspension else None,
        }
    )


def change_values(change: NumberChange, request: str | None = None) -> dict[str, Any]:
    """A line of history as it is written."""
    return {
        "number": change.number,
        "at_ms": change.at_ms,
        "event": change.event.value,
        "from_state": change.from_state.value if change.from_state else None,
        "to_state": change.to_state.value,
        "until_ms": change.until_ms,
        "suspension": change.suspension.value if change.suspension else None,
        "reason": change.reason,
        "actor": change.actor,
        "provider": change.provider,
        "customer": change.customer,
        "application": change.application,
        "operation_id": change.operation_id,
        "request": request,
    }


def applications() -> Select[Any]:
    """A query of applications, with the state of the number while they are open."""
    return select(
        *number_application.c, number_record.c.state, number_record.c.until_ms
    ).select_from(
        number_application.outerjoin(
            number_record, number_record.c.application == number_application.c.id
        )
    )
