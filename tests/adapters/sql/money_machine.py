"""Runs coroutines of one database inside a hypothesis machine, whose rules are plain functions."""

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database, open_database
from tests.adapters.sql.conftest import SetClock

T = TypeVar("T")


class Machine:
    """A loop, and a fresh copy of a migrated SQLite; or the emptied PostgreSQL that is given."""

    def __init__(self, template: Path | None, url: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="callserver-machine-"))
        if template is not None:
            shutil.copy(template, self.folder / "books.db")
            url = f"sqlite:///{self.folder}/books.db"
        self.loop = asyncio.new_event_loop()
        self.clock = SetClock()
        self.database: Database = open_database(url)
        self.books = SqlBooks(self.database, self.clock)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it to its end."""
        return self.loop.run_until_complete(work)

    def close(self) -> None:
        """Leave nothing behind."""
        self.do(self.database.close())
        self.loop.close()
        shutil.rmtree(self.folder)
