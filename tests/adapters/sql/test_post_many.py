"""Posting many entries at once: as if one after the other."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pytest

from callserver.adapters.sql import ledger
from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database
from callserver.domain.business import Customer
from callserver.domain.ledger import AccountSum, Entry, EntryKind
from callserver.ports import AccountUnknown
from tests.adapters.sql.samples import T0_MS, cdr, changes

CUSTOMERS = tuple(Customer(name, name, "north", "standard") for name in ("acme", "bolt", "cork"))


@pytest.fixture(autouse=True)
async def accounts(books: SqlBooks) -> None:
    """Three customers."""
    await books.apply_import(changes(customers=CUSTOMERS), "test")


def owed(account: str, number: int, micros: int = -1_000) -> Entry:
    """A shortfall with an operation id of its own."""
    return Entry(
        id=0,
        account=account,
        kind=EntryKind.SHORTFALL,
        amount_micros=micros,
        seq=None,
        operation_id=f"shortfall:{account}:{number}",
        call_id=None,
        actor="close",
        reason="why",
        created_ms=T0_MS,
    )


async def post_many(database: Database, entries: Sequence[Entry]) -> list[Entry]:
    return await database.write(partial(ledger.post_many, entries=entries))


async def test_entries_are_numbered_in_their_order(books: SqlBooks, database: Database) -> None:
    """Each account counts on from where it was; ids rise with the numbers; sums follow."""
    await books.post("acme", EntryKind.TOP_UP, 9_000, "op-1", "clerk", "")
    given = [owed("acme", 1), owed("bolt", 1), owed("acme", 2), owed("cork", 1), owed("acme", 3)]
    posted = await post_many(database, given)
    assert [(entry.account, entry.seq) for entry in posted] == [
        ("acme", 2),
        ("bolt", 1),
        ("acme", 3),
        ("cork", 1),
        ("acme", 4),
    ]
    assert [entry.id for entry in posted] == sorted(entry.id for entry in posted)
    assert [replace(entry, id=0, seq=None) for entry in posted] == given
    sums = await books.account_sums(["acme", "bolt", "cork"])
    assert sums["acme"] == AccountSum("acme", 6_000, 0, 4)
    assert sums["cork"] == AccountSum("cork", -1_000, 0, 1)
    assert await books.drift() == {}
    assert await books.entries_after("acme", 1) == [e for e in posted if e.account == "acme"]


async def test_it_leaves_what_single_posts_leave(books: SqlBooks, database: Database) -> None:
    """The next single entry counts on, and the feed tells of all accounts."""
    posted = await post_many(database, [owed("acme", 1), owed("bolt", 1)])
    entry = await books.post("acme", EntryKind.TOP_UP, 1, "op-1", "clerk", "")
    assert entry.seq == 2
    assert await books.changed_accounts(0) == (entry.id, {"acme": 2, "bolt": 1})
    assert entry.id > posted[-1].id


async def test_again_nothing_moves(books: SqlBooks, database: Database) -> None:
    """Known operations are their first entries, also in a batch with new ones and twice in one."""
    first = await post_many(database, [owed("acme", 1), owed("bolt", 1)])
    again = [owed("bolt", 2), owed("acme", 1, -7), owed("bolt", 2), owed("bolt", 1)]
    posted = await post_many(database, again)
    assert (posted[1], posted[3]) == (first[0], first[1])
    assert posted[0] == posted[2]
    assert posted[0].seq == 2
    assert (await books.account_sums(["acme"]))["acme"] == AccountSum("acme", -1_000, 0, 1)
    assert (await books.account_sums(["bolt"]))["bolt"] == AccountSum("bolt", -2_000, 0, 2)
    assert await post_many(database, []) == []


async def test_an_unknown_account_stops_all(books: SqlBooks, database: Database) -> None:
    """Not a part of a batch is posted, and no number is used up."""
    with pytest.raises(AccountUnknown):
        await post_many(database, [owed("acme", 1), owed("nobody", 1)])
    assert (await books.account_sums(["acme"]))["acme"] == AccountSum("acme", 0, 0, 0)
    (posted,) = await post_many(database, [owed("acme", 1)])
    assert posted.seq == 1


async def test_more_than_a_statement_holds(books: SqlBooks, database: Database) -> None:
    """Twelve thousand entries of one account are one transaction."""
    posted = await post_many(database, [owed("acme", n) for n in range(12_000)])
    assert [entry.seq for entry in posted] == list(range(1, 12_001))
    assert (await books.account_sums(["acme"]))["acme"].settled_micros == -12_000_000


async def test_batches_posts_and_calls_at_once(books: SqlBooks, database: Database) -> None:
    """Whoever writes for the same accounts beside it, nothing deadlocks, is lost or is doubled."""
    mine = [owed(account, n) for n in range(20) for account in ("cork", "acme", "bolt")]
    calls = [cdr(customer=name, account=name) for name in ("cork", "bolt", "acme") * 10]
    await asyncio.gather(
        *(post_many(database, mine) for _ in range(4)),
        *(books.post("bolt", EntryKind.TOP_UP, 5, f"op-{n}", "clerk", "") for n in range(10)),
        *(books.write_cdrs(calls[n : n + 6]) for n in range(0, 30, 6)),
    )
    sums = await books.account_sums(["acme", "bolt", "cork"])
    assert sums["acme"] == AccountSum("acme", -20_000 - 3_000_000, 0, 20)
    assert sums["bolt"] == AccountSum("bolt", 50 - 20_000 - 3_000_000, 0, 30)
    assert [entry.seq for entry in await books.entries_after("bolt", 0)] == list(range(1, 31))
    assert await books.drift() == {}
