"""Business data in TOML: `[[kind]]` records of `key = value` lines.

`tomllib` gives no line numbers and stops at the first error. So a file is read line by line, every
unusual line by `tomllib`: it must be one line of TOML. Whatever is accepted is TOML and means what
TOML says; what TOML has beyond that (values over several lines, nested tables) is refused.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from callserver.domain.import_set import ImportProblem, Layout
from callserver.service.import_cells import Raw
from callserver.service.import_kinds import KINDS, Kind
from callserver.service.import_records import Record

_HEADER = re.compile(r"\s*\[\[\s*([A-Za-z0-9_-]+)\s*\]\]\s*(?:#.*)?")
# The usual lines, a plain string or a whole number: tomllib would take most of an import's time.
_USUAL = re.compile(
    r"([ \t]*([A-Za-z0-9_-]+)[ \t]*=[ \t]*)"
    r'(?:"([^"\\\x00-\x1f\x7f]*)"|(0|-?[1-9][0-9]{0,17}))[ \t\r]*'
)
_KEY = re.compile(r"\s*[A-Za-z0-9_\"'-]+\s*=\s*")
_PLACE = re.compile(r"^(.*) \(at (?:line 1, column (\d+)|end of document)\)$", re.DOTALL)

Place = tuple[int, int]


class _BadLine(ValueError):
    def __init__(self, reason: str, column: int | None = None) -> None:
        super().__init__(reason)
        self.column = column


@dataclass(slots=True)
class _Open:
    """The record whose lines are being read. `kind` None: its header was refused."""

    kind: Kind | None
    line: int
    cells: dict[str, Raw] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    complete: bool = True

    def take(self, line: str, number: int) -> None:
        """Add a line's cell. Raises _BadLine."""
        key, raw, column = _cell(line)
        if key in self.cells:
            raise _BadLine(f"{key} is given twice", 1)
        self.cells[key] = raw
        self.places[key] = (number - self.line, column)


def read_toml(file: str, text: str) -> Iterator[Record | ImportProblem]:
    """The records of a file and what is wrong with its lines."""
    layouts: dict[tuple[tuple[str, Place], ...], Layout] = {}
    current: _Open | None = None
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if not stripped or stripped[0] == "#":
            continue
        if stripped[0] == "[":
            yield from _done(current, file, layouts)
            found = _HEADER.fullmatch(stripped)
            current = _Open(KINDS.get(found[1]) if found else None, number)
            if current.kind is None:
                yield ImportProblem(file, number, None, _unknown_header(stripped))
        elif current is None:
            yield ImportProblem(file, number, None, "begin with a header such as [[customer]]")
            current = _Open(None, number)
        elif current.kind is not None:  # else its header was refused, and its keys with it
            try:
                current.take(line, number)
            except _BadLine as error:
                current.complete = False
                yield ImportProblem(file, number, error.column, str(error))
    yield from _done(current, file, layouts)


def _done(
    current: _Open | None, file: str, layouts: dict[tuple[tuple[str, Place], ...], Layout]
) -> Iterator[Record]:
    """The record that has ended. Records laid out alike share one layout."""
    if current is not None and current.kind is not None:
        layout = layouts.setdefault(tuple(current.places.items()), current.places)
        yield Record(current.kind, file, current.line, current.cells, layout, current.complete)


def _cell(line: str) -> tuple[str, Raw, int]:
    """Key, value and the value's column of one line."""
    found = _USUAL.fullmatch(line)
    if found:
        before, key, plain, whole = found.groups()
        return key, int(whole) if plain is None else plain, len(before) + 1
    line = line.removesuffix("\r")
    opening = _KEY.match(line)
    column = opening.end() + 1 if opening else 1
    try:
        read: dict[str, Any] = tomllib.loads(line, parse_float=str)
    except ValueError as error:  # TOMLDecodeError, or a number of thousands of digits
        place = _PLACE.match(str(error))
        reason, at = (place[1], place[2]) if place else (str(error), None)
        raise _BadLine(f"not a line of TOML: {reason}", int(at) if at else column) from None
    key, raw = next(iter(read.items()))
    if isinstance(raw, bool) or not isinstance(raw, str | int | datetime):
        raise _BadLine(f"{key}: a text, a number or a time is wanted", column)
    return key, raw, column


def _unknown_header(line: str) -> str:
    return f"{line} is not one of {', '.join(f'[[{name}]]' for name in KINDS)}"
