"""Finds every event the code can log, by reading the code; `python -m tests.log_events` rewrites
docs/log-events.md and keeps the meanings that were written there by hand."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "docs" / "log-events.md"
LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}
NAME = re.compile(r"^[a-z0-9_]+(\.[a-z0-9_]+)+$")
ROW = re.compile(r"^\| `([a-z0-9_.]+)` \| ([^|]*) \| ([^|]*) \| (.*) \|$")
HEAD = """# Log events

`callserver serve` writes one JSON object a line to standard error (`[log] format = "console"`
writes them for people). `event` is one of the names below, `timestamp` is UTC. While a call is
handled its lines carry `call_id`. Full caller numbers, call tokens, passwords and API tokens never
stand in a log: numbers are cut (`138****8000`), the rest is `[removed]`. Lines of other libraries
have a `logger` field and their own text as `event`.

A test holds this list to the code; `python -m tests.log_events` brings it up to date and keeps the
meanings.

| event | level | fields | meaning |
|---|---|---|---|
"""


@dataclass
class Event:
    """One event as the code logs it, from all places together."""

    levels: set[str] = field(default_factory=set)
    fields: set[str] = field(default_factory=set)


@cache
def events() -> dict[str, Event]:
    """All events of the package, by name."""
    found: dict[str, Event] = {}
    for path in sorted((ROOT / "callserver").rglob("*.py")):
        for name, level, fields in _calls(ast.parse(path.read_text(encoding="utf-8"))):
            event = found.setdefault(name, Event())
            event.levels.add(level)
            event.fields |= fields
    return dict(sorted(found.items()))


def _calls(tree: ast.Module) -> Iterator[tuple[str, str, set[str]]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        first = node.args[0]
        name = str(first.value) if isinstance(first, ast.Constant) else ""
        level = _level(node.func)
        if NAME.match(name) and level:
            fields = {word.arg for word in node.keywords if word.arg and word.arg != "exc_info"}
            yield name, level, fields


def _level(function: ast.expr) -> str:
    """`log.info`, `self._log.info`, `structlog.get_logger().info`, or a name bound to one."""
    if isinstance(function, ast.Attribute) and function.attr in LEVELS:
        return "error" if function.attr == "exception" else function.attr
    return "varies" if isinstance(function, ast.Name) and function.id in {"level", "say"} else ""


def row(name: str, event: Event, meaning: str) -> str:
    """One line of the table."""
    levels = ", ".join(sorted(event.levels))
    fields = ", ".join(sorted(event.fields))
    return f"| `{name}` | {levels} | {fields} | {meaning} |"


def meanings() -> dict[str, str]:
    """What the document says of each event."""
    if not DOCUMENT.exists():
        return {}
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    return {found[1]: found[4] for line in lines if (found := ROW.match(line))}


def document() -> str:
    """The document as it should be; a meaning not yet written is empty."""
    known = meanings()
    rows = [row(name, event, known.get(name, "")) for name, event in events().items()]
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
