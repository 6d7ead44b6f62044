"""On which line of a TOML file a key stands; tomllib does not say."""

import re

Location = tuple[str | int, ...]

_TABLE = re.compile(r"^\s*\[\s*([^\[\]]+?)\s*\]")
_TABLES = re.compile(r"^\s*\[\[\s*([^\[\]]+?)\s*\]\]")
_PART = r"(?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')"
_KEY = re.compile(rf"^\s*({_PART}(?:\s*\.\s*{_PART})*)\s*=\s*(.*)$")
_STRING = re.compile(r"\"(?:\\.|[^\"\\])*\"|'[^']*'")


def key_lines(text: str) -> dict[Location, int]:
    """1-based lines of tables and keys: `("asterisk", 0, "port") → 7`.

    Meant for text that tomllib has accepted. Keys inside inline tables are not found; ask for the
    key that holds them.
    """
    found: dict[Location, int] = {}
    table: Location = ()
    tables: dict[str, int] = {}
    open_until: str | None = None
    depth = 0
    for number, line in enumerate(text.splitlines(), start=1):
        if open_until is not None:  # inside a multi-line string
            open_until = None if open_until in line else open_until
            continue
        if depth > 0:  # inside a multi-line array
            depth += _depth(line)
            continue
        if heading := _TABLES.match(line):
            name = heading.group(1)
            tables[name] = tables.get(name, -1) + 1
            table = (*_parts(name), tables[name])
            found.setdefault(table, number)
        elif heading := _TABLE.match(line):
            table = _parts(heading.group(1))
            found.setdefault(table, number)
        elif pair := _KEY.match(line):
            found.setdefault((*table, *_parts(pair.group(1))), number)
            open_until = _unclosed(pair.group(2))
            depth = 0 if open_until else max(0, _depth(pair.group(2)))
    return found


def line_of(lines: dict[Location, int], location: Location) -> int | None:
    """The line of a key, or of the nearest table around it."""
    for length in range(len(location), 0, -1):
        if location[:length] in lines:
            return lines[location[:length]]
    return None


def _parts(dotted: str) -> Location:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def _depth(line: str) -> int:
    bare = _STRING.sub("", line).split("#", 1)[0]
    return bare.count("[") - bare.count("]")


def _unclosed(value: str) -> str | None:
    for quote in ('"""', "'''"):
        if value.startswith(quote) and quote not in value[3:]:
            return quote
    return None
