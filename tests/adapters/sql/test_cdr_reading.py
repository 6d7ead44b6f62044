"""Reading CDRs: pages that neither overlap nor leave out, and only what may be seen."""

import pytest

from callserver.adapters.sql.books import SqlBooks
from callserver.domain.call import EndSource
from callserver.domain.cdr import Cdr
from callserver.ports import BadCursor, CdrQuery
from tests.adapters.sql.samples import T0_MS, cdr


async def written(books: SqlBooks, *calls: Cdr) -> tuple[Cdr, ...]:
    await books.write_cdrs(calls)
    return tuple(sorted(calls, key=lambda call: (call.ended_ms, call.token_hash), reverse=True))


async def read_all(books: SqlBooks, query: CdrQuery) -> list[tuple[Cdr, ...]]:
    """All pages of a query."""
    pages = []
    cursor: str | None = None
    while True:
        page = await books.cdrs(
            CdrQuery(query.customers, query.did, query.from_ms, query.to_ms, cursor, query.limit)
        )
        pages.append(page.cdrs)
        cursor = page.next_cursor
        if cursor is None:
            return pages


async def test_pages_come_newest_first_without_overlap(books: SqlBooks) -> None:
    """Also where many calls end in the same millisecond and a page ends among them."""
    calls = await written(books, *(cdr(ended_ms=T0_MS + n // 4) for n in range(23)))
    pages = await read_all(books, CdrQuery(None, limit=5))
    assert [len(page) for page in pages] == [5, 5, 5, 5, 3]
    assert tuple(call for page in pages for call in page) == calls


async def test_a_full_last_page_has_no_cursor(books: SqlBooks) -> None:
    """Nobody is sent for a page with nothing on it."""
    await written(books, cdr(), cdr())
    assert [len(page) for page in await read_all(books, CdrQuery(None, limit=2))] == [2]
    assert (await books.cdrs(CdrQuery(frozenset({"nobody"})))).cdrs == ()


async def test_calls_that_end_between_pages_do_not_shift_them(books: SqlBooks) -> None:
    """A cursor is a place, not a count."""
    calls = await written(books, *(cdr() for _ in range(4)))
    first = await books.cdrs(CdrQuery(None, limit=2))
    await books.write_cdrs([cdr(ended_ms=T0_MS + 10**9)])
    second = await books.cdrs(CdrQuery(None, limit=2, cursor=first.next_cursor))
    assert first.cdrs + second.cdrs == calls


async def test_only_the_given_customers_calls_are_seen(books: SqlBooks) -> None:
    """None sees all, an empty set nothing; calls of unknown numbers have no customer."""
    acme, other, nobody = await written(
        books,
        cdr(ended_ms=3),
        cdr(customer="other", ended_ms=2),
        cdr(customer=None, account=None, ended_ms=1),
    )
    expected = {
        None: (acme, other, nobody),
        frozenset(): (),
        frozenset({"acme"}): (acme,),
        frozenset({"acme", "other"}): (acme, other),
    }
    for customers, calls in expected.items():
        assert (await books.cdrs(CdrQuery(customers))).cdrs == calls


async def test_the_range_is_half_open_and_of_the_end(books: SqlBooks) -> None:
    """A call belongs to the time in which it ended."""
    late, early = await written(
        books, cdr(ended_ms=200, arrived_ms=1), cdr(ended_ms=100, arrived_ms=2)
    )
    assert (await books.cdrs(CdrQuery(None, from_ms=100, to_ms=200))).cdrs == (early,)
    assert (await books.cdrs(CdrQuery(None, from_ms=101))).cdrs == (late,)


async def test_one_numbers_calls(books: SqlBooks) -> None:
    """A DID's CDRs, within what may be seen."""
    [call, _] = await written(books, cdr(did="4007654321", ended_ms=2), cdr(ended_ms=1))
    assert (await books.cdrs(CdrQuery(None, did="4007654321"))).cdrs == (call,)
    assert (await books.cdrs(CdrQuery(frozenset({"x"}), did="4007654321"))).cdrs == ()


@pytest.mark.parametrize("cursor", ["", "x", "é", "MTIz", "eC55", "'; DROP TABLE cdr; --"])
async def test_a_foreign_cursor_is_refused(books: SqlBooks, cursor: str) -> None:
    """It is an error of the asker, not a fault."""
    with pytest.raises(BadCursor):
        await books.cdrs(CdrQuery(None, cursor=cursor))


async def test_one_call_by_its_id(books: SqlBooks) -> None:
    """The shard is part of the id: the same hash under another shard is not that call."""
    [call] = await written(books, cdr())
    assert await books.cdr(call.call_id) == call
    for foreign in (f"08-{call.token_hash}", "07-" + "0" * 32, call.token_hash, ""):
        assert await books.cdr(foreign) is None


async def test_known_tokens(books: SqlBooks) -> None:
    """However many are asked for at once."""
    calls = await written(books, cdr(), cdr())
    hashes = [call.token_hash for call in calls]
    assert await books.known_tokens([*hashes, *map(str, range(12_000))]) == set(hashes)
    assert await books.known_tokens([]) == set()


async def test_estimates_are_found_with_their_seconds(books: SqlBooks) -> None:
    """Among calls whose end is known, and calls that are not there."""
    [guess, known] = [cdr(end_source=EndSource.ESTIMATED), cdr(end_source=EndSource.CDR_FILE)]
    await books.write_cdrs([guess, known])
    hashes = [guess.token_hash, known.token_hash, *map(str, range(6_000))]
    assert await books.estimated_s(hashes) == {guess.token_hash: guess.billsec}
    assert await books.estimated_s([]) == {}
