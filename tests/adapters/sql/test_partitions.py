"""CDRs on PostgreSQL lie in partitions by the Shanghai month of their end."""

from datetime import datetime
from itertools import pairwise

import pytest
from sqlalchemy import text

from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database
from callserver.adapters.sql.partitions import SHANGHAI, Month, month_of
from callserver.ports import CdrQuery
from tests.adapters.sql.samples import cdr


def at(text_: str) -> int:
    return int(datetime.fromisoformat(text_).timestamp() * 1000)


@pytest.mark.parametrize(
    ("instant", "month"),
    [
        ("2026-11-30T23:59:59.999+08:00", Month(2026, 11)),
        ("2026-12-01T00:00:00+08:00", Month(2026, 12)),
        ("2026-11-30T16:00:00+00:00", Month(2026, 12)),
        ("2019-12-31T23:59:59+08:00", None),
    ],
)
def test_the_month_is_shanghais(instant: str, month: Month | None) -> None:
    """At 16:00 UTC of the last day the next month begins."""
    assert month_of(at(instant)) == month


@pytest.mark.parametrize("instant_ms", [0, -1, 2**62])
def test_a_broken_clock_has_no_month(instant_ms: int) -> None:
    """It must not fill the database with tables."""
    assert month_of(instant_ms) is None


def test_months_meet_without_gaps() -> None:
    """Each ends where the next begins, across years too."""
    months = [Month(2026, 11)]
    for _ in range(14):
        months.append(months[-1].next())
    assert months[2] == Month(2027, 1)
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
async def test_calls_do_not_wait_for_a_partition(books: SqlBooks, database: Database) -> None:
    """Where calls of a month lie in the default partition already, its others go there too."""
    november = at("2026-11-15T00:00:00+08:00")
    first, second = cdr(ended_ms=november), cdr(ended_ms=november + 1)
    prepare = database.prepare_month

    async def late(ended_ms: int) -> None:
        """The partition comes too late."""

    database.prepare_month = late  # type: ignore[method-assign]  # stands in for a lock that timed out
    await books.write_cdrs([first])
    database.prepare_month = prepare  # type: ignore[method-assign]  # and back
    await books.write_cdrs([second])
    assert (await books.cdrs(CdrQuery(customers=None))).cdrs == (second, first)
    assert await books.cdr(first.call_id) == first
