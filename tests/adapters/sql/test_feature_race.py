"""[R2] Fifty activations at once, from five processes: one debit."""

from collections import Counter

import pytest

from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database
from callserver.ports.features import DeductionQuery
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.feature_bed import DID, FeatureBed, fill
from tests.adapters.sql.racing import race, racer

PROCESSES, EACH = 5, 10


@pytest.fixture
async def bed(books: SqlBooks, database: Database, clock: SetClock) -> FeatureBed:
    """A provider with 1000 yuan, and features."""
    return await fill(books, database, clock)


def fifty(url: str) -> Counter[str]:
    """How they ended, with the activation's number cut off."""
    racers = [
        racer("feature_process", url, str(number), DID, "recording", str(EACH))
        for number in range(PROCESSES)
    ]
    return Counter(line.split()[0] for line in race(racers))


async def test_of_fifty_activations_one_is_charged(bed: FeatureBed, url: str) -> None:
    """The others are told that the feature is on; sums, rows and the ledger agree."""
    assert fifty(url) == {"activated": 1, "feature_active": PROCESSES * EACH - 1}
    assert await bed.balance() == 970
    [row] = await bed.features.deductions(DeductionQuery())
    [day] = await bed.features.reconcile(row.day, None)
    assert (day.agrees, day.deductions, day.entries) == (True, 1, 1)
