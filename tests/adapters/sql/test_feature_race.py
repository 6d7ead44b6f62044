"""[R2] Fifty activations at once, from five processes: one debit."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database
from callserver.ports.features import DeductionQuery
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.feature_bed import DID, FeatureBed, fill

PROCESSES, EACH = 5, 10
ROOT = Path(__file__).parents[3]


@pytest.fixture
async def bed(books: SqlBooks, database: Database, clock: SetClock) -> FeatureBed:
    """A provider with 1000 yuan, and features."""
    return await fill(books, database, clock)


def race(url: str) -> Counter[str]:
    """How the fifty ended, with the activation's number cut off."""
    command = [sys.executable, "-m", "tests.adapters.sql.feature_process", url]
    racers = [
        subprocess.Popen(
            [*command, str(number), DID, "recording", str(EACH)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    told = [racer.communicate(timeout=120)[0] for racer in racers]
    return Counter(line.split()[0] for text in told for line in text.splitlines())


async def test_of_fifty_activations_one_is_charged(bed: FeatureBed, url: str) -> None:
    """The others are told that the feature is on; sums, rows and the ledger agree."""
    assert race(url) == {"activated": 1, "feature_active": PROCESSES * EACH - 1}
    assert await bed.balance() == 970
    [row] = await bed.features.deductions(DeductionQuery())
    [day] = await bed.features.reconcile(row.day, None)
    assert (day.agrees, day.deductions, day.entries) == (True, 1, 1)
