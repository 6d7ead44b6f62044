"""Corrections of calls in SQL: once, whoever posts them, and never changed."""

import asyncio

import pytest

from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database, open_database
from callserver.adapters.sql.rerating import SqlRerating
from callserver.domain.cdr import Cdr
from callserver.domain.rerating import Correction, RerateOutcome
from callserver.ports.rerating import Posting, RerateQuery
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.samples import T0_MS, cdr, changes

POSTING = Posting("clerk", "wrong tariff", force=True)


@pytest.fixture(autouse=True)
async def accounts(books: SqlBooks) -> None:
    """The books know acme."""
    await books.apply_import(changes(), "test")


def correction(call: Cdr, after: int = 200_000, version: int = 1) -> Correction:
    """Of a call of 0.30 yuan."""
    return Correction(
        call.call_id, call.token_hash, "acme", call.ended_ms, "cheap", version,
        300_000, after, 0, 0, ("a line",),
    )  # fmt: skip


async def test_calls_are_read_in_order_with_what_they_cost_now(
    books: SqlBooks, database: Database, clock: SetClock
) -> None:
    """Pages join; a correction is in the next reading."""
    calls = sorted((cdr() for _ in range(7)), key=lambda each: (each.ended_ms, each.token_hash))
    await books.write_cdrs(calls)
    book = SqlRerating(database, clock)
    await book.post([correction(calls[3])], POSTING)
    query = RerateQuery(0, T0_MS * 2)
    first = await book.calls(query, None, 4)
    rest = await book.calls(query, first[-1], 4)
    assert [each.call_id for each in (*first, *rest)] == [each.call_id for each in calls]
    assert [each.charged_micros for each in first] == [300_000] * 3 + [200_000]
    assert (first[3].tariff, first[3].tariff_version) == ("cheap", 1)
    assert first[0].caller == calls[0].caller
    assert await book.count_calls(query) == 7


async def test_of_many_that_post_the_same_one_does(
    books: SqlBooks, url: str, clock: SetClock
) -> None:
    """From several connections, in whatever order of the calls."""
    calls = [cdr() for _ in range(5)]
    await books.write_cdrs(calls)
    wanted = [correction(each) for each in calls]
    databases = [open_database(url) for _ in range(4)]
    posts = (
        SqlRerating(databases[n % 4], clock).post(wanted[:: 1 if n % 2 else -1], POSTING)
        for n in range(12)
    )
    outcomes = await asyncio.gather(*posts)
    for each in databases:
        await each.close()
    changed = [o for found in outcomes for o in found.values() if o is RerateOutcome.CHANGED]
    assert len(changed) == 5
    assert (await books.account_sums(["acme"]))["acme"].settled_micros == -1_000_000
    assert await books.drift() == {}


async def test_what_was_worked_out_from_another_price_is_left(
    books: SqlBooks, database: Database, clock: SetClock
) -> None:
    """Two tariffs at once: the second finds that the call costs something else by now."""
    call = cdr()
    await books.write_cdrs([call])
    book = SqlRerating(database, clock)
    await book.post([correction(call)], POSTING)
    assert await book.post([correction(call, 100_000, version=2)], POSTING) == {}
    assert await book.corrected([correction(call).operation_id, "rerate:x"]) == {
        correction(call).operation_id
    }
    (kept,) = await book.corrections([call.call_id])
    assert kept.correction == correction(call)
    assert (kept.actor, kept.reason, kept.created_ms) == ("clerk", "wrong tariff", T0_MS)
