"""Low-balance and zero-balance events: written by the database, once for each crossing."""

import asyncio

import pytest

from callserver.adapters.sql.account_events import DEFAULT
from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database
from callserver.adapters.sql.ledger_book import SqlLedger
from callserver.domain.business import Billing, Customer
from callserver.domain.ledger import EntryKind
from callserver.domain.ledger_moves import Adjustment
from callserver.ports import AccountUnknown
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.samples import T0_MS, cdr, changes

YUAN = 1_000_000


@pytest.fixture
async def ledger(books: SqlBooks, database: Database, clock: SetClock) -> SqlLedger:
    """acme with 10 yuan; told below 5 yuan by default."""
    await books.apply_import(changes(), "test")
    await books.post("acme", EntryKind.TOP_UP, 10 * YUAN, "first", "clerk", "")
    found = SqlLedger(database, clock)
    await found.set_default_threshold(5 * YUAN, "config")
    return found


async def told(ledger: SqlLedger) -> list[tuple[str, int, int]]:
    """What was told, the oldest first."""
    return [
        (event.event.value, event.available_micros, event.threshold_micros)
        for event in await ledger.events_after(0, 100)
    ]


async def test_calls_that_cross_a_threshold_leave_one_event(
    books: SqlBooks, ledger: SqlLedger
) -> None:
    """Below 5 once, to zero once; further calls tell nothing."""
    for micros in (4 * YUAN, 2 * YUAN, 3 * YUAN, YUAN, YUAN):
        await books.write_cdrs([cdr(charged_micros=micros, fee_micros=micros)])
    assert await told(ledger) == [
        ("low_balance", 4 * YUAN, 5 * YUAN),
        ("zero_balance", 0, 0),
    ]


async def test_after_a_rise_the_next_fall_is_told_again(books: SqlBooks, ledger: SqlLedger) -> None:
    """A top-up below the threshold is no rise above it."""
    await ledger.adjust(Adjustment("acme", -6 * YUAN, "a", "clerk", "x"))
    await books.post("acme", EntryKind.TOP_UP, YUAN // 2, "b", "clerk", "")
    await ledger.adjust(Adjustment("acme", -YUAN // 2, "c", "clerk", "x"))
    await books.post("acme", EntryKind.TOP_UP, YUAN, "d", "clerk", "")
    await ledger.adjust(Adjustment("acme", -1, "e", "clerk", "x"))
    assert await told(ledger) == [
        ("low_balance", 4 * YUAN, 5 * YUAN),
        ("low_balance", 5 * YUAN - 1, 5 * YUAN),
    ]


async def test_an_event_names_the_entry_and_its_instant(ledger: SqlLedger, clock: SetClock) -> None:
    """So that who is told can look."""
    clock.us += 1_000_000
    entry = await ledger.adjust(Adjustment("acme", -6 * YUAN, "a", "clerk", "x"))
    (event,) = await ledger.events("acme", None, 10)
    assert (event.entry, event.at_ms, event.account) == (entry.id, T0_MS + 1_000, "acme")


async def test_one_fall_may_cross_both(ledger: SqlLedger) -> None:
    """From 10 yuan to less than nothing."""
    await ledger.adjust(Adjustment("acme", -11 * YUAN, "a", "clerk", "x", force=True))
    kinds = sorted(await told(ledger))
    assert kinds == [("low_balance", -YUAN, 5 * YUAN), ("zero_balance", -YUAN, 0)]


async def test_a_credit_limit_counts(books: SqlBooks, database: Database, clock: SetClock) -> None:
    """Available is settled money and credit limit; cutting the limit can cross too."""

    def limit(yuan: int, version: int) -> object:
        customer = Customer("acme", "顶点", "north", "standard", Billing.POSTPAID, yuan * YUAN)
        return books.apply_import(
            changes(base_version=version, customers=(customer,), tariff_versions=()), "test"
        )

    await books.apply_import(changes(), "test")
    ledger = SqlLedger(database, clock)
    await ledger.set_default_threshold(5 * YUAN, "config")
    await limit(20, 1)
    await ledger.adjust(Adjustment("acme", -14 * YUAN, "a", "clerk", "x"))
    assert await told(ledger) == []
    await limit(18, 2)
    assert await told(ledger) == [("low_balance", 4 * YUAN, 5 * YUAN)]


async def test_an_account_may_have_a_threshold_of_its_own(ledger: SqlLedger) -> None:
    """And go back to the default; 0 is none."""
    assert (await ledger.threshold("acme")).own is False
    own = await ledger.set_threshold("acme", 8 * YUAN, "clerk")
    assert (own.low_micros, own.own) == (8 * YUAN, True)
    await ledger.adjust(Adjustment("acme", -3 * YUAN, "a", "clerk", "x"))
    assert await told(ledger) == [("low_balance", 7 * YUAN, 8 * YUAN)]
    await ledger.set_threshold("acme", 0, "clerk")
    await ledger.adjust(Adjustment("acme", -6 * YUAN, "b", "clerk", "x"))
    assert len(await told(ledger)) == 1
    back = await ledger.set_threshold("acme", None, "clerk")
    assert (back.low_micros, back.own) == (5 * YUAN, False)
    for asked in (ledger.threshold("nobody"), ledger.set_threshold("nobody", 1, "clerk")):
        with pytest.raises(AccountUnknown):
            await asked
    assert DEFAULT == ""


async def test_events_are_read_in_pages(ledger: SqlLedger) -> None:
    """The newest first, of one account or of all."""
    for number in range(3):
        await ledger.adjust(Adjustment("acme", -6 * YUAN, f"down-{number}", "clerk", "x"))
        await ledger.adjust(Adjustment("acme", 6 * YUAN, f"up-{number}", "clerk", "x"))
    newest = await ledger.events(None, None, 2)
    rest = await ledger.events("acme", newest[-1].id, 2)
    ids = [event.id for event in (*newest, *rest)]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == 3


async def test_a_reader_keeps_its_place(ledger: SqlLedger) -> None:
    """Only ever forwards, each reader its own."""
    await asyncio.gather(*(ledger.set_event_mark("log", number) for number in (3, 7, 5)))
    assert await ledger.event_mark("log") == 7
    assert await ledger.event_mark("webhook") == 0
