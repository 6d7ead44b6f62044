"""An import is one transaction on the books it was worked out on."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy.exc import IntegrityError

from callserver.adapters.sql.books import SqlBooks
from callserver.domain.business import BlockEntry, BlockKind, Catalogue, Did, NumberState, Provider
from callserver.domain.import_set import DestinationRow, ImportChanges
from callserver.domain.offers import Offers
from callserver.domain.tariff import TariffVersion
from callserver.service.exporting import export_toml
from callserver.service.importing import SourceFile, import_files
from tests.adapters.sql.samples import changes


async def test_changes_are_written_and_accounts_opened(books: SqlBooks) -> None:
    """Customers have accounts, and providers too; both begin at nothing."""
    assert await books.apply_import(changes(), "test")
    assert set((await books.load_catalogue()).dids) == {"4001234567"}
    assert set(await books.account_sums()) == {"acme", "provider:north"}


async def test_changes_for_other_books_are_not_written(books: SqlBooks) -> None:
    """Somebody was quicker: the import has to be worked out again."""
    assert await books.apply_import(changes(), "test")
    late = changes(providers=(Provider("south", "南方通信"),), tariff_versions=(), routes={})
    assert not await books.apply_import(late, "test")
    assert set((await books.load_catalogue()).providers) == {"north"}


async def test_of_concurrent_imports_one_wins(books: SqlBooks) -> None:
    """The others are told, and have written nothing."""
    rivals = [changes(providers=(Provider(f"p{n}", "x"), Provider("north", "n"))) for n in range(8)]
    won = await asyncio.gather(*(books.apply_import(each, "test") for each in rivals))
    assert sorted(won) == [False] * 7 + [True]
    catalogue = await books.load_catalogue()
    assert len(catalogue.providers) == 2
    assert catalogue.version == 1


async def test_a_refused_row_leaves_nothing(books: SqlBooks) -> None:
    """A reference to nothing, a version written twice: everything is as before."""
    await books.apply_import(changes(), "test")
    before = await books.load_catalogue()
    same_version = changes(base_version=1, providers=(Provider("p", "p"),))
    stray = ImportChanges(1, dids=(Did("4000000000", "nobody", NumberState.ACTIVE, ()),))
    for bad in (same_version, stray):
        with pytest.raises(IntegrityError):
            await books.apply_import(bad, "test")
        assert await books.load_catalogue() == before


async def test_changed_rows_replace_the_old_ones(books: SqlBooks) -> None:
    """A DID's lines are replaced as a whole; tariff versions are only added."""
    await books.apply_import(changes(blacklist=(_block(),)), "test")
    lines = (DestinationRow("4001234567", "01088886666", "carrier", 9, 1),)
    await books.apply_import(
        changes(
            base_version=1,
            providers=(Provider("north", "new name"),),
            tariff_versions=(TariffVersion("standard", 2, 7, 9),),
            dids=(Did("4001234567", "acme", NumberState.SUSPENDED, (), 3, "standard"),),
            routes={"4001234567": lines},
            blacklist=(_block(), replace(_block(), did=None)),
        ),
        "test",
    )
    catalogue = await books.load_catalogue()
    did = catalogue.dids["4001234567"]
    assert catalogue.providers["north"].name == "new name"
    assert [each.rate_micros for each in catalogue.tariffs["standard"]] == [150_000, 9]
    assert (did.state, did.calls_max, did.tariff) == (NumberState.SUSPENDED, 3, "standard")
    assert [line.number for line in did.destinations] == ["01088886666"]
    assert catalogue.blacklist == {"acme": (replace(_block(), did=None), _block())}


async def test_what_is_exported_imports_to_the_same_books(books: SqlBooks) -> None:
    """Into the same books: no change. Into empty ones: the same catalogue."""
    versions = tuple(
        TariffVersion("standard", n, at, n) for n, at in ((1, 0), (2, 1_234), (3, 500))
    )
    first = changes(tariff_versions=versions, blacklist=(_block(),))
    await books.apply_import(first, "test")
    catalogue = await books.load_catalogue()
    exported = [SourceFile("all.toml", "".join(export_toml(catalogue)).encode())]
    again = await import_files(books, exported, now_ms=9, actor="test")
    assert isinstance(again, ImportChanges)
    assert again.is_empty()
    assert await books.load_catalogue() == catalogue
    fresh = _Blank()
    assert isinstance(await import_files(fresh, exported, now_ms=9, actor="test"), ImportChanges)
    assert fresh.changes is not None
    assert fresh.changes.tariff_versions == versions
    assert fresh.changes.routes == first.routes


class _Blank:
    """Empty books that keep what they are told."""

    changes: ImportChanges | None = None

    async def load_catalogue(self) -> Catalogue:
        """Nothing."""
        return Catalogue(0)

    async def load_offers(self) -> Offers:
        """Nothing."""
        return Offers()

    async def apply_import(
        self, changes: ImportChanges, actor: str, told: Callable[[int], None] | None = None
    ) -> bool:
        """Keep it."""
        self.changes = changes
        return True


def _block() -> BlockEntry:
    return BlockEntry("acme", "4001234567", BlockKind.NUMBER, "13800138000")
