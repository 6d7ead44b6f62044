"""Imports customers, numbers and tariffs from files: all of it or nothing, every error named."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from callserver.domain.import_plan import plan_import
from callserver.domain.import_set import ImportChanges, ImportProblem, ImportSet
from callserver.ports import ImportBooks
from callserver.service.import_csv import read_csv
from callserver.service.import_records import Record, RowsRead
from callserver.service.import_toml import read_toml

Progress = Callable[[str, int], None]
"""Told of a stage (`reading`, `checking`, `writing`) and the records done. From any thread."""

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
    done = 0
    for file in files:
        for found in _records(file, tariff_id):
            if isinstance(found, ImportProblem):
                read.problems.append(found)
            else:
                read.add(found)
            done += 1
            if progress and done % _PROGRESS_EVERY == 0:
                progress("reading", done)
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
        tell("checking", 0)
        catalogue = await books.load_catalogue()
        changes = await asyncio.to_thread(plan_import, catalogue, rows, now_ms)
        if isinstance(changes, list) or changes.is_empty() or not write:
            return changes
        tell("writing", sum(changes.counts().values()))
        if await books.apply_import(changes, actor):
            return changes
    raise ImportContended("the books keep changing under this import; try again")


def _untold(_stage: str, _done: int) -> None:
    """Nobody asked for progress."""
