"""Imports customers, numbers and tariffs from files: all of it or nothing, every error named."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from callserver.domain.import_plan import plan_import
from callserver.domain.import_set import (
    ImportChanges,
    ImportProblem,
    ImportSet,
    Item,
    RowDeclined,
)
from callserver.ports import ImportBooks
from callserver.service.import_csv import read_csv
from callserver.service.import_kinds import KINDS
from callserver.service.import_records import Record, RowsRead
from callserver.service.import_toml import read_toml

Progress = Callable[[str, int, int], None]
"""Told of a stage (`reading`, `checking`, `writing`), what is done of it, and of how much (0: not
known). Reading is counted in lines, writing in records. From any thread."""

_PROGRESS_EVERY = 5_000
_TRIES = 5
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to import: its name decides the format (`.toml`, `.csv`)."""

    name: str
    content: bytes


class ImportContended(Exception):
    """Somebody else changed the books again and again while the import was checked."""


def parse(
    files: Sequence[SourceFile], progress: Progress | None = None, tariff_id: str | None = None
) -> ImportSet | list[ImportProblem]:
    """The rows of the files, or every problem in them, in the order of the files' lines.

    A lone tariff without an id in its file is called `tariff_id`, if that is given.
    """
    read = RowsRead()
    lines = [file.content.count(b"\n") for file in files]
    done = 0
    for place, file in enumerate(files):
        for found in _records(file, tariff_id):
            if isinstance(found, ImportProblem):
                read.problems.append(found)
            else:
                read.add(found)
            done += 1
            if progress and done % _PROGRESS_EVERY == 0:
                progress("reading", sum(lines[:place]) + found.line, sum(lines))
    order = {file.name: place for place, file in enumerate(files)}
    read.problems.sort(key=lambda each: (order[each.file], each.line, each.column or 0))
    return read.problems or read.rows()


def _records(file: SourceFile, tariff_id: str | None) -> Iterator[Record | ImportProblem]:
    content = file.content.removeprefix(_BOM)
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        yield ImportProblem(file.name, line, None, "not UTF-8; save the file as UTF-8")
        return
    if file.name.lower().endswith(".csv"):
        yield from read_csv(file.name, text)
    elif file.name.lower().endswith(".toml") or tariff_id is not None:
        yield from read_toml(file.name, text, tariff_id)
    else:
        yield ImportProblem(file.name, 0, None, "a file to import ends in .toml or .csv")


async def import_files(
    books: ImportBooks,
    files: Sequence[SourceFile],
    *,
    now_ms: int,
    actor: str,
    write: bool = True,
    progress: Progress | None = None,
) -> ImportChanges | list[ImportProblem]:
    """Import the files: what changed (nothing, the second time), or every problem found.

    With `write` False it only says what would change. `now_ms` is when new terms of a tariff take
    effect. Raises ImportContended, StoreUnavailable and OutcomeUnknown; after the last, importing
    the same files again does what is left to do.
    """
    tell = progress or _untold
    rows = await asyncio.to_thread(parse, files, progress)
    if isinstance(rows, list):
        return rows
    for _ in range(_TRIES):
        tell("checking", 0, 0)
        catalogue = await books.load_catalogue()
        offers = await books.load_offers() if rows.has_offers else None
        changes = await asyncio.to_thread(plan_import, catalogue, rows, now_ms, offers)
        if isinstance(changes, list) or changes.is_empty() or not write:
            return changes
        counter = _Counter(tell, sum(changes.counts().values()))
        try:
            if await books.apply_import(changes, actor, counter.add):
                return changes
        except RowDeclined as declined:
            return [_at_its_row(rows, declined)]
    raise ImportContended("the books keep changing under this import; try again")


def _at_its_row(rows: ImportSet, declined: RowDeclined) -> ImportProblem:
    """The problem where the row was written that a rule said no to."""
    kind = next(kind for kind in KINDS.values() if kind.plural == declined.kind)
    items: tuple[Item[Any], ...] = getattr(rows, declined.kind)
    for item in items:
        row = item.row
        keys = (row.did,) if hasattr(row, "did") else (getattr(row.terms, kind.name),)
        if declined.key in keys:
            return item.problem(declined.reason)
    return ImportProblem(items[0].file, 0, None, declined.reason)


@dataclass(slots=True)
class _Counter:
    """Tells how much of the writing is done."""

    tell: Progress
    total: int
    done: int = 0

    def add(self, rows: int) -> None:
        """So many rows more."""
        self.done += rows
        self.tell("writing", self.done, self.total)


def _untold(_stage: str, _done: int, _total: int) -> None:
    """Nobody asked for progress."""
