"""From cells to rows: what both file formats have in common."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field

from callserver.domain.import_set import ImportProblem, ImportSet, Item, Layout
from callserver.service.import_cells import Raw
from callserver.service.import_field import FieldFault
from callserver.service.import_kinds import KINDS, Kind


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
    inherited: Mapping[str, Raw] = field(default_factory=dict)
    """What the record it stands under gives; if that is wrong, it is told of there."""


@dataclass(slots=True)
class RowsRead:
    """Gathers the rows of all files and everything that is wrong with them."""

    problems: list[ImportProblem] = field(default_factory=list)
    items: dict[str, list[Item[object]]] = field(
        default_factory=lambda: {kind.plural: [] for kind in KINDS.values()}
    )

    def add(self, record: Record) -> None:
        """Check a record's cells one by one, then together."""
        before = len(self.problems)
        fields = record.kind.fields
        given: dict[str, object] = dict(record.kind.defaults)
        for key, raw in record.cells.items():
            known = fields.get(key)
            if known is None:
                self._fault(record, key, _unknown(key, record.kind))
                continue
            if key in record.inherited:
                self._fault(record, key, f"{key}: leave it out, the record above says it")
                continue
            try:
                given[key] = known.check(raw)
            except ValueError as error:
                self._fault(record, key, f"{key}: {error}")
        for key, raw in record.inherited.items():
            try:
                given[key] = fields[key].check(raw)
            except ValueError:
                return
        if record.complete:
            for key in sorted(record.kind.required - record.cells.keys() - record.inherited.keys()):
                self._fault(record, None, f"{key} is missing")
        if len(self.problems) > before or not record.complete:
            return
        try:
            row = record.kind.build(given)
        except FieldFault as error:
            self._fault(record, error.key, f"{error.key}: {error}")
            return
        item = Item(row, record.file, record.line, record.layout)
        self.items[record.kind.plural].append(item)

    def rows(self) -> ImportSet:
        """All rows."""
        return ImportSet(**{plural: tuple(items) for plural, items in self.items.items()})  # type: ignore[arg-type]  # each kind builds its own rows

    def _fault(self, record: Record, key: str | None, reason: str) -> None:
        item = Item(None, record.file, record.line, record.layout)
        self.problems.append(item.problem(reason, key))


def _unknown(key: str, kind: Kind) -> str:
    close = difflib.get_close_matches(key, kind.fields, 1)
    hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(kind.fields)}"
    return f"a {kind.name} has no {key!r}; {hint}"
