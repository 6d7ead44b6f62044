"""Fixtures of the stage, for whichever conftest or test module imports them."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callserver.adapters.redis.client import RedisLink
from callserver.adapters.sql.database import open_database
from callserver.demo.seed_books import fill_books
from tests.adapters.redis.conftest import link, valkey, valkey_server
from tests.fakes.clock import VirtualClock
from tests.service import business
from tests.service.included import grant_all
from tests.service.stage import Stage

__all__ = ["books_template", "link", "stage", "valkey", "valkey_server"]


@pytest.fixture(scope="session")
def books_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where one migrated and filled SQLite is kept: a migration is the slow part."""
    return tmp_path_factory.mktemp("template") / "callserver.db"


@pytest.fixture
async def stage(tmp_path: Path, link: RedisLink, books_template: Path) -> AsyncIterator[Stage]:
    """A stage with a trusted, empty Redis and filled books."""
    if not books_template.exists():
        url = f"sqlite:///{books_template}"
        await fill_books(url, business.catalogue(), VirtualClock(), business.TOP_UPS)
        await grant_all(url, business.MINUTES)
    shutil.copy(books_template, tmp_path / "callserver.db")
    database = open_database(f"sqlite:///{tmp_path / 'callserver.db'}")
    stage = Stage(tmp_path, link, database)
    await stage.trust()
    yield stage
    stage.close()
    await database.close()
