"""Cells that a spreadsheet would run are marked as text."""

import pytest

from callserver.domain.csv_text import cell_text


@pytest.mark.parametrize(
    "text", ["=1+1", "+8613800138000", "-A1", "@SUM(A1)", "\tx", "\rx", "-1-1"]
)
def test_what_begins_like_a_formula_is_marked(text: str) -> None:
    """An apostrophe, which spreadsheets take for `this is text`."""
    assert cell_text(text) == f"'{text}"


@pytest.mark.parametrize(
    "text", ["", "Tea", "艾克米", "a=b", "-0.120000", "-3", "0.15", "02188886666"]
)
def test_other_text_and_numbers_stay(text: str) -> None:
    """A negative margin is a number."""
    assert cell_text(text) == text
