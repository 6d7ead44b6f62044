"""Cells of an exported record."""

from collections.abc import Mapping

Cell = str | int | tuple[str, ...]
Cells = Mapping[str, Cell]


def given(**cells: Cell | None) -> Cells:
    """A record without what is not given."""
    return {key: value for key, value in cells.items() if value is not None}
