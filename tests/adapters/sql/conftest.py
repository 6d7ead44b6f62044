"""The same behaviour on SQLite and PostgreSQL: every test that asks for `books` runs on both."""

import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from callserver.adapters.sql import migrate
from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database, open_database
from tests.adapters.sql.samples import T0_MS
from tests.postgres import TemporaryPostgres

# Back to what the migrations leave, past the triggers: a new database for each test takes 50 times
# as long.
EMPTIED = """
SET session_replication_role = replica;
DO $$ DECLARE each regclass; BEGIN
  FOR each IN SELECT inhrelid FROM pg_inherits
    WHERE inhparent IN ('cdr'::regclass, 'cdr_caller'::regclass)
    AND inhrelid NOT IN ('cdr_default'::regclass, 'cdr_caller_default'::regclass)
  LOOP EXECUTE format('DROP TABLE %s', each); END LOOP;
  FOR each IN SELECT oid FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
    AND relname <> 'alembic_version'
  LOOP EXECUTE format('TRUNCATE %s RESTART IDENTITY CASCADE', each); END LOOP;
END $$;
INSERT INTO catalogue_version VALUES (1, 0);
"""
BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


@dataclass
class SetClock:
    """The Clock port, standing still until it is set."""

    us: int = T0_MS * 1000

    def now_us(self) -> int:
        """The instant it was set to."""
        return self.us


@dataclass
class Template:
    """Migrated once a session: a migration is the slow part of a fresh database."""

    postgres_name: str | None = None
    sqlite_file: Path | None = None


@pytest.fixture(scope="session")
def postgres() -> Iterator[TemporaryPostgres]:
    """One server for the session (of each xdist worker), started when a test first asks."""
    with TemporaryPostgres() as server:
        yield server


@pytest.fixture(scope="session")
def template() -> Template:
    """What has been migrated so far."""
    return Template()


@pytest.fixture(params=BOTH)
def dialect(request: pytest.FixtureRequest) -> str:
    """Which database."""
    return str(request.param)


@pytest.fixture
async def empty_url(
    dialect: str, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[str]:
    """A fresh database without a single table."""
    if dialect == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
        return
    server: TemporaryPostgres = request.getfixturevalue("postgres")
    name = await server.create_database()
    yield server.url(name)
    await server.drop_database(name)


@pytest.fixture
async def url(
    dialect: str,
    template: Template,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> AsyncIterator[str]:
    """A fresh database with the newest schema."""
    if dialect == "sqlite":
        if template.sqlite_file is None:
            template.sqlite_file = tmp_path_factory.mktemp("template") / "books.db"
            await migrate.upgrade(f"sqlite:///{template.sqlite_file}")
        shutil.copy(template.sqlite_file, tmp_path / "books.db")
        yield f"sqlite:///{tmp_path}/books.db"
        return
    server: TemporaryPostgres = request.getfixturevalue("postgres")
    if template.postgres_name is None:
        template.postgres_name = await server.create_database()
        await migrate.upgrade(server.url(template.postgres_name))
    await server.execute(template.postgres_name, EMPTIED)
    yield server.url(template.postgres_name)


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """The open database, for a look behind the books."""
    opened = open_database(url)
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> SetClock:
    """Our clock."""
    return SetClock()


@pytest.fixture
def books(database: Database, clock: SetClock) -> SqlBooks:
    """The books on a fresh database."""
    return SqlBooks(database, clock)
