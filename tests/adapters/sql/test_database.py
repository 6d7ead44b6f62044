"""Which URLs we speak, and what a unit of work promises."""

import asyncio

import pytest
from sqlalchemy import Connection, text

from callserver.adapters.sql.database import (
    Database,
    UnsupportedDatabase,
    database_url,
    open_database,
)


@pytest.mark.parametrize(
    ("given", "driver"),
    [
        ("sqlite:///books.db", "sqlite"),
        ("sqlite:////var/lib/callserver/books.db", "sqlite"),
        ("postgresql://u:p@host/name", "postgresql+asyncpg"),
        ("postgres://host/name", "postgresql+asyncpg"),
        ("postgresql+asyncpg://host/name", "postgresql+asyncpg"),
    ],
)
def test_urls_we_speak(given: str, driver: str) -> None:
    """The driver is ours to choose."""
    assert database_url(given).drivername == driver


@pytest.mark.parametrize(
    "given",
    [
        "",
        "callserver.db",
        "mysql://h/n",
        "sqlite://",
        "sqlite:///:memory:",
        "postgresql+psycopg://h",
    ],
)
def test_urls_we_refuse(given: str) -> None:
    """Other databases, other drivers, and SQLite in memory, which is gone at the next start."""
    with pytest.raises(UnsupportedDatabase):
        open_database(given)


def test_a_password_is_not_in_the_error() -> None:
    """A URL that can't be read may hold a secret."""
    with pytest.raises(UnsupportedDatabase) as refused:
        database_url("mysql://root:hunter2@host/name")
    assert "hunter2" not in str(refused.value)


async def test_a_failing_work_is_rolled_back(database: Database) -> None:
    """Its own exception passes through."""

    def fail(connection: Connection) -> None:
        connection.execute(text("UPDATE catalogue_version SET version = 9"))
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await database.write(fail)
    assert await database.read(_version) == 0


async def test_reads_are_one_snapshot(database: Database) -> None:
    """A write in the middle of a read is not seen by it."""
    seen: list[int] = []

    async def write() -> None:
        await database.write(
            lambda connection: connection.execute(text("UPDATE catalogue_version SET version = 5"))
        )

    loop = asyncio.get_running_loop()
    writer = loop.create_future()

    def read(connection: Connection) -> None:
        seen.append(_version(connection))
        asyncio.run_coroutine_threadsafe(_finish(write(), writer), loop)
        for _ in range(50):
            connection.execute(text("SELECT 1"))
        seen.append(_version(connection))

    await database.read(read)
    await writer
    assert seen == [0, 0]
    assert await database.read(_version) == 5


async def test_reading_cannot_write(database: Database) -> None:
    """A read runs where writes are refused."""

    def write(connection: Connection) -> None:
        connection.execute(text("UPDATE catalogue_version SET version = 9"))

    with pytest.raises(Exception, match=r"(?i)read.?only"):
        await database.read(write)


async def _finish(work: object, done: "asyncio.Future[None]") -> None:
    await work  # type: ignore[misc]  # a coroutine
    done.set_result(None)


def _version(connection: Connection) -> int:
    return int(connection.execute(text("SELECT version FROM catalogue_version")).scalar_one())
