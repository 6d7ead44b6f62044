"""Thresholds of accounts, and the events that triggers write when they are crossed."""

from sqlalchemy import Connection, Table, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from callserver.adapters.sql.schema import AnyRow, account
from callserver.adapters.sql.schema_ledger import account_event, account_threshold, event_reader
from callserver.domain.account_event import AccountEvent, AccountEventKind, Threshold
from callserver.ports import AccountUnknown

DEFAULT = ""


def page(
    connection: Connection, name: str | None, before_id: int | None, most: int
) -> list[AccountEvent]:
    """The newest first."""
    if name is not None:
        _require(connection, name)
    wanted = select(*account_event.c).order_by(account_event.c.id.desc()).limit(most)
    if name is not None:
        wanted = wanted.where(account_event.c.account == name)
    if before_id is not None:
        wanted = wanted.where(account_event.c.id < before_id)
    return [_event(row) for row in connection.execute(wanted)]


def after(connection: Connection, last_id: int, most: int) -> list[AccountEvent]:
    """In order of their ids."""
    rows = connection.execute(
        select(*account_event.c)
        .where(account_event.c.id > last_id)
        .order_by(account_event.c.id)
        .limit(most)
    )
    return [_event(row) for row in rows]


def mark(connection: Connection, reader: str) -> int:
    """0 for a reader that was never there."""
    found = connection.execute(
        select(event_reader.c.last_id).where(event_reader.c.reader == reader)
    ).scalar_one_or_none()
    return found or 0


def set_mark(connection: Connection, reader: str, last_id: int) -> None:
    """Only ever forwards."""
    statement = _insert(connection, event_reader).values(reader=reader, last_id=last_id)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["reader"],
            set_={"last_id": statement.excluded.last_id},
            where=event_reader.c.last_id < statement.excluded.last_id,
        )
    )


def threshold(connection: Connection, name: str) -> Threshold:
    """The account's own, else the default, else none."""
    _require(connection, name)
    return _threshold(connection, name)


def _threshold(connection: Connection, name: str) -> Threshold:
    rows = connection.execute(
        select(account_threshold.c.account, account_threshold.c.low_micros).where(
            account_threshold.c.account.in_((name, DEFAULT))
        )
    )
    found = {row.account: row.low_micros for row in rows}
    return Threshold(name, found.get(name, found.get(DEFAULT, 0)), name in found)


def set_threshold(
    connection: Connection, name: str, low_micros: int | None, actor: str, now_ms: int
) -> Threshold:
    """Set it, or take it away (None) so that the default holds again."""
    if name != DEFAULT:
        _require(connection, name)
    if low_micros is None:
        connection.execute(delete(account_threshold).where(account_threshold.c.account == name))
        return _threshold(connection, name)
    statement = _insert(connection, account_threshold).values(
        account=name, low_micros=low_micros, actor=actor, set_ms=now_ms
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["account"],
            set_={
                "low_micros": statement.excluded.low_micros,
                "actor": statement.excluded.actor,
                "set_ms": statement.excluded.set_ms,
            },
            where=account_threshold.c.low_micros != statement.excluded.low_micros,
        )
    )
    return _threshold(connection, name)


def _insert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def _require(connection: Connection, name: str) -> None:
    if connection.execute(select(account.c.id).where(account.c.id == name)).first() is None:
        raise AccountUnknown(name)


def _event(row: AnyRow) -> AccountEvent:
    return AccountEvent(**{**row._mapping, "event": AccountEventKind(row.event)})
