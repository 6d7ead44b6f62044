"""Closing months: what is owed, once; in order; late calls; and nothing that ever reopens."""

import asyncio
from functools import partial

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database
from callserver.domain.declined import Declined, Reason
from callserver.domain.ledger import EntryKind
from callserver.domain.minimum import Standing
from callserver.domain.month import Phase
from tests.adapters.sql.closing import (
    ACME,
    ACME_TOO,
    BOLT,
    DECEMBER,
    NOVEMBER,
    OCTOBER,
    SEPTEMBER,
    YUAN,
    World,
)
from tests.adapters.sql.conftest import SetClock


@pytest.fixture
async def world(books: SqlBooks, database: Database, clock: SetClock) -> World:
    """Three numbers with a minimum of 50 each from October."""
    made = World(books, database, clock)
    await made.open()
    return made


async def test_what_the_minimum_lacks_is_posted_once(world: World) -> None:
    """50 less what the calls cost; a number that reached it owes nothing; again nothing moves."""
    await world.call(ACME, OCTOBER, 20)
    await world.call(ACME, OCTOBER, 0.5, day=31)
    await world.call(BOLT, OCTOBER, 50)
    await world.call(BOLT, NOVEMBER, 3)
    world.after(OCTOBER)
    report = await world.months.close(OCTOBER, "clerk")
    posted = [
        ("acme", -29_500_000, f"shortfall:{ACME}:2026-10"),
        ("acme", -50_000_000, f"shortfall:{ACME_TOO}:2026-10"),
    ]
    assert await world.entries(EntryKind.SHORTFALL) == posted
    rows = {row.customer: row for row in report.rows}
    assert (rows["acme"].shortfalls, rows["acme"].shortfall_micros) == (2, 79_500_000)
    assert (rows["acme"].numbers, rows["acme"].usage.calls) == (2, 2)
    assert (rows["bolt"].usage.charged_micros, rows["bolt"].shortfalls) == (50 * YUAN, 0)
    assert [(row.provider, row.shortfall_micros) for row in report.by_provider()] == [
        ("city", 0),
        ("north", 79_500_000),
    ]
    assert await world.months.close(OCTOBER, "somebody else") == report
    assert await world.entries(EntryKind.SHORTFALL) == posted
    assert await world.books.drift() == {}


async def test_a_call_belongs_to_the_month_in_which_it_ended(world: World) -> None:
    """To the millisecond: midnight in Shanghai is the next month's, on bills and in the sums."""
    for ended_ms, yuan in (
        (OCTOBER.from_ms - 1, 1),
        (OCTOBER.from_ms, 2),
        (OCTOBER.to_ms - 1, 4),
        (OCTOBER.to_ms, 8),
    ):
        await world.call_that_ended(BOLT, ended_ms, yuan)
    world.after(NOVEMBER)
    months = (SEPTEMBER, OCTOBER, NOVEMBER)
    for month, yuan in zip(months, (1, 6, 8), strict=True):
        open_bill = await world.sql.bill(month, "bolt")
        assert open_bill is not None
        assert open_bill.usage.charged_micros == yuan * YUAN
        report = await world.months.close(month, "clerk")
        assert report.total.usage.charged_micros == yuan * YUAN
    owed = [row for row in await world.entries(EntryKind.SHORTFALL) if row[0] == "bolt"]
    assert [row[1] for row in owed] == [-44 * YUAN, -42 * YUAN]


async def test_a_shortfall_may_take_an_account_below_zero(world: World) -> None:
    """Prepaid or not."""
    world.after(OCTOBER)
    await world.months.close(OCTOBER, "clerk")
    assert (await world.books.account_sums(["bolt"]))["bolt"].settled_micros == -50 * YUAN


async def test_the_activation_month_is_exempt(world: World) -> None:
    """The numbers were activated in September, and their minimum begins in October anyway."""
    world.after(SEPTEMBER)
    report = await world.months.close(SEPTEMBER, "clerk")
    assert report.total.shortfalls == 0
    await world.happened(BOLT, OCTOBER.from_ms, "frozen", None)
    await world.happened(BOLT, OCTOBER.from_ms + 1, "active", "bolt")
    world.after(OCTOBER)
    await world.months.close(OCTOBER, "clerk")
    assert [row[0] for row in await world.entries(EntryKind.SHORTFALL)] == ["acme", "acme"]
    bill = await world.sql.bill(OCTOBER, "bolt")
    assert bill is not None
    assert [line.standing for line in bill.lines] == [Standing.ACTIVATION_MONTH]


