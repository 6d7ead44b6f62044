"""Lines of TOML, each read as if it were a file of its own."""

import re
import tomllib
from collections.abc import Collection, Iterator
from datetime import date, time
from typing import Any

from callserver.service.import_cells import Number, Raw

LIST_LINES_MAX = 5_000
# The usual lines, a plain string or a whole number: tomllib would take most of an import's time.
_USUAL = re.compile(
    r"([ \t]*([A-Za-z0-9_-]+)[ \t]*=[ \t]*)"
    r'(?:"([^"\\\x00-\x1f\x7f]*)"|(0|-?[1-9][0-9]{0,17}))[ \t\r]*'
)
_KEY = re.compile(r"""\s*(["']?)([A-Za-z0-9_-]+)\1\s*=\s*""")
_PLACE = re.compile(r"^(.*) \(at (?:line (\d+), column (\d+)|end of document)\)$", re.DOTALL)
_BARE_TIME = re.compile(r"=\s*\d\d:\d\d\s*(?:#|$)")
_BARE = re.compile(r"=\s*(?:[^\s\"'\[{#]|#|$)")
HOW_TO_WRITE_A_VALUE = "; write a text in quotes, a number like 0.15"
HOW_TO_WRITE_A_TIME = '; write a time as "08:00" or 08:00:00'
_NEXT = re.compile(r"\s*(?:\[\[?\s*[A-Za-z]|([\"']?)[A-Za-z0-9_-]+\1\s*=)")


class BadLine(ValueError):
    """Why a line can't be read; `below` it lines, at `column`."""

    def __init__(self, reason: str, column: int | None = None, below: int = 0) -> None:
        super().__init__(reason)
        self.column = column
        self.below = below


class Lines:
    """The lines of a text in order; `number` is that of the last given, from 1."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        while self.number < len(self._lines):
            self.number += 1
            yield self._lines[self.number - 1]

    @property
    def now(self) -> str:
        """The line given last."""
        return self._lines[self.number - 1]

    def rest_of_list(self) -> str:
        """The current line and those that its list goes on over, as far as it is one of TOML."""
        first, last = self.number, self.number
        while last < min(len(self._lines), first + LIST_LINES_MAX):
            if last > first and _NEXT.match(self._lines[last - 1]):
                break
            text = "\n".join(self._lines[first - 1 : last])
            if "]" in self._lines[last - 1] and _is_toml(text):
                self.number = last
                return text
            last += 1
        text = "\n".join(self._lines[first - 1 : last])
        if _is_toml(text):
            self.number = last
            return text
        return self.now


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def read_cell(lines: Lines, lists: Collection[str]) -> tuple[str, Raw, int]:
    """Key, value and the value's column of the current line. Raises BadLine.

    The values of keys in `lists` may be lists, and go on over the next lines.
    """
    found = _USUAL.fullmatch(lines.now)
    if found:
        before, key, plain, whole = found.groups()
        return key, int(whole) if plain is None else plain, len(before) + 1
    line = lines.now.removesuffix("\r")
    opening = _KEY.match(line)
    column = opening.end() + 1 if opening else 1
    if opening and opening[2] in lists and line[opening.end() :].startswith("["):
        line = lines.rest_of_list()
    try:
        read: dict[str, Any] = tomllib.loads(line, parse_float=Number)
    except ValueError as error:  # TOMLDecodeError, or a number of thousands of digits
        raise _bad_line(error, column, _hint(line)) from None
    except RecursionError:
        raise BadLine("lists within lists: too many", column) from None
    key, raw = next(iter(read.items()))
    wanted = str | int | date | time | (list if key in lists else str)
    if isinstance(raw, bool) or not isinstance(raw, wanted):
        kind = "a list, a text" if key in lists else "a text, a number or a time"
        raise BadLine(f"{key}: {kind} is wanted", column)
    return key, raw, column


def _hint(line: str) -> str:
    if _BARE_TIME.search(line):
        return HOW_TO_WRITE_A_TIME
    return HOW_TO_WRITE_A_VALUE if _BARE.search(line) else ""


def _bad_line(error: ValueError, column: int, hint: str) -> BadLine:
    place = _PLACE.match(str(error))
    reason, line, at = place.groups() if place else (str(error), None, None)
    below = int(line) - 1 if line else 0
    return BadLine(f"not a line of TOML: {reason}{hint}", int(at) if at else column, below)
