"""Bring a database to the newest schema, and say where it stands."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Connection, inspect, text

from callserver.adapters.sql.database import Database, open_database

if TYPE_CHECKING:
    from alembic.config import Config

T = TypeVar("T")

_LOCK = 0x6361_6C6C_0001  # "call": hardly any other program's advisory lock


async def upgrade(url: str) -> str:
    """Run the missing migrations, all in one transaction; the revision reached.

    Safe to call from several starting processes at once: SQLite's BEGIN IMMEDIATE and an advisory
    lock on PostgreSQL let them in one after the other. Raises StoreUnavailable, and
    UnsupportedDatabase for a URL we do not speak.
    """
    return await _in_database(url, lambda database: database.write(_upgrade))


async def current(url: str) -> str | None:
    """The revision the database is at; None where no migration ever ran."""
    return await _in_database(url, lambda database: database.read(_current))


def head() -> str:
    """The newest revision this program knows."""
    from alembic.script import ScriptDirectory

    revision = ScriptDirectory.from_config(_config()).get_current_head()
    if revision is None:
        raise RuntimeError("the package has lost its migrations; install it again")
    return revision


async def _in_database(url: str, use: Callable[[Database], Awaitable[T]]) -> T:
    database = open_database(url)
    try:
        return await use(database)
    finally:
        await database.close()


def _config() -> "Config":
    from alembic.config import Config  # slow to import, and needed once at start

    config = Config()
    folder = Path(__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _upgrade(connection: Connection) -> str:
    from alembic import command

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return _current(connection) or ""


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found
