"""The inventory beside requests: numbers put in, what the clock did, data that must go."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from callserver.adapters.sql import number_did
from callserver.adapters.sql.number_rows import record_of, records
from callserver.adapters.sql.number_writing import write_passed
from callserver.adapters.sql.schema import did
from callserver.adapters.sql.schema_numbers import (
    intent_form,
    number_application,
    number_record,
    real_name_material,
)
from callserver.domain.business import NumberState
from callserver.domain.lifecycle import NumberRecord, Periods, judged
from callserver.domain.number_change import NewNumber

_CHUNK = 5_000
_BY_CLOCK = [each.value for each in (NumberState.RESERVED, NumberState.LOCKED, NumberState.FROZEN)]


def add(connection: Connection, numbers: Sequence[NewNumber], now_ms: int) -> int:
    """Put numbers in, available; those that are in already take class and price. How many new."""
    before = _count(connection)
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(number_record)
    taken = {name: statement.excluded[name] for name in ("class_name", "special", "price_micros")}
    statement = statement.on_conflict_do_update(index_elements=["number"], set_=taken)
    for start in range(0, len(numbers), _CHUNK):
        connection.execute(
            statement, [_new_row(each, now_ms) for each in numbers[start : start + _CHUNK]]
        )
    return _count(connection) - before


def _count(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(number_record)).scalar_one()


def _new_row(number: NewNumber, now_ms: int) -> dict[str, object]:
    return {
        "number": number.number,
        "state": NumberState.AVAILABLE.value,
        "since_ms": now_ms,
        "class_name": number.class_name,
        "special": int(number.special),
        "price_micros": number.price_micros,
        "approved": 0,
        "suspensions": "",
        "added_ms": now_ms,
    }


def write_due(connection: Connection, now_ms: int, periods: Periods, most: int) -> int:
    """Write down what the clock has done to at most so many numbers; how many."""
    row = number_record.c
    due = records().where(row.state.in_(_BY_CLOCK), row.until_ms <= now_ms).limit(most)
    if connection.execute(due.limit(1)).first() is None:
        return 0
    number_did.lock_version(connection)
    locked = due.order_by(row.number).with_for_update(skip_locked=True)
    found = [record_of(each) for each in connection.execute(locked).all()]
    freed = [_written(connection, each, now_ms, periods) for each in found]
    _free_dids(connection, (each.number for each in freed if each.state is NumberState.AVAILABLE))
    return len(found)


def _written(
    connection: Connection, record: NumberRecord, now_ms: int, periods: Periods
) -> NumberRecord:
    return write_passed(connection, judged(record, now_ms, periods), record)


def _free_dids(connection: Connection, numbers: Iterable[str]) -> None:
    """A released number's DID row is free for another customer; calls notice nothing."""
    freed = sorted(numbers)
    if not freed:
        return
    moved = connection.execute(
        update(did)
        .where(did.c.number.in_(freed), did.c.state == NumberState.FROZEN.value)
        .values(state=NumberState.AVAILABLE.value)
    )
    if moved.rowcount:
        number_did.raise_version(connection)


def purge(connection: Connection, before_ms: int, most: int) -> int:
    """Delete intent forms of applications that opened or ended before then, and the contents of
    real-name files of those that ended; how many."""
    row = number_application.c
    ended = row.ended_ms <= before_ms
    forms = (
        select(intent_form.c.application)
        .join(number_application, row.id == intent_form.c.application)
        .where(or_(ended, row.active_ms <= before_ms))
        .limit(most)
    )
    gone = connection.execute(delete(intent_form).where(intent_form.c.application.in_(forms)))
    file = real_name_material.c
    files = (
        select(file.id)
        .join(number_application, row.id == file.application)
        .where(ended, file.sealed.is_not(None))
        .limit(most)
    )
    emptied = connection.execute(
        update(real_name_material).where(file.id.in_(files)).values(sealed=None)
    )
    return gone.rowcount + emptied.rowcount
