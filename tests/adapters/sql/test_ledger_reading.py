"""Pages of entries, and statements whose openings and closings chain."""

import asyncio
from collections.abc import Callable
from itertools import pairwise

import pytest

from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database
from callserver.adapters.sql.ledger_book import SqlLedger
from callserver.domain.ledger import Entry, EntryKind
from callserver.domain.ledger_moves import Adjustment
from callserver.domain.statement import Statement
from callserver.ports import BadCursor
from callserver.ports.ledger import EntryQuery
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.samples import T0_MS, cdr, changes

HOUR_MS = 3_600_000


@pytest.fixture
async def ledger(books: SqlBooks, database: Database, clock: SetClock) -> SqlLedger:
    """acme: an entry every hour, +10, −1, −1 with 5 minutes, a call of 0.30, +10."""
    await books.apply_import(changes(), "test")
    found = SqlLedger(database, clock)
    await books.post("acme", EntryKind.TOP_UP, 10_000_000, "a", "clerk", "bank")
    for number, minutes in enumerate((0, 5)):
        clock.us += HOUR_MS * 1000
        await found.adjust(Adjustment("acme", -1_000_000, f"b{number}", "clerk", "x", minutes))
    clock.us += HOUR_MS * 1000
    await books.write_cdrs([cdr()])
    clock.us += HOUR_MS * 1000
    await books.post("acme", EntryKind.TOP_UP, 10_000_000, "c", "clerk", "bank")
    return found


def into(taken: list[Entry]) -> Callable[[Statement, Entry], None]:
    """Keeps the entries of a statement."""

    def take(_told: Statement, entry: Entry) -> None:
        taken.append(entry)

    return take


async def test_a_statement_adds_up(ledger: SqlLedger) -> None:
    """Opening, a line for each kind, closing; from is in, to is not."""
    taken: list[Entry] = []
    found = await ledger.statement("acme", T0_MS + HOUR_MS, T0_MS + 4 * HOUR_MS, into(taken))
    assert (found.opening_micros, found.closing_micros) == (10_000_000, 7_700_000)
    assert (found.opening_minutes, found.closing_minutes) == (0, 5)
    assert [(m.kind, m.count, m.micros, m.minutes) for m in found.movements] == [
        (EntryKind.CALL, 1, -300_000, 0),
        (EntryKind.ADJUSTMENT, 2, -2_000_000, 5),
    ]
    assert [entry.amount_micros for entry in taken] == [-1_000_000, -1_000_000, -300_000]
    assert found.count == 3


async def test_statements_chain(ledger: SqlLedger) -> None:
    """Each opens with what the one before closed with; the first with 0, the last with all."""
    edges = [T0_MS - 1, T0_MS, T0_MS + 1, *(T0_MS + n * HOUR_MS for n in range(1, 7))]
    found = [await ledger.statement("acme", start, end, None) for start, end in pairwise(edges)]
    assert found[0].opening_micros == found[0].opening_minutes == 0
    for one, after in pairwise(found):
        assert (after.opening_micros, after.opening_minutes) == (
            one.closing_micros,
            one.closing_minutes,
        )
    assert (found[-1].closing_micros, found[-1].closing_minutes) == (17_700_000, 5)


async def test_a_statement_is_consistent_while_calls_are_written(
    books: SqlBooks, ledger: SqlLedger, clock: SetClock
) -> None:
    """Its entries add up to its movements, however much is written meanwhile."""

    async def write() -> None:
        for _ in range(20):
            await books.write_cdrs([cdr() for _ in range(5)])

    async def look() -> None:
        for _ in range(20):
            taken: list[Entry] = []
            found = await ledger.statement("acme", 0, T0_MS + 9 * HOUR_MS, into(taken))
            assert sum(entry.amount_micros for entry in taken) == found.closing_micros
            assert len(taken) == found.count

    await asyncio.gather(write(), look())


async def test_pages_join_without_gap_or_overlap(ledger: SqlLedger) -> None:
    """The newest first, also where instants are equal."""
    for number in range(5):
        await ledger.adjust(Adjustment("acme", 1, f"same-{number}", "clerk", "x"))
    whole = (await ledger.entries(EntryQuery("acme"))).entries
    assert len(whole) == 10
    found: list[Entry] = []
    cursor: str | None = None
    while True:
        page = await ledger.entries(EntryQuery("acme", cursor=cursor, limit=3))
        found += page.entries
        cursor = page.next_cursor
        if cursor is None:
            break
    assert tuple(found) == whole
    assert [entry.id for entry in found] == sorted((e.id for e in found), reverse=True)


async def test_entries_by_kind_and_time(ledger: SqlLedger) -> None:
    """from is in, to is not."""
    kinds = frozenset({EntryKind.TOP_UP})
    page = await ledger.entries(EntryQuery("acme", kinds, from_ms=T0_MS, to_ms=T0_MS + 4 * HOUR_MS))
    assert [entry.operation_id for entry in page.entries] == ["a"]


@pytest.mark.parametrize("cursor", ["x", "", "MTIz", "LTEuMg==", "MS45OTk5OTk5OTk5OTk5OTk5OTk5"])
async def test_a_cursor_of_ones_own_making_is_refused(ledger: SqlLedger, cursor: str) -> None:
    """Only what a page gave."""
    with pytest.raises(BadCursor):
        await ledger.entries(EntryQuery("acme", cursor=cursor))
