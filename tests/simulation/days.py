"""Living days one after another, outside of pytest too."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from callserver.adapters.redis.client import RedisLink
from callserver.adapters.redis.embedded import EmbeddedValkey
from callserver.adapters.sql.database import open_database
from callserver.demo.seed_books import fill_books
from tests.fakes.clock import VirtualClock
from tests.service import business
from tests.service.included import grant_all
from tests.simulation.simulation import Plan, Simulation
from tests.simulation.verdict import faults_of

MEMORY = Path("/dev/shm")  # virtual time need not wait for a real disk


@asynccontextmanager
async def place() -> AsyncIterator[Path]:
    """A folder for days, gone at the end; filled books are in `template.db`."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        template = Path(folder) / "template.db"
        url = f"sqlite:///{template}"
        await fill_books(url, business.catalogue(), VirtualClock(), business.TOP_UPS)
        await grant_all(url, business.MINUTES)
        yield Path(folder)


async def lived(
    seed: int, place_: Path, link: RedisLink, plan: Plan
) -> tuple[Simulation, list[str]]:
    """Live a day from its beginning; what is wrong at its end."""
    folder = place_ / f"day-{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copy(place_ / "template.db", folder / "callserver.db")
    await link.query("FLUSHALL")
    database = open_database(f"sqlite:///{folder / 'callserver.db'}")
    day = Simulation(seed, folder, link, database, plan)
    try:
        await day.run()
        return day, await faults_of(day)
    finally:
        if day.process is not None:
            day.process.close()
        await database.close()
        shutil.rmtree(folder)


@asynccontextmanager
async def own_valkey(folder: Path) -> AsyncIterator[RedisLink]:
    """A Valkey of one's own, and a link to it."""
    with EmbeddedValkey(folder / "valkey", dies_with_parent=True) as server:
        link = RedisLink(server.target)
        await link.start()
        yield link
        await link.stop()
