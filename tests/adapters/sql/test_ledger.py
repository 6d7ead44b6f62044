"""The ledger: each operation once, in order, and its sums."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import text

from callserver.adapters.sql import ledger
from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database
from callserver.domain.business import Billing, Customer
from callserver.domain.ledger import AccountSum, Drift, Entry, EntryKind
from callserver.ports import AccountUnknown
from tests.adapters.sql.samples import T0_MS, cdr, changes


async def top_up(books: SqlBooks, micros: int, operation: str, account: str = "acme") -> Entry:
    return await books.post(account, EntryKind.TOP_UP, micros, operation, "clerk", "bank")


@pytest.fixture(autouse=True)
async def accounts(books: SqlBooks) -> None:
    """The books know acme and its provider."""
    await books.apply_import(changes(), "test")


async def test_an_entry_is_returned_as_it_was_written(books: SqlBooks) -> None:
    """The first entry of an account has sequence number 1 and our clock's time."""
    entry = await top_up(books, 5_000_000, "op-1")
    assert entry == Entry(
        entry.id, "acme", EntryKind.TOP_UP, 5_000_000, 1, "op-1", None, "clerk", "bank", T0_MS
    )


async def test_the_same_operation_returns_the_first_entry(books: SqlBooks) -> None:
    """Even with another amount nothing new is written."""
    first = await top_up(books, 5_000_000, "op-1")
    assert await top_up(books, 7_000_000, "op-1") == first
    assert (await books.account_sums())["acme"] == AccountSum("acme", 5_000_000, 0, 1)


async def test_fifty_concurrent_posts_of_one_operation_are_one_entry(books: SqlBooks) -> None:
    """Whoever comes second gets the first's entry."""
    entries = await asyncio.gather(*(top_up(books, 1_000, "op-1") for _ in range(50)))
    assert len(set(entries)) == 1
    assert (await books.account_sums(["acme"]))["acme"].settled_micros == 1_000


async def test_concurrent_posts_are_numbered_without_gaps(books: SqlBooks) -> None:
    """Fifty operations get the numbers 1 … 50, and ids that rise with them."""
    await asyncio.gather(*(top_up(books, 1_000, f"op-{n}") for n in range(50)))
    entries = await books.entries_after("acme", 0)
    assert [entry.seq for entry in entries] == list(range(1, 51))
    assert [entry.id for entry in entries] == sorted(entry.id for entry in entries)
    assert (await books.account_sums())["acme"] == AccountSum("acme", 50_000, 0, 50)


async def test_only_later_entries_come(books: SqlBooks) -> None:
    """A gap is replayed from the number after which it begins."""
    written = [await top_up(books, n, f"op-{n}") for n in (1, 2, 3)]
    assert await books.entries_after("acme", 1) == written[1:]
    assert await books.entries_after("nobody", 0) == []


async def test_calls_have_no_number_and_are_not_in_the_feed(books: SqlBooks) -> None:
    """The feed of changed accounts tells of top-ups only; calls reach Redis before SQL."""
    entry = await top_up(books, 5_000_000, "op-1")
    await books.write_cdrs([cdr(), cdr()])
    assert await books.entries_after("acme", 0) == [entry]
    assert await books.changed_accounts(0) == (entry.id, {"acme": 1})
    assert await books.changed_accounts(entry.id) == (entry.id, {})
    assert (await books.account_sums())["acme"] == AccountSum("acme", 4_400_000, 0, 1)


async def test_an_unknown_account_is_refused(books: SqlBooks) -> None:
    """Money is not booked to a name nobody has."""
    with pytest.raises(AccountUnknown):
        await top_up(books, 1, "op-1", account="nobody")
    assert "nobody" not in await books.account_sums()


@pytest.mark.parametrize(
    ("kind", "operation"), [(EntryKind.CALL, "x"), (EntryKind.TOP_UP, "call:x")]
)
async def test_a_calls_entry_cannot_be_posted(
    books: SqlBooks, kind: EntryKind, operation: str
) -> None:
    """It comes with its CDR or not at all, and nobody may take its operation id."""
    with pytest.raises(ValueError, match="with its CDR"):
        await books.post("acme", kind, 1, operation, "clerk", "")


async def test_sums_of_chosen_accounts(books: SqlBooks) -> None:
    """Accounts that do not exist are left out; providers have accounts too."""
    sums = await books.account_sums(["provider:north", "nobody", *map(str, range(12_000))])
    assert sums == {"provider:north": AccountSum("provider:north", 0, 0, 0)}


async def test_the_floor_is_a_postpaid_customers_credit_limit(books: SqlBooks) -> None:
    """A prepaid one has none, whatever is written beside it."""
    acme = Customer("acme", "顶点商贸", "north", "standard", Billing.POSTPAID, 900)
    late = changes(base_version=1, customers=(acme,), routes={}, tariff_versions=())
    await books.apply_import(replace(late, floors_changed=("acme",)), "clerk")
    assert (await books.account_sums())["acme"] == AccountSum("acme", 0, 900, 1)
    [entry] = await books.entries_after("acme", 0)
    assert (entry.amount_micros, entry.reason) == (0, "credit limit changed")


async def test_the_kept_sums_are_those_of_the_entries(books: SqlBooks, database: Database) -> None:
    """No drift after all kinds of entries; a sum that was tampered with is found."""
    await top_up(books, 5_000_000, "op-1")
    await books.write_cdrs([cdr() for _ in range(3)])
    assert await books.drift() == {}
    await database.write(
        lambda connection: connection.execute(text("UPDATE account SET settled_micros = 7"))
    )
    assert await books.drift() == {
        "acme": Drift(7, 4_100_000),
        "provider:north": Drift(7, 0),
    }


async def test_included_minutes_are_entries_like_money(books: SqlBooks, database: Database) -> None:
    """Granted by an entry, used by calls' entries, summed by trigger, held against the entries."""
    granted = Entry(
        *(0, "acme", EntryKind.PLAN_CREDIT, 1_000, None, "plan-1", None, "clerk", "a plan", T0_MS),
        minutes=100,
    )
    first = await database.write(lambda connection: ledger.post(connection, granted))
    assert (first.minutes, first.amount_micros, first.seq) == (100, 1_000, 1)
    covered = cdr(fee_micros=0, charged_micros=0, included_minutes=2, cost_micros=50_000)
    free = cdr(fee_micros=0, charged_micros=0)
    await books.write_cdrs([covered, cdr(included_minutes=1), free])
    assert await books.cdr(covered.call_id) == covered
    assert (await books.account_sums())["acme"] == AccountSum("acme", -299_000, 0, 1, 97)
    assert await books.entries_after("acme", 0) == [first]
    assert await books.drift() == {}
    await database.write(
        lambda connection: connection.execute(
            text("UPDATE account SET settled_minutes = 9 WHERE id = 'acme'")
        )
    )
    assert await books.drift() == {"acme": Drift(-299_000, -299_000, 9, 97)}
