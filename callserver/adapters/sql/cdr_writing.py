"""Writing CDRs with their ledger entries: the one hot path of SQL.

It goes past Core's compiler: one prepared statement for a whole batch, no dict and no bind
processing per row. SQLite repeats a statement by the driver's own executemany (Core's share was a
fifth of the cost); PostgreSQL unnests arrays, so that a batch is one statement and its triggers
fire once.
"""

import sqlite3
from collections.abc import Collection, Sequence

from sqlalchemy import Connection, Dialect, Table, and_, select
from sqlalchemy.dialects import postgresql

from callserver.adapters.sql import schema
from callserver.adapters.sql.cdr_rows import (
    CALLER_COLUMNS,
    CDR_COLUMNS,
    ENTRY_COLUMNS,
    KEY_COLUMNS,
    caller_row,
    cdr_row,
    entry_row,
    has_entry,
    key_row,
)
from callserver.adapters.sql.ledger import add_accounts
from callserver.domain.cdr import Cdr

_CHUNK = 5_000  # bound variables of one statement: SQLite stops near 32 000


def write_cdrs(
    connection: Connection, cdrs: Sequence[Cdr], known_accounts: Collection[str], now_ms: int
) -> int:
    """Insert what is new of `cdrs`, with an entry where money or minutes moved; how many were new.

    In order of the tokens, so that two processes with overlapping batches wait for each other
    instead of deadlocking.
    """
    by_token = {cdr.token_hash: cdr for cdr in cdrs}
    new = _claim(connection, [by_token[token] for token in sorted(by_token)])
    if not new:
        return 0
    _insert(connection, "cdr", [cdr_row(cdr) for cdr in new])
    _insert(connection, "cdr_caller", [caller_row(cdr) for cdr in new])
    moving = [cdr for cdr in new if has_entry(cdr)]
    if moving:
        add_accounts(connection, {str(cdr.account) for cdr in moving}.difference(known_accounts))
        _insert(connection, "ledger_entry", [entry_row(cdr, now_ms) for cdr in moving])
    return len(new)


def _claim(connection: Connection, cdrs: list[Cdr]) -> list[Cdr]:
    """Insert the keys; the CDRs whose tokens were not there before."""
    rows = [key_row(cdr) for cdr in cdrs]
    if connection.dialect.name == "postgresql":
        claimed = set(connection.exec_driver_sql(_POSTGRES_CLAIM, _columns(rows)).scalars())
        return [cdr for cdr in cdrs if cdr.token_hash in claimed]
    # No savepoint to fall back to: while one is open SQLite copies every page before its first
    # change, which doubled the cost of a batch.
    added = _driver(connection).executemany(_SQLITE_CLAIM, rows).rowcount
    if added == len(rows):
        return cdrs
    old = _written(connection, [cdr.token_hash for cdr in cdrs])
    return [cdr for cdr in cdrs if cdr.token_hash not in old]


def _written(connection: Connection, tokens: list[str]) -> set[str]:
    """Tokens with a CDR: those whose keys were not inserted just now, since both come together."""
    key, row = schema.cdr_key.c, schema.cdr.c
    both = and_(row.ended_ms == key.ended_ms, row.token_hash == key.token_hash)
    query = select(key.token_hash).join_from(schema.cdr_key, schema.cdr, both)
    found: set[str] = set()
    for start in range(0, len(tokens), _CHUNK):
        chunk = tokens[start : start + _CHUNK]
        found.update(connection.execute(query.where(key.token_hash.in_(chunk))).scalars())
    return found


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def _insert(connection: Connection, table: str, rows: list[tuple[object, ...]]) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_POSTGRES[table], _columns(rows))
    else:
        _driver(connection).executemany(_SQLITE[table], rows)


def _columns(rows: list[tuple[object, ...]]) -> tuple[list[object], ...]:
    return tuple(map(list, zip(*rows, strict=True)))


def _sqlite(table: Table, columns: tuple[str, ...]) -> str:
    marks = ", ".join("?" * len(columns))
    return f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608  # our own names


def _postgres(table: Table, columns: tuple[str, ...]) -> str:
    types = (table.c[name].type.compile(dialect=_DIALECT) for name in columns)
    arrays = ", ".join(f"${n}::{type_}[]" for n, type_ in enumerate(types, 1))
    names = ", ".join(columns)
    return f"INSERT INTO {table.name} ({names}) SELECT * FROM unnest({arrays})"  # noqa: S608  # our own names


_DIALECT: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's own gap
_WRITTEN = (
    (schema.cdr_key, KEY_COLUMNS),
    (schema.cdr, CDR_COLUMNS),
    (schema.cdr_caller, CALLER_COLUMNS),
    (schema.ledger_entry, ENTRY_COLUMNS),
)
_SQLITE = {table.name: _sqlite(table, columns) for table, columns in _WRITTEN}
_POSTGRES = {table.name: _postgres(table, columns) for table, columns in _WRITTEN}
_SQLITE_CLAIM = f"{_SQLITE['cdr_key']} ON CONFLICT (token_hash) DO NOTHING"
_POSTGRES_CLAIM = f"{_POSTGRES['cdr_key']} ON CONFLICT DO NOTHING RETURNING token_hash"
