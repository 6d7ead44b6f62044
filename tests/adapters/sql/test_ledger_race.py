"""Fifty identical money moves at once, from five processes, are one."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database
from callserver.adapters.sql.ledger_book import SqlLedger
from callserver.domain.ledger import EntryKind
from callserver.domain.ledger_moves import Adjustment
from callserver.ports.ledger import EntryQuery
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.samples import changes

PROCESSES, EACH = 5, 10
YUAN = 1_000_000
ROOT = Path(__file__).parents[3]


def race(url: str, entry: int) -> Counter[str]:
    """Every outcome and how often it was."""
    command = [sys.executable, "-m", "tests.adapters.sql.ledger_process", url, str(EACH)]
    racers = [
        subprocess.Popen(
            [*command, str(entry)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(PROCESSES)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    told = [racer.communicate(timeout=120)[0] for racer in racers]
    return Counter(line for text in told for line in text.splitlines())


async def test_fifty_identical_moves_make_one_entry(
    books: SqlBooks, database: Database, clock: SetClock, url: str
) -> None:
    """A top-up, an adjustment, a transfer and a reversal, all of them among each other."""
    await books.apply_import(changes(), "test")
    await books.post("provider:north", EntryKind.TOP_UP, 100 * YUAN, "n", "test", "")
    ledger = SqlLedger(database, clock)
    entry = await ledger.adjust(Adjustment("acme", 5 * YUAN, "first", "test", "x"))
    outcomes = race(url, entry.id)
    assert sorted(outcomes.values()) == [PROCESSES * EACH] * 5
    assert outcomes["anew already_reversed"] == PROCESSES * EACH
    assert len({outcome.split()[0] for outcome in outcomes}) == 5
    sums = await books.account_sums()
    assert sums["acme"].settled_micros == 60 * YUAN
    assert sums["provider:north"].settled_micros == 40 * YUAN
    assert len((await ledger.entries(EntryQuery("acme"))).entries) == 5
    assert await books.drift() == {}
