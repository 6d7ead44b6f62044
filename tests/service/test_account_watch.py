"""Accounts that run low are told of, over restarts too."""

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database, open_database
from callserver.adapters.sql.ledger_book import SqlLedger
from callserver.adapters.sql.migrate import upgrade
from callserver.domain.account_event import AccountEvent
from callserver.domain.ledger import EntryKind
from callserver.service.account_watch import SETTLED_MS, AccountWatch
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.samples import cdr, changes

YUAN = 1_000_000


@pytest.fixture
def clock() -> SetClock:
    """Stands still."""
    return SetClock()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A migrated SQLite."""
    url = f"sqlite:///{tmp_path}/books.db"
    await upgrade(url)
    opened = open_database(url)
    yield opened
    await opened.close()


@pytest.fixture
async def books(database: Database, clock: SetClock) -> SqlBooks:
    """acme with 10 yuan."""
    found = SqlBooks(database, clock)
    await found.apply_import(changes(), "test")
    await found.post("acme", EntryKind.TOP_UP, 10 * YUAN, "top-up", "clerk", "")
    return found


def watch(books: SqlBooks, told: list[AccountEvent] | None = None) -> AccountWatch:
    """A process' watch, told below 5 yuan."""
    made = AccountWatch(SqlLedger(books.database, books.clock), books.clock, 5 * YUAN, 0.01)
    if told is not None:
        made.listen(told.append)
    return made


async def spend(books: SqlBooks, yuan: int) -> None:
    """A call."""
    await books.write_cdrs([cdr(fee_micros=yuan * YUAN, charged_micros=yuan * YUAN)])


async def test_the_configured_default_holds_and_calls_are_seen(
    books: SqlBooks, log_text: io.StringIO
) -> None:
    """From the start of the server on; each event once."""
    told: list[AccountEvent] = []
    running = asyncio.create_task(watch(books, told).run())
    ledger = SqlLedger(books.database, books.clock)
    async with asyncio.timeout(10):
        while (await ledger.threshold("acme")).low_micros != 5 * YUAN:
            await asyncio.sleep(0.01)
        await spend(books, 6)
        while not told:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    running.cancel()
    assert [event.event.value for event in told] == ["low_balance"]
    assert "accounts.ran_low" in log_text.getvalue()


async def test_what_happened_while_no_server_ran_is_told_by_the_next(
    books: SqlBooks, clock: SetClock
) -> None:
    """And what is behind it for sure is not told again."""
    ledger = SqlLedger(books.database, clock)
    await ledger.set_default_threshold(5 * YUAN, "config")
    await spend(books, 6)
    first: list[AccountEvent] = []
    assert await watch(books, first).look() == 1
    clock.us += (SETTLED_MS + 1) * 1000
    second: list[AccountEvent] = []
    again = watch(books, second)
    assert await again.look() == 1  # the mark had not passed it
    assert await again.look() == 0
    assert await watch(books, []).look() == 0
    await spend(books, 4)
    third: list[AccountEvent] = []
    assert await watch(books, third).look() == 1
    assert [event.event.value for event in third] == ["zero_balance"]
