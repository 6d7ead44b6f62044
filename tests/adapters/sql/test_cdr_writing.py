"""CDRs with their ledger entries: each token once, both or neither."""

import asyncio
import sqlite3
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database
from callserver.domain.call import EndSource, HungUpBy
from callserver.domain.caller import Caller, CallerKind
from callserver.domain.cdr import Disposition
from callserver.domain.refusal import Refusal
from tests.adapters.sql.samples import cdr


async def entries(database: Database) -> dict[str, int]:
    """Amounts of the calls' ledger entries by operation id."""
    query = text("SELECT operation_id, amount_micros FROM ledger_entry WHERE seq IS NULL")

    def read(connection: Any) -> dict[str, int]:
        return {row[0]: row[1] for row in connection.execute(query)}

    return await database.read(read)


async def test_a_call_is_written_with_its_entry(books: SqlBooks, database: Database) -> None:
    """One CDR, one debit of what was charged, under the call's operation id."""
    call = cdr(fee_micros=300_000, charged_micros=200_000, written_off_micros=100_000)
    assert await books.write_cdrs([call]) == 1
    assert await books.cdr(call.call_id) == call
    assert await entries(database) == {f"call:{call.token_hash}": -200_000}


async def test_writing_again_changes_nothing(books: SqlBooks, database: Database) -> None:
    """A batch that overlaps an earlier one adds its new calls only, even with other contents."""
    first, second = cdr(), cdr()
    assert await books.write_cdrs([first]) == 1
    assert await books.write_cdrs([replace(first, charged_micros=9), second, second]) == 1
    assert await books.write_cdrs([first, second]) == 0
    assert await books.cdr(first.call_id) == first
    assert len(await entries(database)) == 2


async def test_concurrent_overlapping_batches_write_each_call_once(
    books: SqlBooks, database: Database
) -> None:
    """As when a sweeper and a living process both hold the same calls, in different orders."""
    calls = [cdr(account=f"a{n % 3}") for n in range(40)]
    batches = [calls[:30], calls[10:][::-1], calls[::2], calls[::-3], calls]
    written = await asyncio.gather(*(books.write_cdrs(batch) for batch in batches))
    assert sum(written) == 40
    assert len(await entries(database)) == 40
    assert await books.drift() == {}


@pytest.mark.parametrize(
    "changed",
    [
        {"charged_micros": 0, "fee_micros": 0},
        {"account": None, "customer": None, "provider": None, "charged_micros": 0},
    ],
)
async def test_a_call_that_costs_nothing_has_no_entry(
    books: SqlBooks, database: Database, changed: dict[str, Any]
) -> None:
    """Unanswered or of an unknown number: a CDR alone."""
    assert await books.write_cdrs([cdr(**changed)]) == 1
    assert await entries(database) == {}


async def test_a_refused_call_comes_back_as_it_was(books: SqlBooks) -> None:
    """With everything empty that can be, and text no one would choose."""
    call = cdr(
        customer=None,
        provider=None,
        account=None,
        caller=Caller("", CallerKind.UNKNOWN),
        destination="",
        attempts=(),
        rang_ms=0,
        answered_ms=0,
        billsec=0,
        billed_s=0,
        tariff=None,
        tariff_version=None,
        fee_micros=0,
        charged_micros=0,
        fee_lines=(),
        disposition=Disposition.REFUSED,
        refusal=Refusal.UNKNOWN_DID.value,
        hung_up_by=HungUpBy.SYSTEM,
        end_source=EndSource.ESTIMATED,
        uniqueid="上海 ' \" ${IFS} \\ %s $1 ?",
    )
    await books.write_cdrs([call])
    assert await books.cdr(call.call_id) == call


async def test_an_account_nobody_opened_is_opened(books: SqlBooks) -> None:
    """Money is booked even where the customer came from somewhere else than an import."""
    await books.write_cdrs([cdr(account="stray")])
    assert (await books.account_sums())["stray"].settled_micros == -300_000


async def test_a_batch_is_written_whole_or_not_at_all(books: SqlBooks, database: Database) -> None:
    """A row the database refuses takes the others of its transaction with it."""
    good, bad = cdr(), cdr(disposition=None)
    with pytest.raises((sqlite3.IntegrityError, IntegrityError), match=r"(?i)null"):
        await books.write_cdrs([good, bad])
    assert await books.cdr(good.call_id) is None
    assert await entries(database) == {}
    assert await books.known_tokens([good.token_hash, bad.token_hash]) == set()
    assert await books.write_cdrs([good]) == 1


async def test_nothing_is_nothing(books: SqlBooks) -> None:
    """An empty batch needs no transaction."""
    assert await books.write_cdrs([]) == 0
