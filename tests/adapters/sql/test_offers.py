"""Features, plans and minimums from files into the books and back, all or nothing."""

from pathlib import Path

import pytest

from callserver.adapters.sql.books import SqlBooks
from callserver.domain.import_set import ImportChanges, ImportProblem
from callserver.service.exporting import export_csv, export_toml
from callserver.service.import_kinds import KINDS
from callserver.service.importing import SourceFile, import_files
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.samples import changes

DAY_MS = 86_400_000
OFFERS = """[[feature]]
id = "recording"
name = "录音"
cycle = "month"
fee = "10"
effective_from = "2026-01-01"
[[feature]]
id = "recording"
name = "录音"
cycle = "month"
fee = "12.5"
effective_from = "2026-02-01"
[[plan]]
id = "gold"
annual_fee = "1000"
minutes = 8000
tariff = "standard"
[[minimum]]
did = "4001234567"
amount = "100"
at_rate = "0.3"
confirmed = "yes"
"""


@pytest.fixture
async def filled(books: SqlBooks, clock: SetClock) -> SqlBooks:
    """A customer with a number at 0.15."""
    await books.apply_import(changes(), "test")
    return books


async def bring(
    books: SqlBooks, clock: SetClock, *files: SourceFile
) -> ImportChanges | list[ImportProblem]:
    return await import_files(books, files, now_ms=clock.now_us() // 1000, actor="test")


async def test_offers_come_and_go_by_files(filled: SqlBooks, clock: SetClock) -> None:
    """With their past; what is exported imports to no change, as TOML and as CSV."""
    found = await bring(filled, clock, SourceFile("offers.toml", OFFERS.encode()))
    assert isinstance(found, ImportChanges), found
    assert {kind: n for kind, n in found.counts().items() if n} == {
        "features": 2, "plans": 1, "minimums": 1,
    }  # fmt: skip
    offers = await filled.load_offers()
    fees = [each.fee_micros for each in offers.features["recording"]]
    assert (fees, offers.plans["gold"][0].minutes) == ([10_000_000, 12_500_000], 8000)
    assert offers.minimums["4001234567"].terms.amount_micros == 50_000_000
    catalogue = await filled.load_catalogue()
    files = [SourceFile("all.toml", "".join(export_toml(catalogue, offers)).encode())]
    csvs = [
        SourceFile(f"{kind.plural}.csv", "".join(export_csv(catalogue, kind, offers)).encode())
        for kind in KINDS.values()
    ]
    for exported in (files, csvs, [SourceFile("offers.toml", OFFERS.encode())]):
        again = await bring(filled, clock, *exported)
        assert isinstance(again, ImportChanges), again
        assert again.is_empty(), again.counts()


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (OFFERS.replace('"100"', '"99"'), 17, "never lowered"),
        (OFFERS.replace('confirmed = "yes"', "").replace('"100"', '"200"'), 17, "onfirm"),
        (OFFERS.replace('"month"', '"year"').replace('"12.5"', '"13"'), 1, "has other terms"),
    ],
)
async def test_a_rule_that_says_no_keeps_everything_out(
    filled: SqlBooks, clock: SetClock, text: str, line: int, reason: str
) -> None:
    """Said at the line of its record; the good rows are not written either."""
    assert isinstance(
        await bring(filled, clock, SourceFile("offers.toml", OFFERS.encode())), ImportChanges
    )
    before = await filled.load_offers()
    provider = '[[provider]]\nid = "late"\nname = "late"\n'
    problems = await bring(filled, clock, SourceFile("o.toml", (text + provider).encode()))
    assert isinstance(problems, list), problems
    assert problems[0].line >= line
    assert reason.lower() in " ".join(each.reason for each in problems).lower(), problems
    assert await filled.load_offers() == before
    assert "late" not in (await filled.load_catalogue()).providers


def test_the_manual_has_every_kind() -> None:
    """With a section of its own."""
    manual = (Path(__file__).parents[3] / "docs" / "import.md").read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f"### `{kind}`" not in manual] == []
