"""Imports on real books: all or nothing, every error named, the second time no change."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from callserver.adapters.sql import migrate
from callserver.adapters.sql.books import SqlBooks, open_books
from callserver.domain.business import Billing, Catalogue
from callserver.domain.import_set import ImportChanges, ImportProblem, ImportSet
from callserver.domain.offers import Offers
from callserver.service.clocks import SystemClock
from callserver.service.importing import ImportContended, SourceFile, import_files, parse

NOW_MS = 1_790_000_000_000
DEMO = Path(__file__).parents[2] / "config" / "demo" / "business.toml"
NEW_CUSTOMER = """
[[customer]]
id = "new"
name = "新"
provider = "huadong"
tariff = "standard"
"""
PROVIDER = b'[[provider]]\nid = "north"\nname = "n"\n'


@pytest.fixture
async def books(tmp_path: Path) -> AsyncIterator[SqlBooks]:
    url = f"sqlite:///{tmp_path}/books.db"
    await migrate.upgrade(url)
    async with open_books(url, SystemClock()) as opened:
        yield opened


async def run(
    books: SqlBooks, *files: SourceFile, write: bool = True
) -> ImportChanges | list[ImportProblem]:
    return await import_files(books, files, now_ms=NOW_MS, actor="test", write=write)


def demo() -> SourceFile:
    return SourceFile(DEMO.name, DEMO.read_bytes())


async def test_the_sample_data_import_and_again_change_nothing(books: SqlBooks) -> None:
    """Two providers, three customers, six numbers; the second time no version moves."""
    first = await run(books, demo())
    assert isinstance(first, ImportChanges)
    assert first.counts() == {
        "providers": 2, "tariffs": 3, "customers": 3, "dids": 6, "routes": 6, "blacklist": 3,
        "holidays": 0, "features": 0, "plans": 0, "minimums": 0,
    }  # fmt: skip
    catalogue = await books.load_catalogue()
    assert catalogue.customers["shunda-freight"].billing is Billing.POSTPAID
    assert len(catalogue.dids["4008001234"].destinations) == 2
    second = await run(books, demo())
    assert isinstance(second, ImportChanges)
    assert second.is_empty()
    assert await books.load_catalogue() == catalogue


async def test_one_error_among_many_records_and_nothing_is_imported(books: SqlBooks) -> None:
    """All or nothing, over all files."""
    bad = SourceFile("more.csv", b"")
    assert await run(books, demo(), bad) == [
        ImportProblem(
            "more.csv",
            0,
            None,
            "name it after what it holds: providers.csv, tariffs.csv, tariff_bands.csv,"
            " customers.csv, dids.csv, destinations.csv, blacklist.csv, holidays.csv,"
            " features.csv, plans.csv, minimums.csv",
        )
    ]
    assert await books.load_catalogue() == Catalogue(0)


async def test_files_of_both_formats_refer_to_each_other(books: SqlBooks) -> None:
    """And to what is in the books."""
    await run(books, demo())
    changed = await run(
        books,
        SourceFile("dids.csv", "\ufeffnumber,customer\r\n4001112222,new\r\n".encode()),
        SourceFile("new.toml", NEW_CUSTOMER.encode()),
    )
    assert isinstance(changed, ImportChanges)
    assert [did.customer for did in changed.dids] == ["new"]


async def test_a_changed_tariff_is_a_new_version(books: SqlBooks) -> None:
    """In effect from the import on; running calls keep theirs."""
    await run(books, demo())
    cheaper = DEMO.read_text().replace('rate = "0.15"', 'rate = "0.14"')
    await run(books, SourceFile("t.toml", cheaper.encode()))
    first, second = (await books.load_catalogue()).tariffs["standard"]
    assert (first.version, first.rate_micros, first.effective_from_ms) == (1, 150_000, 0)
    assert (second.version, second.rate_micros, second.effective_from_ms) == (2, 140_000, NOW_MS)


async def test_a_dry_run_writes_nothing(books: SqlBooks) -> None:
    """But says what would change."""
    changes = await run(books, demo(), write=False)
    assert isinstance(changes, ImportChanges)
    assert not changes.is_empty()
    assert await books.catalogue_version() == 0


async def test_problems_come_in_the_order_of_the_files() -> None:
    """Not of the alphabet; then by line."""
    files = [
        SourceFile("z.toml", PROVIDER + b"name = 5\n[[tariff]]\nid = 'x'\n"),
        SourceFile("a.toml", b"[[x]]\n"),
    ]
    found = parse(files)
    assert isinstance(found, list)
    assert [(each.file, each.line) for each in found] == [
        ("z.toml", 4),
        ("z.toml", 5),
        ("a.toml", 1),
    ]


@pytest.mark.parametrize(
    ("file", "line", "reason"),
    [
        (SourceFile("dids.csv", "number,customer\n4001234567,北".encode("gbk")), 2, "UTF-8"),
        (SourceFile("book.xlsx", b"PK"), 0, "ends in .toml or .csv"),
    ],
)
def test_files_that_cannot_be_read(file: SourceFile, line: int, reason: str) -> None:
    """As spreadsheets save them by default."""
    found = parse([file])
    assert isinstance(found, list)
    [problem] = found
    assert problem.line == line
    assert reason in problem.reason


def test_progress_is_told_while_reading() -> None:
    """A hundred thousand records take seconds; nobody should wonder."""
    told: list[tuple[str, int, int]] = []
    text = "number,customer\n" + "".join(f"400{n:07d},c\n" for n in range(12_000))
    file = SourceFile("dids.csv", text.encode())
    rows = parse([file], lambda *progress: told.append(progress))
    assert isinstance(rows, ImportSet)
    assert len(rows.dids) == 12_000
    assert told == [("reading", 5_001, 12_001), ("reading", 10_001, 12_001)], "in lines"


async def test_every_stage_is_told(books: SqlBooks) -> None:
    """What is written adds up to what there is to write."""
    told: list[tuple[str, int, int]] = []
    files = [SourceFile("p.toml", PROVIDER)]
    await import_files(
        books, files, now_ms=NOW_MS, actor="t", progress=lambda *progress: told.append(progress)
    )
    assert told[0] == ("checking", 0, 0)
    assert told[-1] == ("writing", 1, 1)


async def test_concurrent_imports_both_arrive(books: SqlBooks) -> None:
    """Who comes second works his changes out anew on the books as they are now."""
    files = [
        SourceFile("p.toml", f'[[provider]]\nid = "p{n}"\nname = "n"'.encode()) for n in range(4)
    ]
    outcomes = await asyncio.gather(*(run(books, file) for file in files))
    assert all(isinstance(outcome, ImportChanges) for outcome in outcomes)
    catalogue = await books.load_catalogue()
    assert set(catalogue.providers) == {"p0", "p1", "p2", "p3"}
    assert catalogue.version == 4


async def test_books_that_never_rest_are_given_up(books: SqlBooks) -> None:
    """With an error, not a loop for ever."""

    class Restless:
        """The books, always a moment ahead."""

        async def load_catalogue(self) -> Catalogue:
            """As they were."""
            return await books.load_catalogue()

        async def load_offers(self) -> Offers:
            """As they were."""
            return await books.load_offers()

        async def apply_import(
            self, changes: ImportChanges, actor: str, told: Callable[[int], None] | None = None
        ) -> bool:
            """Too late."""
            return False

    with pytest.raises(ImportContended):
        await import_files(
            Restless(), [SourceFile("p.toml", PROVIDER)], now_ms=NOW_MS, actor="test"
        )
