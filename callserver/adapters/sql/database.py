"""A database as the books see it: units of work, each one transaction."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

T = TypeVar("T")


class UnsupportedDatabase(ValueError):
    """The URL names a database we do not speak."""


class Database(Protocol):
    """Runs units of work: plain functions over a Core connection, written once for both databases.

    Both methods raise StoreUnavailable when nothing has moved and OutcomeUnknown when a commit
    was not answered; whatever else `work` raises passes through, rolled back.
    """

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on one consistent snapshot."""
        ...

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction, which is on disk when this returns."""
        ...

    async def prepare_month(self, ended_ms: int) -> None:
        """Make room for CDRs of this instant's month, where CDRs are partitioned."""
        ...

    async def reclaim(self, *, rewrite: bool) -> None:
        """Let nothing deleted be left on disk, as far as the database lets us; with `rewrite`
        write the whole file anew, where there is one."""
        ...

    async def close(self) -> None:
        """Finish what runs and close every connection."""
        ...


def database_url(text: str) -> URL:
    """The URL with our driver: `sqlite:///path` or `postgresql://user@host/name`.

    Raises UnsupportedDatabase for other databases, other drivers and SQLite in memory.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        raise UnsupportedDatabase("The database URL cannot be read.") from error
    if url.drivername in {"postgresql", "postgres", "postgresql+asyncpg"}:
        return url.set(drivername="postgresql+asyncpg")
    if url.drivername == "sqlite":
        if not url.database or url.database == ":memory:":
            raise UnsupportedDatabase("SQLite needs a file: write sqlite:///path/to/callserver.db.")
        return url
    raise UnsupportedDatabase(
        f"{url.drivername!r} is not supported; use sqlite:///path or postgresql://…."
    )


def open_database(url: str) -> Database:
    """The database at `url`; nothing is connected yet. Raises UnsupportedDatabase."""
    parsed = database_url(url)
    if parsed.drivername == "sqlite":
        from callserver.adapters.sql.sqlite import SqliteDatabase

        return SqliteDatabase(parsed)
    from callserver.adapters.sql.postgres import PostgresDatabase

    return PostgresDatabase(parsed)
