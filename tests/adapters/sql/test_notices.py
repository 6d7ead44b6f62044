"""Sudden fees in SQL: noticed once, while the month runs or at its close."""

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database
from callserver.adapters.sql.rerating import SqlRerating
from callserver.domain.billing_month import BillingMonth
from callserver.domain.cdr import Cdr
from callserver.domain.rerating import Correction
from callserver.ports.rerating import Posting
from callserver.service.sudden_fees import SuddenFees
from tests.adapters.sql.closing import ACME, BOLT, DECEMBER, HOUR_MS, YUAN, World
from tests.adapters.sql.conftest import SetClock

SEPTEMBER, OCTOBER, NOVEMBER = (BillingMonth(2026, month) for month in (9, 10, 11))


@pytest.fixture
async def world(books: SqlBooks, database: Database, clock: SetClock) -> World:
    """acme has three usual months of 10 yuan, bolt two; it is December."""
    made = World(books, database, clock)
    await made.open()
    for month in (SEPTEMBER, OCTOBER, NOVEMBER):
        await made.call(ACME, month, 10)
    for month in (OCTOBER, NOVEMBER):
        await made.call(BOLT, month, 10)
    made.go_to(DECEMBER.from_ms + 10 * 24 * HOUR_MS)
    return made


def watch(world: World) -> SuddenFees:
    return SuddenFees(world.sql, world.clock, 5, 900)


async def test_noticed_once_when_it_is_above(world: World) -> None:
    """50.00 is not above five times 10.00; 50.01 is; who has only two months is not told."""
    fees = watch(world)
    await world.call(ACME, DECEMBER, 50)
    await world.call(BOLT, DECEMBER, 500)
    assert (await fees.look(), fees.noticed) == (0, 0)
    await world.call(ACME, DECEMBER, 0.01, day=11)
    assert (await fees.look(), fees.noticed) == (1, 1)
    await world.call(ACME, DECEMBER, 9, day=11)
    assert await fees.look() == await watch(world).look() == 0
    bill = await world.sql.bill(DECEMBER, "acme")
    assert bill is not None
    assert bill.notice is not None
    assert (bill.notice.fee_micros, bill.notice.mean_micros) == (50_010_000, 10_000_000)
    other = await world.sql.bill(DECEMBER, "bolt")
    assert other is not None
    assert other.notice is None


async def test_the_close_notices_what_nobody_looked_at(world: World) -> None:
    """And the fixed bill shows it."""
    for month in (SEPTEMBER, OCTOBER, NOVEMBER):
        await world.months.close(month, "clerk")
    await world.call(ACME, DECEMBER, 60)
    world.after(DECEMBER)
    await world.months.close(DECEMBER, "clerk")
    bill = await world.sql.bill(DECEMBER, "acme")
    assert bill is not None
    assert bill.notice is not None
    assert bill.notice.raised_ms == world.clock.us // 1000
    assert await world.sql.notice_count(DECEMBER) == 1


async def test_another_month_is_looked_at_anew(world: World) -> None:
    """The watch goes on into the next month."""
    fees = watch(world)
    await world.call(ACME, DECEMBER, 60)
    assert await fees.look() == 1
    january = DECEMBER.next()
    world.go_to(january.from_ms + 9 * 24 * HOUR_MS)
    await world.call(ACME, january, 1000)
    assert (await fees.look(), fees.noticed) == (1, 1)


async def test_notices_are_kept(world: World, database: Database) -> None:
    """They are an outbox for whoever tells the customer."""
    await world.call(ACME, DECEMBER, 60)
    await watch(world).look()

    def delete(connection: Connection) -> None:
        connection.execute(text("DELETE FROM notice"))

    with pytest.raises(DBAPIError, match="kept for ever"):
        await database.write(delete)


async def test_what_was_rated_anew_counts_as_it_does_at_the_close(world: World) -> None:
    """60 that became 40 are no reason; 40 that became 60 are one, though nobody called since."""
    fees = watch(world)
    first = await world.call(ACME, DECEMBER, 60)
    await rerate(world, first, 60, 40)
    assert await fees.look() == 0
    later_ms = world.clock.us // 1000 + 2 * HOUR_MS
    world.go_to(later_ms)
    assert await fees.look() == 0
    world.go_to(later_ms + 2 * HOUR_MS)
    await rerate(world, first, 40, 60, version=2)
    assert (await fees.look(), fees.noticed) == (1, 1)


async def rerate(world: World, of: Cdr, before: int, after: int, version: int = 1) -> None:
    """Let the call cost `after` yuan, no longer `before`."""
    made = Correction(
        of.call_id, of.token_hash, "acme", of.ended_ms, "cheap", version,
        before * YUAN, after * YUAN, 0, 0, ("a line",),
    )  # fmt: skip
    posting = Posting("clerk", "wrong tariff", force=True)
    await SqlRerating(world.database, world.clock).post([made], posting)
