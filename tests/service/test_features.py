"""Features as a running server has them: renewed and compared again and again."""

import asyncio
import io
from datetime import timedelta
from pathlib import Path

import pytest

from callserver.adapters.sql import migrate
from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import open_database
from callserver.domain.features import FeatureEvent
from callserver.domain.ledger import EntryKind
from callserver.service.features import FeaturePolicy, Features
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.feature_bed import DID, OTHER_DID, START, FeatureBed, fill


@pytest.fixture
async def bed(tmp_path: Path) -> FeatureBed:
    """A provider with 1000 yuan, and features, on SQLite."""
    url = f"sqlite:///{tmp_path}/books.db"
    await migrate.upgrade(url)
    database, clock = open_database(url), SetClock()
    return await fill(SqlBooks(database, clock), database, clock)


async def test_a_run_says_what_it_did(bed: FeatureBed) -> None:
    """Activations by event, each told as it is done; then nothing is due."""
    service = Features(bed.features, bed.clock, FeaturePolicy())
    for number in (DID, OTHER_DID):
        await service.activate(number, "recording", f"on-{number}", "clerk")
    bed.set_day(START + timedelta(days=60))
    told: list[int] = []
    report = await service.renew_due(told.append)
    assert (report.done, told) == ({FeatureEvent.RENEWED: [1, 1, 2, 2]}, [1, 2])
    assert (await service.renew_due()).done == {}
    await bed.database.close()


async def test_many_are_taken_in_turns(bed: FeatureBed, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few are read at once, all are done."""
    monkeypatch.setattr("callserver.service.features.DUE_AT_ONCE", 1)
    service = Features(bed.features, bed.clock, FeaturePolicy())
    for number in (DID, OTHER_DID):
        await service.activate(number, "recording", f"on-{number}", "clerk")
    await bed.top_up(-940)
    bed.set_day(START + timedelta(days=28))
    report = await service.renew_due()
    assert report.count(FeatureEvent.SUSPENDED) == 2
    await bed.database.close()


async def test_it_runs_for_ever(bed: FeatureBed, log_text: io.StringIO) -> None:
    """It renews, and a difference is an error in the log and a number, once."""
    service = Features(bed.features, bed.clock, FeaturePolicy(look_s=0))
    await service.activate(DID, "recording", "on", "clerk")
    running = asyncio.create_task(service.run())
    bed.set_day(START + timedelta(days=28))
    await bed.books.post("provider:north", EntryKind.FEATURE_FEE, -1, "stray", "clerk", "")
    async with asyncio.timeout(20):
        while not service.differences or "features.stepped" not in log_text.getvalue():
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.1)
    running.cancel()
    await asyncio.wait([running])
    assert log_text.getvalue().count("features.reconciliation_differs") == 1
    await bed.database.close()
