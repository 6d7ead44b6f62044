"""Business data in TOML: `[[kind]]` records of `key = value` lines.

`tomllib` gives no line numbers and stops at the first error. So a file is read line by line, every
unusual line by `tomllib`: it must be one line of TOML, but for lists, which may go on. Whatever is
accepted is TOML and means what TOML says; what TOML has beyond that is refused.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from callserver.domain.import_set import ImportProblem, Layout
from callserver.service.import_cells import Raw
from callserver.service.import_kinds import BAND_KIND, KINDS, TARIFF_KIND, Kind
from callserver.service.import_records import Record
from callserver.service.toml_lines import BadLine, Lines, read_cell

_HEADER = re.compile(r"\s*\[\[\s*([A-Za-z0-9_.-]+)\s*\]\]\s*(?:#.*)?")
_TABLE = re.compile(r"\s*\[\s*tariff\s*\]\s*(?:#.*)?")
_ONE_TARIFF = re.compile(r"""\s*(["']?)rate\1\s*=""")

_NO_RATE = (
    "the tariff's rate is missing: write it at the top of the file, above [[band]],"
    ' as rate = "0.15"'
)

Place = tuple[int, int]
_Layouts = dict[tuple[tuple[str, Place], ...], Layout]


@dataclass(slots=True)
class _Open:
    """The record whose lines are being read. `kind` None: its header was refused."""

    kind: Kind | None
    line: int
    owner: "_Open | None" = None
    cells: dict[str, Raw] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    complete: bool = True
    listed: bool = False
    """Its bands stood in a list."""

    def take(self, kind: Kind, lines: Lines) -> None:
        """Add the cell that the current line begins. Raises BadLine."""
        number = lines.number
        key, raw, column = read_cell(lines, kind.lists)
        if key in self.cells:
            raise BadLine(f"{key} is given twice", 1)
        self.cells[key] = raw
        self.places[key] = (number - self.line, column)


class _Reader:
    """Reads one file. `tariff_id` names a lone tariff that has no id."""

    def __init__(self, file: str, text: str, tariff_id: str | None) -> None:
        self.file = file
        self.lines = Lines(text)
        self.one_tariff = _begins_with_a_tariff(text)
        self.tariff_id = tariff_id
        self.layouts: _Layouts = {}
        self.current: _Open | None = None
        self.tariff: _Open | None = None
        self.tables = 0

    def read(self) -> Iterator[Record | ImportProblem]:
        """All records and problems, in the order of the lines."""
        for line in self.lines:
            stripped = line.strip()
            if not stripped or stripped[0] == "#":
                continue
            if stripped[0] == "[":
                yield from self._header(stripped)
            elif self.current is None and not self.one_tariff:
                yield self._problem(
                    "begin with a header such as [[customer]], or with a tariff's rate"
                )
                self.current = _Open(None, self.lines.number)
            else:
                yield from self._key()
        yield from self._done()

    def _header(self, header: str) -> Iterator[Record | ImportProblem]:
        yield from self._done()
        found = _HEADER.fullmatch(header)
        name = found[1] if found else ""
        self.current = _Open(None, self.lines.number)
        if _TABLE.fullmatch(header) or name == TARIFF_KIND.name:
            table = not found
            if self.one_tariff or (self.tables and (table or self.tables < 0)):
                yield self._problem("there is a tariff above that takes the whole file")
                return
            self.tables = -1 if table else 1
            self.current.kind = TARIFF_KIND
            self.tariff = self.current
        elif name in {"band", "tariff.band", BAND_KIND.name}:
            yield from self._band(name)
        else:
            self.current.kind = KINDS.get(name)
            if self.current.kind is None:
                known = ", ".join(f"[[{each}]]" for each in KINDS if each != BAND_KIND.name)
                band = "[[band]]" if self.one_tariff else "[[tariff.band]]"
                yield self._problem(f"{header} is not one of {known}, {band}")

    def _band(self, name: str) -> Iterator[ImportProblem]:
        wanted = "band" if self.one_tariff else "tariff.band"
        if name == "band" and self.tariff is None:
            yield self._problem(_NO_RATE)
            return
        if name != wanted or self.tariff is None or self.current is None:
            yield self._problem(f"a band stands under its tariff, as [[{wanted}]]")
            return
        if self.tariff.listed:
            yield self._problem("the tariff has its bands in a list already")
            return
        self.current.kind, self.current.owner = BAND_KIND, self.tariff

    def _key(self) -> Iterator[ImportProblem]:
        if self.current is None:  # the keys of a lone tariff, before any header
            self.current = self.tariff = _Open(TARIFF_KIND, self.lines.number)
        if self.current.kind is None:  # its header was refused, and its keys with it
            return
        number = self.lines.number
        try:
            self.current.take(self.current.kind, self.lines)
        except BadLine as error:
            self.current.complete = False
            yield ImportProblem(self.file, number + error.below, error.column, str(error))

    def _done(self) -> Iterator[Record | ImportProblem]:
        """The record that has ended. Records laid out alike share one layout."""
        ended, self.current = self.current, None
        if ended is None or ended.kind is None:
            return
        if ended.kind is TARIFF_KIND and self.one_tariff and self.tariff_id is not None:
            ended.cells.setdefault("id", self.tariff_id)
        lists = self._lists_of(ended) if ended.kind is TARIFF_KIND else {}
        layout = self.layouts.setdefault(tuple(ended.places.items()), ended.places)
        yield self._record(ended, layout)
        for key, listed in lists.items():
            yield from self._listed(ended, key, listed)

    def _lists_of(self, tariff: _Open) -> dict[str, Raw]:
        """Take out the bands that a tariff lists, and the days in a file of one tariff."""
        keys = ("band", "holiday") if self.one_tariff else ("band",)
        tariff.listed = "band" in tariff.cells
        return {key: tariff.cells.pop(key) for key in keys if key in tariff.cells}

    def _record(self, ended: _Open, layout: Layout) -> Record:
        kind = ended.kind or TARIFF_KIND
        inherited: dict[str, Raw] = {}
        complete = ended.complete
        if ended.owner is not None:
            inherited, complete = self._inherited(ended.owner, ended.complete)
        return Record(kind, self.file, ended.line, ended.cells, layout, complete, inherited)

    def _inherited(self, owner: _Open, complete: bool) -> tuple[dict[str, Raw], bool]:
        names = {"id": "tariff", "effective_from": "effective_from"}
        given = {band: owner.cells[key] for key, band in names.items() if key in owner.cells}
        return given, complete and "tariff" in given

    def _listed(self, tariff: _Open, key: str, listed: Raw) -> Iterator[Record | ImportProblem]:
        """The records of `band = [{ … }, { … }]`: all of them stand where the list does."""
        below, column = tariff.places[key]
        line = tariff.line + below
        kind = BAND_KIND if key == "band" else KINDS[key]
        given: dict[str, Raw] = {}
        complete = True
        if kind is BAND_KIND:
            given, complete = self._inherited(tariff, complete)
        for each in listed if isinstance(listed, list) else [listed]:
            if not isinstance(each, dict):
                yield ImportProblem(self.file, line, column, f"{key}: a list of tables is wanted")
                return
            layout = dict.fromkeys(each, (0, column))
            yield Record(kind, self.file, line, each, layout, complete, given)

    def _problem(self, reason: str) -> ImportProblem:
        return ImportProblem(self.file, self.lines.number, None, reason)


def read_toml(
    file: str, text: str, tariff_id: str | None = None
) -> Iterator[Record | ImportProblem]:
    """The records of a file and what is wrong with its lines.

    A file may also be one tariff: its keys without a header, then `[[band]]`s. One that has no id
    is called `tariff_id`, if that is given.
    """
    return _Reader(file, text, tariff_id).read()


def _begins_with_a_tariff(text: str) -> bool:
    """Whether a `rate` stands before any header."""
    for line in text.split("\n"):
        if line.lstrip().startswith("["):
            return False
        if _ONE_TARIFF.match(line):
            return True
    return False
