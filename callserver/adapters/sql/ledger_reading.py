"""Reading the ledger: pages of entries, single ones, statements."""

import base64
import binascii
import re
from collections.abc import Callable

from sqlalchemy import BigInteger, ColumnElement, Connection, case, cast, func, select, tuple_

from callserver.adapters.sql.ledger import entry_of
from callserver.adapters.sql.schema import AnySelect, account, ledger_entry
from callserver.domain.ledger import Entry, EntryKind
from callserver.domain.statement import Movement, Statement
from callserver.ports import AccountUnknown, BadCursor
from callserver.ports.ledger import EntryPage, EntryQuery

_CURSOR = re.compile(r"(\d{1,15})\.(\d{1,19})", re.ASCII)
_FETCHED = 1_000  # rows of a statement in memory at once
_ROW = ledger_entry.c


def page(connection: Connection, query: EntryQuery) -> EntryPage:
    """The newest first; equal instants in order of their ids, so that no page overlaps."""
    _require(connection, query.account)
    wanted = select(*_ROW).where(_ROW.account == query.account)
    if query.kinds is not None:
        wanted = wanted.where(_ROW.kind.in_(sorted(kind.value for kind in query.kinds)))
    if query.from_ms is not None:
        wanted = wanted.where(_ROW.created_ms >= query.from_ms)
    if query.to_ms is not None:
        wanted = wanted.where(_ROW.created_ms < query.to_ms)
    if query.cursor is not None:
        wanted = wanted.where(tuple_(_ROW.created_ms, _ROW.id) < _read_cursor(query.cursor))
    wanted = wanted.order_by(_ROW.created_ms.desc(), _ROW.id.desc()).limit(query.limit + 1)
    rows = connection.execute(wanted).all()
    found = tuple(entry_of(row) for row in rows[: query.limit])
    return EntryPage(found, _cursor(found[-1]) if len(rows) > query.limit else None)


def one(connection: Connection, name: str, entry: int) -> Entry | None:
    """One entry of an account."""
    row = connection.execute(
        select(*_ROW).where(_ROW.id == entry, _ROW.account == name)
    ).one_or_none()
    return None if row is None else entry_of(row)


def statement(
    connection: Connection,
    name: str,
    from_ms: int,
    to_ms: int,
    take: Callable[[Statement, Entry], None] | None,
) -> Statement:
    """Opening, movements and entries, all from the connection's one snapshot.

    The opening is today's sum less all that came since: the kept sum makes a recent statement as
    quick for an old account as for a new one.
    """
    now_micros, now_minutes = _require(connection, name)
    after = case((_ROW.created_ms >= to_ms, 1), else_=0).label("after")
    sums = connection.execute(
        select(_ROW.kind, after, func.count(), _sum(_ROW.amount_micros), _sum(_ROW.minutes))
        .where(_ROW.account == name, _ROW.created_ms >= from_ms)
        .group_by(_ROW.kind, after)
    ).all()
    within = {
        EntryKind(kind): Movement(EntryKind(kind), count, micros, minutes)
        for kind, is_after, count, micros, minutes in sums
        if not is_after
    }
    told = Statement(
        account=name,
        from_ms=from_ms,
        to_ms=to_ms,
        opening_micros=now_micros - sum(row[3] for row in sums),
        opening_minutes=now_minutes - sum(row[4] for row in sums),
        movements=tuple(within[kind] for kind in EntryKind if kind in within),
    )
    if take is not None:
        for row in connection.execute(_within(name, from_ms, to_ms)).yield_per(_FETCHED):
            take(told, entry_of(row))
    return told


def accounts_after(connection: Connection, name: str, most: int) -> list[str]:
    """In order of their ids."""
    wanted = select(account.c.id).where(account.c.id > name).order_by(account.c.id).limit(most)
    return list(connection.execute(wanted).scalars())


def _within(name: str, from_ms: int, to_ms: int) -> AnySelect:
    return (
        select(*_ROW)
        .where(_ROW.account == name, _ROW.created_ms >= from_ms, _ROW.created_ms < to_ms)
        .order_by(_ROW.created_ms, _ROW.id)
        .execution_options(yield_per=_FETCHED)
    )


def _sum(column: ColumnElement[int]) -> ColumnElement[int]:
    return cast(func.sum(column), BigInteger)


def _require(connection: Connection, name: str) -> tuple[int, int]:
    """Settled money and minutes. Raises AccountUnknown."""
    row = connection.execute(
        select(account.c.settled_micros, account.c.settled_minutes).where(account.c.id == name)
    ).one_or_none()
    if row is None:
        raise AccountUnknown(name)
    return row.settled_micros, row.settled_minutes


def _cursor(last: Entry) -> str:
    return base64.urlsafe_b64encode(f"{last.created_ms}.{last.id}".encode()).decode()


def _read_cursor(cursor: str) -> tuple[int, int]:
    try:
        found = _CURSOR.fullmatch(base64.urlsafe_b64decode(cursor).decode())
    except (binascii.Error, ValueError):
        found = None
    if found is None or int(found[2]) >= 2**63:
        raise BadCursor("That cursor is not one of ours; start again without it.")
    return int(found[1]), int(found[2])
