"""Cells of CSV files that people open: a spreadsheet must not take a name for a formula."""

import re

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_AMOUNT = re.compile(r"-?\d+(\.\d+)?", re.ASCII)


def cell_text(text: str) -> str:
    """The text, behind an apostrophe where it begins like a formula; plain numbers stay."""
    if text.startswith(_FORMULA) and not _AMOUNT.fullmatch(text):
        return f"'{text}"
    return text
