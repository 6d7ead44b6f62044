"""Triggers: money and times are written once, whoever writes."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database
from callserver.domain.call import Caller, CallerKind
from tests.adapters.sql.samples import cdr, changes

MONEY_AND_TIMES = (
    "fee_micros", "charged_micros", "written_off_micros", "billsec", "billed_s",
    "arrived_ms", "rang_ms", "answered_ms", "ended_ms", "included_minutes", "cost_micros",
)  # fmt: skip
REFUSED = [
    "UPDATE ledger_entry SET amount_micros = 0",
    "UPDATE ledger_entry SET reason = 'x'",
    "DELETE FROM ledger_entry",
    *(f"UPDATE cdr SET {column} = 1" for column in MONEY_AND_TIMES),
    "DELETE FROM cdr",
    "UPDATE cdr_key SET ended_ms = 1",
    "DELETE FROM cdr_key",
]


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


async def test_who_called_can_be_deleted(books: SqlBooks, database: Database) -> None:
    """The caller's data go on schedule; the CDR stays, with an unknown caller."""
    call = cdr()
    await books.write_cdrs([call])
    await execute(database, f"DELETE FROM cdr_caller WHERE ended_ms < {call.ended_ms + 1}")
    kept = await books.cdr(call.call_id)
    assert kept is not None
    assert kept.caller == Caller("", CallerKind.UNKNOWN)
    assert kept.fee_micros == call.fee_micros
