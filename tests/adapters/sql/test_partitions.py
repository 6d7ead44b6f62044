"""CDRs on PostgreSQL lie in partitions by the Shanghai month of their end."""

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import pairwise

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from callserver.adapters.sql.books import SqlBooks, open_books
from callserver.adapters.sql.database import Database, database_url
from callserver.adapters.sql.partitions import month_of
from callserver.domain.billing_month import SHANGHAI, BillingMonth
from callserver.ports import CdrQuery
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.samples import cdr


def at(text_: str) -> int:
    return int(datetime.fromisoformat(text_).timestamp() * 1000)


@pytest.mark.parametrize(
    ("instant", "month"),
    [
        ("2026-11-30T23:59:59.999+08:00", BillingMonth(2026, 11)),
        ("2026-12-01T00:00:00+08:00", BillingMonth(2026, 12)),
        ("2026-11-30T16:00:00+00:00", BillingMonth(2026, 12)),
        ("2019-12-31T23:59:59+08:00", None),
    ],
)
def test_the_month_is_shanghais(instant: str, month: BillingMonth | None) -> None:
    """At 16:00 UTC of the last day the next month begins."""
    assert month_of(at(instant)) == month


@pytest.mark.parametrize("instant_ms", [0, -1, 2**62])
def test_a_broken_clock_has_no_month(instant_ms: int) -> None:
    """It must not fill the database with tables."""
    assert month_of(instant_ms) is None


def test_months_meet_without_gaps() -> None:
    """Each ends where the next begins, across years too."""
    months = [BillingMonth(2026, 11)]
    for _ in range(14):
        months.append(months[-1].next())
    assert months[2] == BillingMonth(2027, 1)
    for month, after in pairwise(months):
        assert month.from_ms < after.from_ms
        last = datetime.fromtimestamp(after.from_ms / 1000 - 1, SHANGHAI)
        assert (last.year, last.month) == (month.year, month.month)


@pytest.mark.postgres
@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
async def test_partitions_appear_with_their_first_call(books: SqlBooks, database: Database) -> None:
    """One for the month and one for the next; a broken clock's calls lie in the default one."""
    december = at("2026-12-01T00:00:00+08:00")
    calls = [cdr(ended_ms=december - 1), cdr(ended_ms=december), cdr(ended_ms=0)]
    assert await books.write_cdrs(calls) == 3

    def where(connection):  # type: ignore[no-untyped-def]  # see Database.read
        rows = connection.execute(text("SELECT ended_ms, tableoid::regclass::text FROM cdr"))
        return {row[0]: row[1] for row in rows}

    assert await database.read(where) == {
        december - 1: "cdr_2026_11",
        december: "cdr_2026_12",
        0: "cdr_default",
    }
    assert (await books.cdrs(CdrQuery(customers=None))).cdrs == (calls[1], calls[0], calls[2])


@pytest.mark.postgres
@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
async def test_calls_do_not_wait_for_a_partition(
    url: str, books: SqlBooks, clock: SetClock, log_text: io.StringIO
) -> None:
    """While a report holds the table they go to the default one, and are found there."""
    first, second, later = (
        cdr(ended_ms=at(f"2026-11-{day:02d}T00:00:00+08:00")) for day in (1, 2, 3)
    )
    async with reading_cdrs(url):
        assert await books.write_cdrs([first]) == 1
    assert await books.write_cdrs([second]) == 1
    async with open_books(url, clock) as restarted:
        assert await restarted.write_cdrs([later]) == 1
        page = await restarted.cdrs(CdrQuery(customers=None))
        assert page.cdrs == (later, second, first)
        assert await restarted.cdr(first.call_id) == first
    assert log_text.getvalue().count("sql.partition_refused") == 3  # two locks, one month too late


@asynccontextmanager
async def reading_cdrs(url: str) -> AsyncIterator[None]:
    """A transaction elsewhere that has read `cdr` and is not done."""
    other = create_async_engine(database_url(url))
    async with other.connect() as connection:
        await connection.execute(text("SELECT count(*) FROM cdr"))
        yield
    await other.dispose()
