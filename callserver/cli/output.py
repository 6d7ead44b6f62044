"""What the commands print: data on standard output, messages on standard error."""

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.table import Table

EXIT_FAILED = 1
UNCUT_WIDTH = 1000


class Failed(Exception):
    """The command could not do its work; the text says why and what to do. Exit status 1."""


def message(text: str) -> None:
    """Tell the person at the terminal something that is not data."""
    print(text, file=sys.stderr, flush=True)


def private_file(path: Path) -> TextIO:
    """A new file for its owner only: callers and money stand in it. No folder is made for it.

    Raises Failed, naming the folder that is missing.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except FileNotFoundError:
        raise Failed(f"{path}: there is no folder {path.parent}; make it first") from None
    except OSError as fault:
        raise Failed(f"{path}: {fault.strerror}") from fault
    return os.fdopen(handle, "w", encoding="utf-8", newline="")


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    import orjson

    text = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_UUID, default=str)
    print(text.decode(), flush=True)


def print_json_line(value: Any, file: TextIO | None = None) -> None:
    """One JSON document on a line of its own, for streams."""
    import orjson

    print(orjson.dumps(value, default=str).decode(), file=file, flush=file is None)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> "Table":
    """A table for people; columns that start with `>` are right-aligned. Text is never markup.

    Where it does not fit, the last column is cut and the others are not.
    """
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    rows = list(rows)
    made = Table(box=None, pad_edge=False, header_style="bold", title=title or None)
    for place, column in enumerate(columns):
        name = column.lstrip(">")
        widest = max(cell_len(name), *(cell_len(row[place]) for row in rows), 0)
        made.add_column(
            name,
            justify="left" if name == column else "right",
            no_wrap=True,
            min_width=widest if place < len(columns) - 1 else None,
        )
    for row in rows:
        made.add_row(*(Text(cell) for cell in row))
    return made


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], empty: str) -> None:
    """Print a table, or say on standard error that there is nothing."""
    from rich.console import Console

    if not rows:
        message(empty)
        return
    # Wider than the terminal: its lines are folded there, but an id is never cut.
    console = Console(width=UNCUT_WIDTH)
    with console.capture() as printed:
        console.print(table(columns, rows))
    print(*(line.rstrip() for line in printed.get().splitlines()), sep="\n")
