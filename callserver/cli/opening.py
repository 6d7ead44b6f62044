"""Opens what commands work on: the configuration and the books."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from callserver.cli.output import Failed

if TYPE_CHECKING:
    from callserver.adapters.redis.url import RedisTarget
    from callserver.adapters.sql.books import SqlBooks
    from callserver.config import Config
    from callserver.service.office import Office

T = TypeVar("T")


def open_config(path: Path | None, data: Path | None = None, http: str | None = None) -> "Config":
    """The configuration as the server would see it. Raises ConfigError.

    The log is quiet from here on but for faults, and off standard output, where it would stand
    among JSON: what a command has to say it prints itself. `serve` sets it up anew.
    """
    import structlog

    from callserver import log
    from callserver.config import load_config

    if not structlog.is_configured():
        log.configure("error", "console")
    return load_config(path, os.environ, data=data, http=http)


def database_url(config: "Config") -> str:
    """The configured URL, or that of the embedded database in the data folder.

    Raises ConfigError for one that the adapter does not take.
    """
    from callserver.adapters.sql.database import UnsupportedDatabase
    from callserver.adapters.sql.database import database_url as parse
    from callserver.config_error import ConfigError, Problem

    configured = config.database.url.get_secret_value()
    try:
        parse(configured or "sqlite:///callserver.db")
    except UnsupportedDatabase as fault:
        raise ConfigError([Problem("", "database.url", str(fault))]) from None
    return configured or f"sqlite:///{config.server.data.absolute() / 'callserver.db'}"


def redis_target(config: "Config") -> "RedisTarget":
    """Where Redis is. Raises ConfigError for a URL that the adapter does not take."""
    from callserver.adapters.redis.url import RedisUrlInvalid, parse_redis_url
    from callserver.config_error import ConfigError, Problem

    try:
        return parse_redis_url(config.redis.url.get_secret_value())
    except RedisUrlInvalid as fault:
        raise ConfigError([Problem("", "redis.url", str(fault))]) from None


@asynccontextmanager
async def books(config: "Config") -> AsyncIterator["SqlBooks"]:
    """The books, which must be there already. Raises Failed where they are not."""
    from callserver.adapters.sql.books import open_books
    from callserver.ports import OutcomeUnknown, StoreUnavailable
    from callserver.service.clocks import SystemClock

    url = database_url(config)
    require_database(url)
    async with open_books(url, SystemClock(), config.numbers.classes) as opened:
        try:
            yield opened
        except StoreUnavailable as fault:
            hint = " (`callserver db upgrade`?)" if "no such table" in str(fault) else ""
            raise Failed(f"the database cannot be used: {fault}{hint}") from fault
        except OutcomeUnknown as fault:
            raise Failed(
                f"the database did not answer, the outcome is unknown: {fault}; look before you "
                "try again, or use the same --operation-id"
            ) from fault


def require_database(url: str) -> None:
    """Raise Failed where an SQLite file is missing; a look would make an empty one."""
    _, embedded, path = url.partition("sqlite:///")
    if embedded and not Path(path).exists():
        raise Failed(f"there is no database at {path}; make it with `callserver db upgrade`")


def make_data_folder(config: "Config") -> None:
    """Make the data folder, for its owner only. Raises Failed."""
    try:
        config.server.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as fault:
        raise Failed(f"the data folder {config.server.data}: {fault.strerror}") from fault


def with_books(config: "Config", work: Callable[["SqlBooks"], Awaitable[T]]) -> T:
    """Run one piece of work on the books."""

    async def run() -> T:
        async with books(config) as opened:
            return await work(opened)

    return asyncio.run(run())


def with_office(config: "Config", work: Callable[["Office"], Awaitable[T]]) -> T:
    """Run one piece of work with the office's services, in SQL; a running server follows."""
    from callserver.back_office import build_office

    return with_books(config, lambda opened: work(build_office(opened, config)))
