"""Numbers that a file brings: the inventory and its history follow what the file says."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from sqlalchemy import Connection, bindparam, insert, select, update

from callserver.adapters.sql.number_rows import change_values, record_of, records, values_of
from callserver.adapters.sql.schema import customer
from callserver.adapters.sql.schema_numbers import number_application, number_event, number_record
from callserver.domain.business import Did, NumberState
from callserver.domain.declined import Declined, Reason
from callserver.domain.lifecycle import HELD, NumberEvent, NumberRecord, Periods, Suspension
from callserver.domain.number_change import NumberChange
from callserver.domain.number_class import DEFAULT_CLASSES, NumberClass, class_of

_CHUNK = 2_000
_FREE = frozenset({NumberState.AVAILABLE, NumberState.FROZEN})
_PERIODS = Periods()


def follow_import(
    connection: Connection,
    dids: Sequence[Did],
    actor: str,
    now_ms: int,
    classes: Sequence[NumberClass] = DEFAULT_CLASSES,
) -> None:
    """Bring the inventory to what an import has written into `did`.

    Raises Declined where a number is on its way to a customer by an application: a file must not
    take it from them.
    """
    if not dids:
        return
    rows = connection.execute(select(customer.c.id, customer.c.provider))
    providers = {row.id: row.provider for row in rows}
    rest = iter(dids)
    while chunk := list(islice(rest, _CHUNK)):
        _follow(connection, chunk, providers, actor, now_ms, classes)


def _follow(
    connection: Connection,
    dids: Sequence[Did],
    providers: Mapping[str, str],
    actor: str,
    now_ms: int,
    classes: Sequence[NumberClass],
) -> None:
    wanted = records().where(number_record.c.number.in_([each.number for each in dids]))
    known = {
        row.number: record_of(row)
        for row in connection.execute(wanted.order_by(number_record.c.number).with_for_update())
    }
    new, moved, history, ended = [], [], [], []
    for each in dids:
        record = known.get(each.number)
        now = _imported(each, record, providers[each.customer], now_ms, classes)
        if now == record:
            continue
        history.append(_change(each, record, now, actor, now_ms))
        if record is None:
            new.append(_with_application(connection, now, now_ms))
            continue
        moved.append(now)
        if record.application is not None:
            ended.append({"which": record.application, "at_ms": now_ms})
    _write(connection, new, moved, now_ms)
    if history:
        connection.execute(insert(number_event), [change_values(each) for each in history])
    if ended:
        connection.execute(_END, ended)


_END = (
    update(number_application)
    .where(number_application.c.id == bindparam("which"))
    .values(ended_ms=bindparam("at_ms"), ended_by=NumberEvent.IMPORT.value)
)


def _with_application(connection: Connection, new: NumberRecord, now_ms: int) -> NumberRecord:
    """A number that comes in the middle of its application gets one to go on with."""
    if new.state not in HELD:
        return new
    connection.execute(insert(number_record), list(_rows([new], now_ms)))
    locked_ms = None if new.state is NumberState.RESERVED else now_ms
    made = connection.execute(
        insert(number_application)
        .values(
            number=new.number,
            provider=new.provider,
            customer=new.customer,
            price_micros=0,
            reserved_ms=now_ms,
            locked_ms=locked_ms,
            **dict.fromkeys(("features", "plan", "contract", "carrier_reference", "rejection"), ""),
        )
        .returning(number_application.c.id)
    ).scalar_one()
    return replace(new, application=made)


def _imported(
    did: Did,
    record: NumberRecord | None,
    provider: str,
    now_ms: int,
    classes: Sequence[NumberClass],
) -> NumberRecord:
    """The number as the file says it is."""
    if record is None:
        return _settled(_new(did, now_ms, classes), did, provider)
    if record.state is did.state and record.customer == did.customer:
        return record
    if HELD & {record.state, did.state}:
        if record.state is did.state:
            return record
        raise Declined(
            Reason.NUMBER_TAKEN,
            f"{did.number} is {record.state.value}: an import can neither begin nor end an "
            "application; use `callserver numbers`.",
        )
    if record.state is did.state and did.state in _FREE:
        return record
    until_ms = now_ms + _PERIODS.freeze_ms if did.state is NumberState.FROZEN else None
    moved = replace(
        record, state=did.state, since_ms=now_ms, until_ms=until_ms, application=None,
        approved=False,
    )  # fmt: skip
    return _settled(moved, did, provider)


def _new(did: Did, now_ms: int, classes: Sequence[NumberClass]) -> NumberRecord:
    kind = class_of(did.number, classes)
    period_ms = {
        NumberState.RESERVED: _PERIODS.of(did.number, special=kind.special),
        NumberState.LOCKED: _PERIODS.lock_ms,
        NumberState.FROZEN: _PERIODS.freeze_ms,
    }.get(did.state)
    return NumberRecord(
        number=did.number,
        state=did.state,
        since_ms=now_ms,
        until_ms=None if period_ms is None else now_ms + period_ms,
        class_name=kind.shape,
        special=kind.special,
        price_micros=kind.price_micros,
    )


def _settled(record: NumberRecord, did: Did, provider: str) -> NumberRecord:
    """Whose it is, and why it is suspended."""
    if did.state in _FREE:
        return replace(record, provider=None, customer=None, suspensions=frozenset())
    kept = record.suspensions or frozenset({Suspension.HOLD})
    new = replace(
        record,
        provider=provider,
        customer=did.customer,
        suspensions=kept if did.state is NumberState.SUSPENDED else frozenset(),
    )
    in_use = did.state in {NumberState.ACTIVE, NumberState.SUSPENDED}
    return replace(new, last_provider=None, last_ended_ms=None) if in_use else new


def _change(
    did: Did, record: NumberRecord | None, now: NumberRecord, actor: str, now_ms: int
) -> NumberChange:
    suspended = now.state is NumberState.SUSPENDED
    return NumberChange(
        number=did.number,
        at_ms=now_ms,
        event=NumberEvent.IMPORT,
        from_state=record.state if record else None,
        to_state=now.state,
        until_ms=now.until_ms,
        suspension=Suspension.HOLD if suspended else None,
        reason="",
        actor=actor,
        provider=now.provider,
        customer=did.customer,
        application=None,
        operation_id=None,
    )


def _write(
    connection: Connection,
    new: Sequence[NumberRecord],
    moved: Sequence[NumberRecord],
    now_ms: int,
) -> None:
    whole = [each for each in new if each.application is None]
    if whole:
        connection.execute(insert(number_record), list(_rows(whole, now_ms)))
    moved = [*moved, *(each for each in new if each.application is not None)]
    if moved:
        statement = update(number_record).where(number_record.c.number == bindparam("which"))
        connection.execute(statement, [{"which": each.number, **values_of(each)} for each in moved])


def _rows(records: Sequence[NumberRecord], now_ms: int) -> Iterator[dict[str, object]]:
    for each in records:
        yield {
            "number": each.number,
            "class_name": each.class_name,
            "special": int(each.special),
            "price_micros": each.price_micros,
            "added_ms": now_ms,
            **values_of(each),
        }
