"""A quarter of everything at once, with retries and kills: money stays whole."""

import asyncio
import random
from pathlib import Path

import pytest
from sqlalchemy import select

from callserver.adapters.sql import migrate
from callserver.adapters.sql.books import SqlBooks, open_books
from callserver.adapters.sql.schema import ledger_entry
from callserver.back_office import build_office
from callserver.config import Config
from callserver.domain.billing_month import DAY_MS
from callserver.domain.declined import Declined
from callserver.ports import OutcomeUnknown, StoreUnavailable
from tests.adapters.sql.conftest import SetClock
from tests.office.quarter import MONTHS, Quarter, Step

EACH_MONTH = 30
SEEDS = [1, 2]
KINDS = {"call", "top_up", "transfer", "feature_fee", "plan_fee", "plan_credit", "commission"}
Row = tuple[str, str, int, int, int]


async def once(step: Step) -> str:
    """Ask once; what came of it."""
    try:
        await step.do()
    except Declined as declined:
        return declined.reason.value
    return "done"


async def disturbed(step: Step, chance: random.Random) -> None:
    """Ask, be killed on the way, ask twice at once, and ask again."""
    if chance.random() < 0.4:
        task = asyncio.create_task(once(step))
        await asyncio.sleep(chance.random() * 0.004)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    try:
        if chance.random() < 0.4:
            await asyncio.gather(once(step), once(step))
    except (StoreUnavailable, OutcomeUnknown):  # a deadlock that the database ended: ask again
        await once(step)
    await once(step)


async def live(quarter: Quarter, clock: SetClock, seed: int, *, calmly: bool) -> None:
    """The quarter, calmly or with faults of the same seed."""
    clock.us = (MONTHS[0].from_ms - DAY_MS) * 1000
    await quarter.open()
    chance = random.Random(seed)
    for step in quarter.steps(seed, EACH_MONTH):
        clock.us = step.at_ms * 1000
        if calmly:
            await once(step)
        else:
            await disturbed(step, chance)


async def ledger_of(books: SqlBooks) -> list[Row]:
    """Every entry without what a database numbers."""
    e = ledger_entry.c
    query = select(e.account, e.kind, e.amount_micros, e.minutes, e.created_ms)
    rows = await books.database.read(lambda connection: connection.execute(query).all())
    return sorted((row[0], row[1], row[2], row[3], row[4]) for row in rows)


async def calm_ledger(folder: Path, seed: int) -> list[Row]:
    """What nobody disturbed, on SQLite."""
    url, clock = f"sqlite:///{folder / 'calm.db'}", SetClock()
    await migrate.upgrade(url)
    async with open_books(url, clock) as books:
        await live(Quarter(build_office(books, Config()), books), clock, seed, calmly=True)
        return await ledger_of(books)


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_disturbed_quarter_moves_the_same_money(
    books: SqlBooks, clock: SetClock, tmp_path: Path, seed: int
) -> None:
    """As an undisturbed one; sums, reconciliation and statements agree at its end."""
    office = build_office(books, Config())
    await live(Quarter(office, books), clock, seed, calmly=False)
    ledger = await ledger_of(books)
    assert len(ledger) > EACH_MONTH
    assert {row[1] for row in ledger} >= KINDS
    assert ledger == await calm_ledger(tmp_path, seed)
    assert await books.drift() == {}
    assert await office.features.check_days(100) == []
    sums = await books.account_sums()
    for account, total in sums.items():
        before = 0
        for month in MONTHS:
            statement = await office.ledger.statement(account, month.from_ms, month.to_ms)
            assert statement.opening_micros == before, (account, str(month))
            before = statement.closing_micros
        rest = await office.ledger.statement(account, MONTHS[-1].to_ms, clock.us // 1000 + 1)
        assert (rest.opening_micros, rest.closing_micros) == (before, total.settled_micros)
        assert rest.closing_minutes == total.minutes
