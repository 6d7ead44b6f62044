"""Business data in CSV: one kind to a file, named after it (`dids.csv`), keys in the first line."""

import csv
import io
import re
from collections.abc import Iterator

from callserver.domain.import_set import ImportProblem
from callserver.service.import_kinds import KINDS, Kind
from callserver.service.import_records import Record

_NAME = re.compile(r"(?:.*[/\\])?([^/\\]+)\.csv", re.IGNORECASE)
# The longest first: a tariff_bands.csv is no tariff.csv with something after a dash.
_WORDS = sorted(
    ((word, kind) for kind in KINDS.values() for word in (kind.name, kind.plural)),
    key=lambda pair: -len(pair[0]),
)


def kind_of(file: str) -> Kind | None:
    """The kind by the file's name: `dids.csv`, `did.csv` or `dids-2026-11.csv`."""
    found = _NAME.fullmatch(file)
    stem = found[1].lower() if found else ""
    return next((kind for word, kind in _WORDS if re.fullmatch(rf"{word}(?:[-_.].*)?", stem)), None)


def read_csv(file: str, text: str) -> Iterator[Record | ImportProblem]:
    """The records of a file and what is wrong with its lines. An empty cell is not given."""
    kind = kind_of(file)
    if kind is None:
        names = ", ".join(f"{each.plural}.csv" for each in KINDS.values())
        yield ImportProblem(file, 0, None, f"name it after what it holds: {names}")
        return
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    head: list[str] | None = None
    layout: dict[str, tuple[int, int]] = {}
    line = 1
    try:
        for row in reader:
            start, line = line, reader.line_num + 1
            if not any(row):
                continue
            if head is None:
                head = [name.strip() for name in row]
                layout = {name: (0, column) for column, name in enumerate(head, 1)}
                if len(layout) < len(head):
                    yield ImportProblem(file, start, None, "a column is there twice")
                    return
            elif len(row) != len(head):
                reason = f"{len(row)} fields under {len(head)} columns"
                yield ImportProblem(file, start, None, reason)
            else:
                cells = {name: cell.strip() for name, cell in zip(head, row, strict=True)}
                given = {name: cell for name, cell in cells.items() if cell}
                yield Record(kind, file, start, given, layout)
    except csv.Error as error:
        yield ImportProblem(file, reader.line_num, None, f"not CSV: {error}")
