"""Activations and their events as rows."""

from datetime import date
from typing import Any

from sqlalchemy import Connection, CursorResult, insert, select, update

from callserver.adapters.sql.number_owner import has_left
from callserver.adapters.sql.schema import AnyRow, AnySelect
from callserver.adapters.sql.schema_features import feature_activation as table
from callserver.adapters.sql.schema_features import feature_event
from callserver.domain.declined import Declined, Reason
from callserver.domain.features import OPEN, Activation, ActivationState, FeatureEvent, HistoryLine
from callserver.domain.ledger import OperationReused
from callserver.domain.periods import Cycle
from callserver.ports.features import ActivationQuery

OPEN_STATES = tuple(state.value for state in OPEN)
SYSTEM = "callserver"


def one(connection: Connection, activation: int) -> Activation:
    """Raises Declined (activation_unknown)."""
    return _found(connection.execute(_rows().where(table.c.id == activation)), activation)


def locked(connection: Connection, activation: int) -> Activation:
    """The same, kept from others until the end of the transaction."""
    query = _rows().where(table.c.id == activation).with_for_update()
    return _found(connection.execute(query), activation)


def left(connection: Connection, activation: int) -> bool:
    """Whether its number has been out of its customer's hands since it was switched on."""
    gone = has_left(table.c.did, table.c.customer, table.c.created_ms)
    query = select(table.c.id).where(table.c.id == activation, gone)
    return connection.execute(query).first() is not None


def many(connection: Connection, query: ActivationQuery) -> list[Activation]:
    """The newest first."""
    wanted = _rows().order_by(table.c.id.desc())
    for column, value in ((table.c.did, query.did), (table.c.customer, query.customer)):
        if value is not None:
            wanted = wanted.where(column == value)
    if query.providers is not None:
        wanted = wanted.where(table.c.provider.in_(sorted(query.providers)))
    if not query.ended:
        wanted = wanted.where(table.c.state.in_(OPEN_STATES))
    return [activation_of(row) for row in connection.execute(wanted)]


def change(connection: Connection, activation: int, **values: object) -> Activation:
    """Write these columns."""
    statement = update(table).where(table.c.id == activation).values(values).returning(*table.c)
    return activation_of(connection.execute(statement).one())


def done_before(
    connection: Connection, operation_id: str, event: FeatureEvent
) -> Activation | None:
    """The activation this operation was about. Raises OperationReused: it did another thing."""
    query = select(feature_event.c.activation, feature_event.c.event).where(
        feature_event.c.operation_id == operation_id
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    if row.event != event:
        raise OperationReused(operation_id)
    return one(connection, row.activation)


def write_event(
    connection: Connection,
    activation: int,
    event: FeatureEvent,
    actor: str,
    operation_id: str,
    now_ms: int,
    detail: str = "",
) -> None:
    """Add a line to an activation's history."""
    connection.execute(
        insert(feature_event).values(
            activation=activation,
            event=event.value,
            detail=detail,
            actor=actor,
            operation_id=operation_id,
            created_ms=now_ms,
        )
    )


def end(
    connection: Connection,
    found: Activation,
    event: FeatureEvent,
    actor: str,
    now_ms: int,
    operation_id: str = "",
) -> Activation:
    """Close an open activation, for the event's reason; it ran until today."""
    operation_id = operation_id or f"feature:{found.id}:{event.value}"
    write_event(connection, found.id, event, actor, operation_id, now_ms)
    return change(connection, found.id, state=ActivationState.ENDED.value, ended_ms=now_ms)


def events(connection: Connection, activation: int) -> list[HistoryLine]:
    """An activation's history, oldest first."""
    query = (
        select(*feature_event.c)
        .where(feature_event.c.activation == activation)
        .order_by(feature_event.c.id)
    )
    return [
        HistoryLine(FeatureEvent(row.event), row.detail, row.actor, row.created_ms)
        for row in connection.execute(query)
    ]


def activation_of(row: AnyRow) -> Activation:
    """The row as a value."""
    told = dict(row._mapping)
    told["anchor_day"] = date.fromisoformat(row.anchor_day)
    for name in ("next_day", "suspended_day"):
        told[name] = date.fromisoformat(told[name]) if told[name] else None
    told["cycle"], told["state"] = Cycle(row.cycle), ActivationState(row.state)
    return Activation(**told)


def _rows() -> AnySelect:
    return select(*table.c)


def _found(rows: CursorResult[*tuple[Any, ...]], activation: int) -> Activation:
    row = rows.one_or_none()
    if row is None:
        raise Declined(Reason.ACTIVATION_UNKNOWN, f"There is no activation {activation}.")
    return activation_of(row)
