"""Fifty identical money moves at once, from five processes, are one."""

from collections import Counter

from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database
from callserver.adapters.sql.ledger_book import SqlLedger
from callserver.domain.ledger import EntryKind
from callserver.domain.ledger_moves import Adjustment
from callserver.ports.ledger import EntryQuery
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.racing import race, racer
from tests.adapters.sql.samples import changes

PROCESSES, EACH = 5, 10
YUAN = 1_000_000


def fifty(url: str, entry: int) -> Counter[str]:
    """Every outcome and how often it was."""
    racers = [racer("ledger_process", url, str(EACH), str(entry)) for _ in range(PROCESSES)]
    return Counter(race(racers))


async def test_fifty_identical_moves_make_one_entry(
    books: SqlBooks, database: Database, clock: SetClock, url: str
) -> None:
    """A top-up, an adjustment, a transfer and a reversal, all of them among each other."""
    await books.apply_import(changes(), "test")
    await books.post("provider:north", EntryKind.TOP_UP, 100 * YUAN, "n", "test", "")
    ledger = SqlLedger(database, clock)
    entry = await ledger.adjust(Adjustment("acme", 5 * YUAN, "first", "test", "x"))
    outcomes = fifty(url, entry.id)
    assert sorted(outcomes.values()) == [PROCESSES * EACH] * 5
    assert outcomes["anew already_reversed"] == PROCESSES * EACH
    assert len({outcome.split()[0] for outcome in outcomes}) == 5
    sums = await books.account_sums()
    assert sums["acme"].settled_micros == 60 * YUAN
    assert sums["provider:north"].settled_micros == 40 * YUAN
    assert len((await ledger.entries(EntryQuery("acme"))).entries) == 5
    assert await books.drift() == {}
