"""PostgreSQL is stopped under a running server, and started again."""

import asyncio
from pathlib import Path

import pytest

from tests.faults.world import FaultWorld
from tests.postgres import TemporaryPostgres

pytestmark = pytest.mark.postgres


async def test_postgres_is_stopped_and_started(tmp_path: Path) -> None:
    """Calls go on meanwhile, and every one is written when it is back."""
    with TemporaryPostgres() as postgres:
        name = await postgres.create_database()
        async with FaultWorld(tmp_path, postgres.url(name)) as world:
            await world.call(talk_s=0.3)
            postgres.stop(keep_data=True)
            calls = await asyncio.gather(*(world.call(talk_s=0.5) for _ in range(5)))
            assert all(record.hung_up_by == "caller" for record in calls)
            await world.until(lambda: world.server.readyz()[0] == 503, "not ready without SQL")
            await asyncio.to_thread(postgres.start)
            await world.until(lambda: world.server.readyz()[0] == 200, "ready again")
            assert len(await world.verdict()) == 6
