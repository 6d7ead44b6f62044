"""SQLite's own faults."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database, open_database
from callserver.adapters.sql.sqlite import SqliteDatabase
from callserver.ports import StoreUnavailable
from tests.adapters.sql.samples import cdr

pytestmark = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)


async def test_commits_are_on_disk(database: Database) -> None:
    """WAL, with a sync at every commit."""

    def pragmas(connection: Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys")
        return [connection.execute(text(f"PRAGMA {name}")).scalar() for name in names]

    assert await database.write(pragmas) == ["wal", 2, 1]


async def test_a_file_that_cannot_be_opened_is_unavailable(dialect: str, tmp_path: Path) -> None:
    """Not a crash: a state."""
    missing = open_database(f"{dialect}:///{tmp_path}/missing/books.db")
    for attempt in (missing.read, missing.write):
        with pytest.raises(StoreUnavailable):
            await attempt(lambda connection: connection.execute(text("SELECT 1")))
    await missing.close()


async def test_tables_that_are_missing_are_unavailable(empty_url: str) -> None:
    """A database that was never migrated."""
    database = open_database(empty_url)
    with pytest.raises(StoreUnavailable, match="no such table"):
        await database.read(lambda c: c.execute(text("SELECT * FROM cdr")).all())
    await database.close()


async def test_another_writer_is_waited_for_and_then_unavailable(url: str, books: SqlBooks) -> None:
    """The CLI beside a server: short transactions are waited out, an endless one is not."""
    other = sqlite3.connect(make_url(url).database or "", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    impatient = SqliteDatabase(make_url(url), busy_timeout_ms=50)
    with pytest.raises(StoreUnavailable, match="locked"):
        await impatient.write(lambda connection: None)
    await impatient.close()
    patient = asyncio.create_task(books.write_cdrs([cdr()]))
    await asyncio.sleep(0.1)
    assert not patient.done()
    other.execute("COMMIT")
    other.close()
    assert await patient == 1


async def test_readers_do_not_wait_for_a_writer(url: str, books: SqlBooks) -> None:
    """WAL: a long import holds no balance up."""
    other = sqlite3.connect(make_url(url).database or "", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert await asyncio.wait_for(books.account_sums(), 5) == {}
    other.close()


async def test_a_cancelled_write_still_ends(books: SqlBooks) -> None:
    """Its transaction is whole, and the next one follows it."""
    call = cdr()
    task = asyncio.create_task(books.write_cdrs([call]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await books.write_cdrs([cdr()]) == 1
    assert await books.drift() == {}
