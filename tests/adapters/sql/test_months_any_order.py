"""Whatever happens in whatever order, and however often it is retried, each number pays exactly
what its months lack."""

import random
from collections import Counter
from collections.abc import Awaitable
from contextlib import suppress

import pytest
from sqlalchemy import Connection, select

from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database
from callserver.adapters.sql.schema import cdr, ledger_entry
from callserver.domain.billing_month import BillingMonth
from callserver.domain.declined import Declined
from callserver.domain.minimum import shortfall_micros
from tests.adapters.sql.closing import (
    DECEMBER,
    NOVEMBER,
    NUMBERS,
    OCTOBER,
    YUAN,
    World,
)
from tests.adapters.sql.conftest import SetClock

MONTHS = (OCTOBER, NOVEMBER, DECEMBER)
STEPS = 40


async def happens(world: World, chance: random.Random) -> None:
    """A call of any month so far, a close, a step of one, a correction; or time goes on."""
    now = BillingMonth.of(world.clock.us // 1000)
    match chance.choice(["call", "call", "call", "close", "step", "correct", "time"]):
        case "call":
            month = chance.choice([each for each in MONTHS if each <= now] or [OCTOBER])
            await world.call(chance.choice(NUMBERS), month, chance.randrange(2_000) / 100)
        case "close":
            await ignored(world.months.close(now.previous(), "clerk"))
        case "step":
            await ignored(world.sql.begin(now.previous(), "clerk"))
            await ignored(world.sql.step(now.previous(), 5, 1))
        case "correct":
            await ignored(world.months.correct(chance.choice(MONTHS), "clerk"))
        case _:
            world.clock.us += chance.randrange(20) * 86_400_000_000


async def ignored(work: Awaitable[object]) -> None:
    """A rule may say no; that is part of the game."""
    with suppress(Declined):
        await work


def posted(connection: Connection) -> Counter[tuple[str, str]]:
    """What was taken of each number for each month, by the operations' ids."""
    found: Counter[tuple[str, str]] = Counter()
    query = select(ledger_entry.c.operation_id, ledger_entry.c.amount_micros)
    for operation, micros in connection.execute(
        query.where(ledger_entry.c.operation_id.like("shortfall:%"))
    ):
        _, did, month = operation.split(":")[:3]
        found[did, month] -= micros
    return found


def debited(connection: Connection) -> Counter[tuple[str, str]]:
    """What the calls of each number cost in each month."""
    found: Counter[tuple[str, str]] = Counter()
    for did, ended_ms, micros in connection.execute(
        select(cdr.c.did, cdr.c.ended_ms, cdr.c.charged_micros)
    ):
        found[did, str(BillingMonth.of(ended_ms))] += micros
    return found


@pytest.mark.parametrize("seed", range(3))
async def test_each_number_pays_what_its_months_lack(
    books: SqlBooks, database: Database, clock: SetClock, seed: int
) -> None:
    """After all is closed and corrected: shortfall + corrections = max(0, minimum − calls)."""
    world, chance = World(books, database, clock), random.Random(seed)
    await world.open()
    for _ in range(STEPS):
        await happens(world, chance)
    world.go_to(max(world.clock.us // 1000, DECEMBER.to_ms))
    for month in (OCTOBER.previous(), *MONTHS):
        await ignored(world.months.close(month, "clerk"))
    for month in MONTHS:
        await world.months.correct(month, "clerk")
        assert await world.months.correct(month, "clerk") == []
    taken, spent = await database.read(posted), await database.read(debited)
    for month in map(str, MONTHS):
        for did in NUMBERS:
            owed = shortfall_micros(50 * YUAN, spent[did, month])
            assert taken[did, month] == owed, (did, month)
    assert await books.drift() == {}
