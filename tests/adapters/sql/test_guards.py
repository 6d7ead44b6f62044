"""Triggers: money and times are written once, whoever writes."""

import pytest
from sqlalchemy import Connection, Table, text
from sqlalchemy.exc import DBAPIError

from callserver.adapters.sql import (
    schema,
    schema_features,
    schema_ledger,
    schema_months,
    schema_numbers,
    schema_plans,
    schema_providers,
)
from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database
from callserver.adapters.sql.rerating import SqlRerating
from callserver.domain.caller import Caller, CallerKind
from callserver.domain.ledger import EntryKind
from callserver.domain.rerating import Correction
from callserver.ports.rerating import Posting
from tests.adapters.sql.samples import cdr, changes

MONEY_AND_TIMES = (
    "fee_micros", "charged_micros", "written_off_micros", "billsec", "billed_s",
    "arrived_ms", "rang_ms", "answered_ms", "ended_ms", "included_minutes", "cost_micros",
)  # fmt: skip
LEDGER_ROWS = [
    "UPDATE cdr_correction SET after_micros = 0",
    "DELETE FROM cdr_correction",
    "UPDATE account_event SET at_ms = 0",
    "DELETE FROM account_event",
]
REFUSED = [
    "UPDATE ledger_entry SET amount_micros = 0",
    "UPDATE ledger_entry SET reason = 'x'",
    "DELETE FROM ledger_entry",
    *(f"UPDATE cdr SET {column} = 1" for column in MONEY_AND_TIMES),
    "DELETE FROM cdr",
    "UPDATE cdr_key SET ended_ms = 1",
    "DELETE FROM cdr_key",
]
TABLES = {
    table
    for module in (
        schema,
        schema_features,
        schema_ledger,
        schema_months,
        schema_numbers,
        schema_plans,
        schema_providers,
    )
    for table in module.metadata.tables.values()
}
CHANGING = {  # tables with amounts that may change, and why
    "account": "its sums are moved by the ledger's trigger",
    "account_threshold": "a setting; nothing is owed by it",
    "caller_day": "counts of what is deleted, added up day by day",
    "customer": "terms for what comes; what was charged by them is in CDRs and entries",
    "number_record": "a price for what comes; the entry has what was paid",
    "number_application": "its price is fixed by the entry when it is paid",
}


async def execute(database: Database, statement: str) -> None:
    await database.write(lambda connection: connection.execute(text(statement)))


@pytest.mark.parametrize("statement", REFUSED)
async def test_money_rows_are_kept(books: SqlBooks, database: Database, statement: str) -> None:
    """The database itself refuses, and everything stands as it stood."""
    await books.apply_import(changes(), "test")
    call = cdr()
    await books.write_cdrs([call])
    with pytest.raises(DBAPIError, match="kept for ever"):
        await execute(database, statement)
    assert await books.cdr(call.call_id) == call
    assert (await books.account_sums())["acme"].settled_micros == -300_000


@pytest.mark.parametrize("statement", LEDGER_ROWS)
async def test_what_the_ledger_told_is_kept(
    books: SqlBooks, database: Database, statement: str
) -> None:
    """Corrections of calls, and that an account ran low."""
    await books.apply_import(changes(), "test")
    call = cdr()
    await books.write_cdrs([call])
    correction = Correction(
        call.call_id, call.token_hash, "acme", call.ended_ms, "cheap", 1, 300_000, 0, 0, 0, ()
    )
    book = SqlRerating(database, books.clock)
    await book.post([correction], Posting("clerk", "x"))
    await books.post("acme", EntryKind.ADJUSTMENT, 1, "up", "clerk", "x")
    await books.post("acme", EntryKind.ADJUSTMENT, -1, "down", "clerk", "x")
    with pytest.raises(DBAPIError, match="kept for ever"):
        await execute(database, statement)


@pytest.mark.parametrize("table", ["ledger_entry", "cdr", "cdr_key"])
@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
@pytest.mark.postgres
async def test_money_tables_cannot_be_emptied(database: Database, table: str) -> None:
    """TRUNCATE would pass row triggers by."""
    with pytest.raises(DBAPIError, match="kept for ever"):
        await execute(database, f"TRUNCATE {table} CASCADE")


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
async def test_replacing_is_deleting(books: SqlBooks, database: Database) -> None:
    """SQLite's INSERT OR REPLACE deletes the row in its way, and is refused for it."""
    await books.apply_import(changes(), "test")
    call = cdr()
    await books.write_cdrs([call])
    with pytest.raises(DBAPIError, match="kept for ever"):
        await execute(database, f"INSERT OR REPLACE INTO cdr_key VALUES ('{call.token_hash}', 1)")


def holds_money(table: Table) -> bool:
    """Whether a column is an amount or counts included minutes."""
    return any(column.name.endswith(("_micros", "minutes")) for column in table.c)


@pytest.mark.parametrize("table", sorted(filter(holds_money, TABLES), key=str), ids=str)
async def test_every_table_with_money_is_guarded(database: Database, table: Table) -> None:
    """Against update, delete and (PostgreSQL) truncate; exceptions are named, with their reason."""
    in_sqlite = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table"
    in_postgres = "SELECT tgname FROM pg_trigger WHERE tgrelid = CAST(:table AS regclass)"

    def triggers(connection: Connection) -> set[str]:
        postgres = connection.dialect.name == "postgresql"
        asked = text(in_postgres if postgres else in_sqlite)
        found = set(connection.execute(asked, {"table": table.name}).scalars())
        moments = ("update", "delete", "truncate") if postgres else ("update", "delete")
        return {f"tr_{table.name}_{moment}" for moment in moments} - found

    lacking = await database.read(triggers)
    assert bool(lacking) == (table.name in CHANGING), lacking


async def test_who_called_can_be_deleted(books: SqlBooks, database: Database) -> None:
    """The caller's data go on schedule; the CDR stays, with an unknown caller."""
    call = cdr()
    await books.write_cdrs([call])
    await execute(database, f"DELETE FROM cdr_caller WHERE ended_ms < {call.ended_ms + 1}")
    kept = await books.cdr(call.call_id)
    assert kept is not None
    assert kept.caller == Caller("", CallerKind.UNKNOWN)
    assert kept.fee_micros == call.fee_micros
