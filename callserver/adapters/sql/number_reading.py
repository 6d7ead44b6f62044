"""Looking for numbers and applications, judged by the clock in the query itself."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, literal, or_, select

from callserver.adapters.sql.number_rows import (
    applications,
    change_of,
    changes,
    find_record,
    record_of,
    records,
)
from callserver.adapters.sql.openings import items_of
from callserver.adapters.sql.schema import AnyRow
from callserver.adapters.sql.schema_numbers import (
    intent_form,
    number_application,
    number_event,
    number_record,
    real_name_material,
)
from callserver.domain.business import NumberState
from callserver.domain.lifecycle import HELD, NumberEvent, NumberRecord, Periods, standing
from callserver.domain.number_application import Application, Material
from callserver.domain.number_change import ApplicationQuery, NumberChange, NumberQuery
from callserver.domain.opening import OpeningItem

_FREE = (NumberState.AVAILABLE.value, NumberState.FROZEN.value)
_RUN_OUT = {
    NumberState.RESERVED: NumberEvent.PERIOD_ENDED,
    NumberState.LOCKED: NumberEvent.LOCK_ENDED,
}


def record(
    connection: Connection, number: str, now_ms: int, periods: Periods
) -> NumberRecord | None:
    """The number as it stands now."""
    found = find_record(connection, number)
    return None if found is None else standing(found, now_ms, periods)


def search(
    connection: Connection, query: NumberQuery, now_ms: int, periods: Periods
) -> list[NumberRecord]:
    """Numbers in order, as they stand now."""
    row = number_record.c
    state = _state_now(now_ms, periods)
    wanted: list[ColumnElement[bool]] = [row.number > query.after]
    if query.like != "%":
        wanted.append(row.number.like(query.like))
    if query.class_name is not None:
        wanted.append(row.class_name == query.class_name)
    if query.special is not None:
        wanted.append(row.special == int(query.special))
    if query.state is not None:
        wanted.append(state == query.state.value)
    if query.price_micros_max is not None:
        wanted.append(row.price_micros <= query.price_micros_max)
    held = state.not_in(_FREE)
    if query.provider is not None:
        wanted.append(and_(row.provider == query.provider, held))
    if query.providers is not None:
        wanted.append(or_(state.in_(_FREE), row.provider.in_(sorted(query.providers))))
    asked = records().where(*wanted).order_by(row.number).limit(query.limit)
    return [standing(record_of(found), now_ms, periods) for found in connection.execute(asked)]


def _state_now(now_ms: int, periods: Periods) -> ColumnElement[str]:
    """The state that `lifecycle.standing` would find."""
    row = number_record.c
    held = row.state.in_((NumberState.RESERVED.value, NumberState.LOCKED.value))
    frozen = row.state == NumberState.FROZEN.value
    freed = or_(
        and_(frozen, row.until_ms <= now_ms),
        and_(held, row.until_ms <= now_ms - periods.freeze_ms),
    )
    return case(
        (freed, literal(NumberState.AVAILABLE.value)),
        (and_(held, row.until_ms <= now_ms), literal(NumberState.FROZEN.value)),
        else_=row.state,
    )


def history(connection: Connection, number: str) -> list[NumberChange]:
    """What has been written down of a number, the oldest first."""
    query = changes().where(number_event.c.number == number).order_by(number_event.c.id)
    return [change_of(row) for row in connection.execute(query)]


def application(
    connection: Connection, wanted: int, now_ms: int, periods: Periods
) -> Application | None:
    """One application with its material."""
    query = applications().where(number_application.c.id == wanted)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    file = real_name_material.c
    files = connection.execute(
        select(file.kind, file.reference, file.digest, file.sealed)
        .where(file.application == wanted)
        .order_by(file.id)
    )
    materials = tuple(Material(*each) for each in files)
    return _application(row, now_ms, periods, items_of(connection, [row])[row.id], materials)


def find_applications(
    connection: Connection, query: ApplicationQuery, now_ms: int, periods: Periods
) -> list[Application]:
    """Applications, the newest first."""
    row = number_application.c
    asked = applications().order_by(row.id.desc()).limit(query.limit)
    if query.number is not None:
        asked = asked.where(row.number == query.number)
    if query.providers is not None:
        asked = asked.where(row.provider.in_(sorted(query.providers)))
    if query.before is not None:
        asked = asked.where(row.id < query.before)
    if query.open_only:
        asked = asked.where(row.ended_ms.is_(None), *_not_run_out(now_ms))
    rows = connection.execute(asked).all()
    items = items_of(connection, rows)
    return [_application(found, now_ms, periods, items[found.id]) for found in rows]


def _not_run_out(now_ms: int) -> tuple[ColumnElement[bool], ...]:
    state, until_ms = number_record.c.state, number_record.c.until_ms
    return (or_(state.not_in([each.value for each in _RUN_OUT]), until_ms > now_ms),)


def _application(
    row: AnyRow,
    now_ms: int,
    periods: Periods,
    opening: tuple[OpeningItem, ...],
    materials: tuple[Material, ...] = (),
) -> Application:
    """The application; one that has run out is shown as ended, whoever writes that down."""
    found: dict[str, Any] = dict(row._mapping)
    state = NumberState(row.state) if row.state else None
    found |= {
        "features": tuple(each for each in row.features.split(",") if each),
        "state": state,
        "materials": materials,
        "opening": opening,
    }
    if state in _RUN_OUT and row.until_ms <= now_ms:
        ended = {"ended_ms": row.until_ms, "ended_by": _RUN_OUT[state].value}
        found |= {"state": None, "until_ms": None, **ended}
    elif state not in HELD:
        found["until_ms"] = None
    return Application(**found)


def sealed_form(connection: Connection, wanted: int) -> str | None:
    """The sealed intent form of an application."""
    query = select(intent_form.c.sealed).where(intent_form.c.application == wanted)
    return connection.execute(query).scalar_one_or_none()


def violations(connection: Connection) -> dict[str, int]:
    """Numbers suspended for a violation, each with the last line of history that did it."""
    row, event = number_record.c, number_event.c
    query = (
        select(row.number, event.id)
        .join(number_event, event.number == row.number)
        .where(
            row.state == NumberState.SUSPENDED.value,
            row.suspensions.like("%violation%"),
            event.suspension == "violation",
        )
        .order_by(event.id)
    )
    return {found.number: found.id for found in connection.execute(query)}
