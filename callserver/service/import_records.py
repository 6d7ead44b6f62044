"""From cells to rows: what both file formats have in common."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field

from callserver.domain.import_set import ImportProblem, ImportSet, Item, Layout
from callserver.service.import_cells import Raw
from callserver.service.import_kinds import KINDS, REQUIRED, FieldFault, Kind


@dataclass(frozen=True, slots=True)
class Record:
    """A record as read: the cells it gives, and where they stand.

    `complete` False: some of its lines could not be read, so what is missing may be there.
    """

    kind: Kind
    file: str
    line: int
    cells: Mapping[str, Raw]
    layout: Layout
    complete: bool = True


@dataclass(slots=True)
class RowsRead:
    """Gathers the rows of all files and everything that is wrong with them."""

    problems: list[ImportProblem] = field(default_factory=list)
    items: dict[str, list[Item[object]]] = field(
        default_factory=lambda: {kind.plural: [] for kind in KINDS.values()}
    )

    def add(self, record: Record) -> None:
        """Check a record's cells one by one, then together."""
        item: Item[object] = Item(None, record.file, record.line, record.layout)
        before = len(self.problems)
        given: dict[str, object] = {}
        for key, raw in record.cells.items():
            known = record.kind.fields.get(key)
            if known is None:
                self.problems.append(item.problem(_unknown(key, record.kind), key))
                continue
            try:
                given[key] = known.check(raw)
            except ValueError as error:
                self.problems.append(item.problem(f"{key}: {error}", key))
        for key, known in record.kind.fields.items():
            if key not in record.cells:
                if known.default is REQUIRED and record.complete:
                    self.problems.append(item.problem(f"{key} is missing"))
                given[key] = known.default
        if len(self.problems) > before or not record.complete:
            return
        try:
            row = record.kind.build(given)
        except FieldFault as error:
            self.problems.append(item.problem(f"{error.key}: {error}", error.key))
            return
        self.items[record.kind.plural].append(Item(row, record.file, record.line, record.layout))

    def rows(self) -> ImportSet:
        """All rows."""
        return ImportSet(**{plural: tuple(items) for plural, items in self.items.items()})  # type: ignore[arg-type]  # each kind builds its own rows


def _unknown(key: str, kind: Kind) -> str:
    close = difflib.get_close_matches(key, kind.fields, 1)
    hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(kind.fields)}"
    return f"a {kind.name} has no {key!r}; {hint}"
