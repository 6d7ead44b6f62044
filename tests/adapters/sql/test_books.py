"""The books as a whole: they fulfil the ports and can be opened before their database is there."""

from pathlib import Path

import pytest

from callserver.adapters.sql.books import SqlBooks, open_books
from callserver.adapters.sql.database import UnsupportedDatabase
from callserver.ports import Books, ImportBooks, StoreUnavailable, TokenBook
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.samples import cdr


def ports(books: SqlBooks) -> tuple[Books, ImportBooks, TokenBook]:
    """For mypy: one class is all three."""
    return books, books, books


async def test_books_open_while_their_database_is_away(tmp_path: Path, clock: SetClock) -> None:
    """It shows with the first use, as a state; nothing has to be opened anew."""
    folder = tmp_path / "late"
    async with open_books(f"sqlite:///{folder}/books.db", clock) as books:
        with pytest.raises(StoreUnavailable):
            await books.write_cdrs([cdr()])
        folder.mkdir()
        with pytest.raises(StoreUnavailable, match="no such table"):
            await books.account_sums()


async def test_a_url_we_do_not_speak_is_told_at_once(clock: SetClock) -> None:
    """It will not get better."""
    with pytest.raises(UnsupportedDatabase):
        async with open_books("mysql://h/n", clock):
            pass


async def test_closed_books_leave_one_file(url: str, dialect: str, clock: SetClock) -> None:
    """SQLite's log is folded in, so a copy of the file is a backup."""
    async with open_books(url, clock) as books:
        await books.write_cdrs([cdr()])
    if dialect == "sqlite":
        file = Path(url.removeprefix("sqlite:///"))
        assert [each.name for each in file.parent.iterdir() if file.name in each.name] == [
            file.name
        ]
