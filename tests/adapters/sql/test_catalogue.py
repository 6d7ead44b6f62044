"""The catalogue as read from SQL."""

import gc
import io

from sqlalchemy import text

from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database
from callserver.domain.business import (
    BlockEntry,
    BlockKind,
    Catalogue,
    Customer,
    Destination,
    Did,
    NumberState,
    Provider,
)
from callserver.domain.import_set import DestinationRow
from callserver.domain.tariff import TariffVersion
from tests.adapters.sql.samples import changes


async def test_empty_books_are_an_empty_catalogue(books: SqlBooks) -> None:
    """Version 0."""
    assert await books.load_catalogue() == Catalogue(version=0)


async def test_everything_comes_back_as_it_was_written(books: SqlBooks) -> None:
    """Destinations in their order, tariff versions by their moment, the blacklist by customer."""
    blocked = BlockEntry("acme", None, BlockKind.AREA_CODE, "0571")
    one = BlockEntry("acme", "4001234567", BlockKind.NUMBER, "13800138000")
    versions = tuple(TariffVersion("standard", n, at, 1) for n, at in ((1, 0), (2, 900), (3, 500)))
    await books.apply_import(
        changes(blacklist=(blocked, one), tariff_versions=versions), actor="test"
    )
    assert await books.load_catalogue() == Catalogue(
        version=1,
        providers={"north": Provider("north", "北方通信")},
        customers={"acme": Customer("acme", "顶点商贸", "north", "standard")},
        dids={
            "4001234567": Did(
                "4001234567",
                "acme",
                NumberState.ACTIVE,
                (
                    Destination("acme:057188886666", "057188886666", "carrier", 20, 2),
                    Destination("acme:02188886666", "02188886666", "carrier", 30, 0),
                ),
                10,
            )
        },
        tariffs={"standard": (versions[0], versions[2], versions[1])},
        blacklist={"acme": (blocked, one)},
    )


async def test_numbers_of_a_customer_share_their_lines(books: SqlBooks) -> None:
    """The same line of two numbers has one id for its slots, and is one tuple in memory."""
    numbers = [f"400{n:07d}" for n in range(1200)]
    await books.apply_import(
        changes(
            dids=tuple(Did(n, "acme", NumberState.ACTIVE, ()) for n in numbers),
            routes={n: (DestinationRow(n, "02188886666", "carrier", 30, 3),) for n in numbers},
        ),
        actor="test",
    )
    dids = (await books.load_catalogue()).dids
    assert list(dids) == numbers
    assert len({id(did.destinations) for did in dids.values()}) == 1
    assert len({id(did.customer) for did in dids.values()}) == 1


async def test_a_line_that_may_not_be_dialled_is_left_out(
    books: SqlBooks, database: Database, log_text: io.StringIO
) -> None:
    """Whoever wrote it past us: it would be toll fraud."""
    await books.apply_import(changes(), actor="test")
    await database.write(
        lambda connection: connection.execute(
            text("UPDATE destination SET number = '4001234567&PJSIP/9' WHERE position = 1")
        )
    )
    [did] = (await books.load_catalogue()).dids.values()
    assert [line.number for line in did.destinations] == ["02188886666"]
    assert "sql.destination_refused" in log_text.getvalue()


async def test_the_version_rises_with_every_change(books: SqlBooks) -> None:
    """So that a server knows when to read anew."""
    assert await books.catalogue_version() == 0
    await books.apply_import(changes(), actor="test")
    assert await books.catalogue_version() == 1


async def test_the_garbage_collector_is_left_as_it_was(books: SqlBooks) -> None:
    """It rests while a catalogue is read, and not after."""
    await books.load_catalogue()
    assert gc.isenabled()
    gc.disable()
    try:
        await books.load_catalogue()
        assert not gc.isenabled()
    finally:
        gc.enable()
