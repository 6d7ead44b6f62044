"""Builds the office: the services in no call's path, and the work they do in the background."""

from collections.abc import Coroutine, Iterator
from typing import Any

from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.idempotency import SqlKeys
from callserver.config import Config
from callserver.service.office import Office


def build_office(books: SqlBooks, config: Config) -> Office:
    """Every service of the office over one set of books; nothing is connected or started."""
    del config
    return Office(
        keys=SqlKeys(books.database, books.clock),
    )


def background_work(office: Office) -> Iterator[tuple[str, Coroutine[Any, Any, None]]]:
    """What a running server does besides: (name, work for ever)."""
    del office
    return iter(())
