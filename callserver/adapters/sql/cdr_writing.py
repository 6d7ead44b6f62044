"""Writing CDRs with their ledger entries: the one hot path of SQL."""

from collections.abc import Collection, Sequence

import orjson
from sqlalchemy import Connection

from callserver.adapters.sql.cdr_rows import (
    CALLER_COLUMNS,
    CDR_COLUMNS,
    ENTRY_COLUMNS,
    caller_row,
    cdr_row,
    entry_row,
)
from callserver.adapters.sql.ledger import add_accounts
from callserver.domain.cdr import Cdr

# One statement claims a whole batch of tokens and says which of them were new. In order, so that
# two processes with overlapping batches wait for each other instead of deadlocking.
_CLAIM_SQLITE = (
    "INSERT INTO cdr_key (token_hash, ended_ms)"
    " SELECT value ->> 0, value ->> 1 FROM json_each(?) WHERE true"
    " ON CONFLICT DO NOTHING RETURNING token_hash"
)
_CLAIM_POSTGRES = (
    "INSERT INTO cdr_key (token_hash, ended_ms)"
    " SELECT * FROM unnest($1::text[], $2::bigint[])"
    " ON CONFLICT DO NOTHING RETURNING token_hash"
)


def write_cdrs(
    connection: Connection, cdrs: Sequence[Cdr], known_accounts: Collection[str], now_ms: int
) -> int:
    """Insert what is new of `cdrs`, and an entry for each that costs money; how many were new.

    Goes past Core's compiler to the driver's executemany: prepared once, no dict per row.
    """
    by_token = {cdr.token_hash: cdr for cdr in cdrs}
    ordered = sorted(by_token)
    claimed = _claim(connection, ordered, [by_token[token].ended_ms for token in ordered])
    new = [by_token[token] for token in ordered if token in claimed]
    if not new:
        return 0
    _insert(connection, "cdr", [cdr_row(cdr) for cdr in new])
    _insert(connection, "cdr_caller", [caller_row(cdr) for cdr in new])
    charged = [cdr for cdr in new if cdr.charged_micros and cdr.account is not None]
    if charged:
        missing = {str(cdr.account) for cdr in charged}.difference(known_accounts)
        add_accounts(connection, missing)
        _insert(connection, "ledger_entry", [entry_row(c, now_ms) for c in charged])
    return len(new)


def _claim(connection: Connection, tokens: list[str], ended_ms: list[int]) -> set[str]:
    if connection.dialect.name == "sqlite":
        pairs = orjson.dumps(list(zip(tokens, ended_ms, strict=True))).decode()
        return set(connection.exec_driver_sql(_CLAIM_SQLITE, (pairs,)).scalars())
    return set(connection.exec_driver_sql(_CLAIM_POSTGRES, (tokens, ended_ms)).scalars())


def _insert(connection: Connection, table: str, rows: list[tuple[object, ...]]) -> None:
    connection.exec_driver_sql(_INSERTS[connection.dialect.name, table], rows)


def _statement(dialect: str, table: str, columns: tuple[str, ...]) -> str:
    marks = ("?" if dialect == "sqlite" else f"${n}" for n in range(1, len(columns) + 1))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(marks)})"  # noqa: S608  # names are ours


_INSERTS = {
    (dialect, table): _statement(dialect, table, columns)
    for dialect in ("sqlite", "postgresql")
    for table, columns in (
        ("cdr", CDR_COLUMNS),
        ("cdr_caller", CALLER_COLUMNS),
        ("ledger_entry", ENTRY_COLUMNS),
    )
}
