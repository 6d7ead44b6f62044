"""Tables of the documents about minimums and bills are what the program computes, in both
languages."""

import re

import pytest

from callserver.domain.minimum import BASE_RATE_MICROS, formula_micros, shortfall_micros
from callserver.domain.money import parse_yuan
from callserver.domain.sudden_fee import sudden
from tests.house import ROOT

PAGES = ["monthly-minimum.md", "monthly-minimum.zh-CN.md"]


def cells(page: str, table: str) -> list[list[str]]:
    """The rows of a marked table."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    found = re.search(rf"^<!-- table: {table} -->\n.*\n\|-.*\n((?:\|.*\n)+)", text, re.M)
    assert found, f"{page} has no table {table}"
    lines = [line.strip("|").split("|") for line in found[1].splitlines()]
    return [[cell.strip() for cell in line] for line in lines]


def rows(page: str, table: str) -> list[list[int]]:
    """The same as figures in micros."""
    return [[parse_yuan(cell) for cell in line] for line in cells(page, table)]


@pytest.mark.parametrize("page", PAGES)
def test_the_formulas_table(page: str) -> None:
    """Minimum at 0.3, rate, minimum."""
    found = rows(page, "formula")
    assert len(found) >= 3
    for base, rate, minimum in found:
        assert formula_micros(base, BASE_RATE_MICROS, rate) == minimum


@pytest.mark.parametrize("page", PAGES)
def test_the_shortfalls_table(page: str) -> None:
    """Minimum, debited, shortfall."""
    found = rows(page, "shortfall")
    assert len(found) >= 3
    for minimum, debited, shortfall in found:
        assert shortfall_micros(minimum, debited) == shortfall


def test_both_languages_have_the_same_tables() -> None:
    """Row by row."""
    for table in ("formula", "shortfall"):
        assert rows(PAGES[0], table) == rows(PAGES[1], table)


@pytest.mark.parametrize("page", ["bills.md", "bills.zh-CN.md"])
def test_the_sudden_fees_table(page: str) -> None:
    """Three months before, this month, whether the customer is told."""
    found = cells(page, "sudden")
    assert len(found) >= 3
    for before, fee, told in found:
        months = [parse_yuan(each) for each in before.split(",")]
        assert (sudden(parse_yuan(fee), months) is not None) == (told == "yes")