async def test_a_full_month_of_suspension_is_exempt(world: World) -> None:
    """A month with one active hour is not."""
    await world.happened(BOLT, OCTOBER.from_ms, "suspended", "bolt")
    await world.happened(ACME, OCTOBER.from_ms, "suspended", "acme")
    await world.happened(ACME, OCTOBER.to_ms - 3_600_000, "active", "acme")
    world.after(OCTOBER)
    await world.months.close(OCTOBER, "clerk")
    posted = await world.entries(EntryKind.SHORTFALL)
    assert [row[2] for row in posted] == [
        f"shortfall:{ACME}:2026-10",
        f"shortfall:{ACME_TOO}:2026-10",
    ]


async def test_only_months_that_are_over(world: World) -> None:
    """Midnight in Shanghai ends a month: a millisecond before it is refused."""
    world.go_to(OCTOBER.to_ms - 1)
    with pytest.raises(Declined) as found:
        await world.months.close(OCTOBER, "clerk")
    assert found.value.reason is Reason.MONTH_NOT_OVER
    with pytest.raises(Declined):
        await world.months.try_close(OCTOBER)
    world.go_to(OCTOBER.to_ms)
    await world.months.close(OCTOBER, "clerk")


async def test_months_are_closed_in_order(world: World) -> None:
    """The first is that of the first call, then one after the other."""
    await world.call(ACME, OCTOBER, 1)
    world.after(DECEMBER)
    for wrong in (NOVEMBER, DECEMBER):
        with pytest.raises(Declined, match="2026-10") as found:
            await world.months.close(wrong, "clerk")
        assert found.value.reason is Reason.MONTH_OUT_OF_ORDER
    await world.months.close(OCTOBER, "clerk")
    for wrong in (SEPTEMBER, DECEMBER):
        with pytest.raises(Declined, match="2026-11") as found:
            await world.months.close(wrong, "clerk")
        assert found.value.reason is Reason.MONTH_OUT_OF_ORDER
    await world.months.close(NOVEMBER, "clerk")
    assert [(str(each.month), each.phase) for each in await world.months.closes()] == [
        ("2026-10", Phase.CLOSED),
        ("2026-11", Phase.CLOSED),
    ]


async def test_a_month_with_nothing_but_minimums_is_not_passed_over(world: World) -> None:
    """Without a single call everybody owes the whole minimum: the first of those comes first."""
    world.after(NOVEMBER)
    with pytest.raises(Declined, match="2026-10") as found:
        await world.months.close(NOVEMBER, "clerk")
    assert found.value.reason is Reason.MONTH_OUT_OF_ORDER
    with pytest.raises(Declined, match="2026-10"):
        await world.months.try_close(NOVEMBER)
    await world.months.close(OCTOBER, "clerk")
    await world.months.close(NOVEMBER, "clerk")
    assert sum(row[1] for row in await world.entries(EntryKind.SHORTFALL)) == -300 * YUAN


async def test_trying_writes_nothing(world: World) -> None:
    """And comes to what the close then comes to."""
    await world.call(ACME, OCTOBER, 20)
    await world.call("4009999999", OCTOBER, 1)
    world.after(OCTOBER)
    tried = await world.months.try_close(OCTOBER)
    assert await world.months.closes() == []
    assert await world.entries(EntryKind.SHORTFALL) == []
    report = await world.months.close(OCTOBER, "clerk")
    assert tried.rows == report.rows
    assert (await world.months.try_close(OCTOBER)).close == report.close


async def test_calls_of_a_number_that_is_gone_are_in_the_month(world: World) -> None:
    """Also of one that the catalogue never had."""
    await world.call("4009999999", OCTOBER, 7)
    world.after(OCTOBER)
    await world.months.close(OCTOBER, "clerk")
    bill = await world.sql.bill(OCTOBER, "acme")
    assert bill is not None
    assert [(each.did, each.usage.charged_micros) for each in bill.lines] == [
        (ACME, 0),
        (ACME_TOO, 0),
        ("4009999999", 7 * YUAN),
    ]


