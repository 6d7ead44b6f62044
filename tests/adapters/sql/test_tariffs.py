"""Tariffs in SQL: bands, caps and defaults come back as they went in, and versions never change."""

from datetime import date
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from callserver.adapters.sql import migrate
from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database, open_database
from callserver.domain.band import Band
from callserver.domain.business import Customer, Provider
from callserver.domain.holidays import DayKind, Holiday
from callserver.domain.tariff import TariffVersion
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.samples import changes

BANDED = TariffVersion(
    "banded",
    1,
    0,
    150_000,
    cap_micros=5_000_000,
    bands=(Band(100_000, 79_200, 28_800, ("workday",), ("浙江",), name="夜"), Band(0)),
)
FESTIVAL = Holiday(date(2027, 2, 6), DayKind.HOLIDAY, "春节")
UNCHANGED = [
    "UPDATE tariff_version SET rate_micros = 0",
    "UPDATE tariff_version SET bands = '[]' WHERE tariff = 'banded'",
    "UPDATE tariff_version SET effective_from_ms = 1",
    "DELETE FROM tariff_version",
]


def banded(**more: Any) -> Any:
    """An import with a banded tariff, that a provider gives to customers who have none."""
    return changes(
        tariff_versions=(TariffVersion("standard", 1, 0, 150_000), BANDED),
        providers=(Provider("north", "北方", None, "banded", "standard"),),
        customers=(
            Customer("acme", "顶点商贸", "north", "standard"),
            Customer("fen", "分", "north", precision_micros=10_000),
        ),
        holidays=(FESTIVAL,),
        **more,
    )


async def execute(database: Database, statement: str) -> None:
    await database.write(lambda connection: connection.execute(text(statement)))


async def test_bands_and_defaults_come_back(books: SqlBooks) -> None:
    """Written in one import, whatever refers to whom."""
    await books.apply_import(banded(), "test")
    read = await books.load_catalogue()
    assert read.tariffs["banded"] == (BANDED,)
    assert read.providers["north"] == Provider("north", "北方", None, "banded", "standard")
    assert read.customers["fen"] == Customer("fen", "分", "north", precision_micros=10_000)
    assert read.holidays == {FESTIVAL.day: FESTIVAL}


async def test_a_day_may_be_said_anew(books: SqlBooks) -> None:
    """The last word holds."""
    await books.apply_import(banded(), "test")
    worked = Holiday(FESTIVAL.day, DayKind.WORKDAY)
    await books.apply_import(
        changes(base_version=1, holidays=(worked,), tariff_versions=()), "test"
    )
    assert (await books.load_catalogue()).holidays == {worked.day: worked}


@pytest.mark.parametrize("statement", UNCHANGED)
async def test_a_version_never_changes(books: SqlBooks, database: Database, statement: str) -> None:
    """The database itself refuses: calls were rated by it."""
    await books.apply_import(banded(), "test")
    with pytest.raises(DBAPIError, match="kept for ever"):
        await execute(database, statement)
    assert (await books.load_catalogue()).tariffs["banded"] == (BANDED,)


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
@pytest.mark.postgres
async def test_versions_cannot_be_emptied(database: Database) -> None:
    """TRUNCATE would pass row triggers by."""
    with pytest.raises(DBAPIError, match="kept for ever"):
        await execute(database, "TRUNCATE tariff_version CASCADE")


FIRST = (
    "INSERT INTO tariff VALUES ('std')",
    "INSERT INTO tariff_version VALUES ('std', 1, 0, 150000, 60, 6, 1, 2, 3, 1000)",
    "INSERT INTO provider VALUES ('north', 'N', NULL)",
    "INSERT INTO customer VALUES ('acme', 'A', 'north', 'std', 'prepaid', 0, 0)",
    "INSERT INTO did VALUES ('4001234567', 'acme', 'active', 0, NULL)",
)


def _to_the_first(connection: Connection) -> None:
    config = migrate._config()
    config.attributes["connection"] = connection
    command.upgrade(config, "0001")
    for statement in FIRST:
        connection.execute(text(statement))


async def test_books_of_the_first_version_are_taken_along(empty_url: str) -> None:
    """Rows stay as they are, references hold, and a customer may now be without a tariff."""
    database = open_database(empty_url)
    try:
        await database.write(_to_the_first)
        await migrate.upgrade(empty_url)
        books = SqlBooks(database, SetClock())
        read = await books.load_catalogue()
        assert read.tariffs["std"] == (TariffVersion("std", 1, 0, 150_000, 60, 6, 1, 2, 3, 1000),)
        assert read.customers == {"acme": Customer("acme", "A", "north", "std")}
        assert list(read.dids) == ["4001234567"]
        await execute(database, "UPDATE customer SET tariff = NULL")
        with pytest.raises(DBAPIError, match=r"(?i)foreign key"):
            await execute(database, "UPDATE customer SET tariff = 'gone'")
        with pytest.raises(DBAPIError, match=r"(?i)foreign key"):
            await execute(database, "UPDATE provider SET cost_tariff = 'gone'")
        with pytest.raises(DBAPIError, match=r"(?i)not.null"):
            await execute(database, "UPDATE customer SET name = NULL")
    finally:
        await database.close()
