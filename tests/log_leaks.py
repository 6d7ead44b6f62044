"""Finds in log lines what must not be there; written apart from the code that masks."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

_MOBILE = re.compile(r"(?<![0-9a-zA-Z])(?:\+?0?0?86)?0?1[3-9][0-9]{9}(?![0-9a-zA-Z])")
_LANDLINE = re.compile(
    r"(?<![0-9a-zA-Z])0(?:10|2[0-9]|[3-9][0-9]{2})[2-8][0-9]{6,7}(?![0-9a-zA-Z])"
)
_TOKEN = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_API_TOKEN = re.compile(r"\bcs_[A-Za-z0-9_-]{20,}")
_PASSWORD = re.compile(r"[a-z]+://[^\s/:@]*:(?!\*\*\*@)[^\s/@]+@")
_FORBIDDEN = (_MOBILE, _LANDLINE, _TOKEN, _API_TOKEN, _PASSWORD)


def leaks(line: str) -> list[str]:
    """What a line gives away: phone numbers, call tokens, API tokens, passwords in URLs."""
    try:
        texts = list(_texts(json.loads(line)))
    except ValueError:
        texts = [line]
    return [
        found.group()
        for text in texts
        for pattern in _FORBIDDEN
        for found in pattern.finditer(text)
    ]


def _texts(value: object) -> Iterator[str]:
    """All texts and keys inside; numbers are amounts and instants, not phones."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _texts(str(item) if "caller" in key and isinstance(item, int) else item)


def log_lines(path: Path) -> Iterator[str]:
    """The lines of a file that callserver wrote: JSON objects with an event."""
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith('{"event":'):
                yield line.rstrip("\n")


def leaks_under(folder: Path) -> list[str]:
    """`file: what` for every leak in the `*.log` files of a folder and those below."""
    return [
        f"{path}: {leak} in {line}"
        for path in sorted(folder.rglob("*.log"))
        if path.is_file()
        for line in log_lines(path)
        for leak in leaks(line)
    ]


def event_names(lines: Iterable[str]) -> list[str]:
    """The events of JSON log lines, in order; other lines are left out."""
    return [json.loads(line)["event"] for line in lines if line.startswith("{")]