async def test_a_late_call_is_corrected_at_the_next_close(world: World) -> None:
    """It keeps its month, the closed bill stays, and the open one shows it and the adjustment."""
    world.after(OCTOBER)
    await world.months.close(OCTOBER, "clerk")
    fixed = await world.sql.bill(OCTOBER, "acme")
    await world.call(ACME, OCTOBER, 20)
    to_date = await world.sql.bill(NOVEMBER, "acme")
    assert to_date is not None
    assert [(each.month, each.usage.calls, each.shortfall_micros) for each in to_date.late] == [
        ("2026-10", 1, -20 * YUAN)
    ]
    assert to_date.late_micros == 0
    world.after(NOVEMBER)
    report = await world.months.close(NOVEMBER, "clerk")
    assert (report.corrections, report.corrected_micros) == (1, -20 * YUAN)
    operation = f"shortfall:{ACME}:2026-10:correction:1"
    assert await world.entries(EntryKind.ADJUSTMENT) == [("acme", 20 * YUAN, operation)]
    assert await world.sql.bill(OCTOBER, "acme") == fixed
    november = await world.sql.bill(NOVEMBER, "acme")
    assert november is not None
    assert november.late == to_date.late
    assert november.usage.calls == 0


async def test_correcting_again_finds_nothing(world: World) -> None:
    """Each late call is corrected once, whoever asks how often; a later one gets its own."""
    world.after(OCTOBER)
    with pytest.raises(Declined) as found:
        await world.months.correct(OCTOBER, "clerk")
    assert found.value.reason is Reason.MONTH_UNKNOWN
    await world.months.close(OCTOBER, "clerk")
    assert await world.months.correct(OCTOBER, "clerk") == []
    await world.call(ACME, OCTOBER, 20)
    results = await asyncio.gather(*(world.months.correct(OCTOBER, "clerk") for _ in range(4)))
    assert sum(map(len, results)) == 1
    await world.call(ACME, OCTOBER, 40)
    await world.call(BOLT, OCTOBER, 1)
    made = await world.months.correct(OCTOBER, "clerk")
    assert [(each.did, each.number, each.shortfall_micros) for each in made] == [
        (ACME, 2, -30 * YUAN),
        (BOLT, 1, -1 * YUAN),
    ]
    assert await world.months.correct(OCTOBER, "clerk") == []
    assert sum(row[1] for row in await world.entries(EntryKind.ADJUSTMENT)) == 51 * YUAN
    assert len(await world.months.corrections(OCTOBER)) == 3


async def test_a_close_that_stops_anywhere_goes_on(world: World) -> None:
    """After each single batch another process may take over; the ledger is that of one close."""
    await world.call(ACME, OCTOBER, 20)
    world.after(OCTOBER)
    await world.sql.begin(OCTOBER, "clerk")
    phases = []
    while not phases or phases[-1] is not Phase.CLOSED:
        close, _ = await World(world.books, world.database, world.clock).sql.step(OCTOBER, 5)
        phases.append(close.phase)
    assert sorted(set(phases), key=list(Phase).index) == list(Phase)[1:]
    assert sum(row[1] for row in await world.entries(EntryKind.SHORTFALL)) == -130 * YUAN


async def test_two_closers_close_once(world: World) -> None:
    """Each batch is done by one of them."""
    await world.call(ACME, OCTOBER, 20)
    world.after(OCTOBER)
    reports = await asyncio.gather(*(world.months.close(OCTOBER, "clerk") for _ in range(3)))
    assert reports[0] == reports[1] == reports[2]
    assert sum(row[1] for row in await world.entries(EntryKind.SHORTFALL)) == -130 * YUAN


def execute(statement: str, connection: Connection) -> object:
    return connection.execute(text(statement))


TABLES = ["month_close", "month_line", "bill"]


@pytest.mark.parametrize("table", TABLES)
async def test_a_closed_month_never_reopens(world: World, database: Database, table: str) -> None:
    """The database refuses to change, delete or add to it."""
    world.after(OCTOBER)
    await world.months.close(OCTOBER, "clerk")
    statements = [f"UPDATE {table} SET month = '2026-09'", f"DELETE FROM {table}"]
    if table != "month_close":
        statements.append(f"INSERT INTO {table} SELECT * FROM {table}")
    for statement in statements:
        with pytest.raises(DBAPIError, match=r"kept for ever|never reopens"):
            await database.write(partial(execute, statement))
