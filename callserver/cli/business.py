"""`callserver import` and `callserver export`: customers, numbers, lines and tariffs as files."""

import getpass
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from callserver.cli.import_bar import staging
from callserver.cli.options import ConfigFile, DataFolder, Json
from callserver.cli.output import EXIT_FAILED, Failed, message, print_json, private_file

if TYPE_CHECKING:
    from callserver.adapters.sql.books import SqlBooks
    from callserver.domain.business import Catalogue
    from callserver.domain.import_set import ImportChanges, ImportProblem
    from callserver.domain.offers import Offers
    from callserver.service.importing import Progress, SourceFile


def import_business(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILES...", help="TOML, or CSV with one kind each.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Import business data from TOML and CSV: all or nothing.

    Customers, numbers, lines, tariffs, features, plans and minimums.

    Every error is listed with file, line, column and reason. A running server follows at once.
    """
    from callserver.cli.opening import open_config, with_books

    sources = [_source(path) for path in files]
    with staging(sum(len(source.content) for source in sources)) as progress:
        outcome = with_books(
            open_config(config, data),
            lambda books: _import(books, sources, write=not dry_run, progress=progress),
        )
    if isinstance(outcome, list):
        _print_problems(outcome, json=json)
        raise typer.Exit(EXIT_FAILED)
    counts = outcome.counts()
    if json:
        print_json({"changed": counts, "dry_run": dry_run})
    elif outcome.is_empty():
        print("nothing to change")
    else:
        changed = ", ".join(_counted(count, kind) for kind, count in counts.items() if count)
        print(f"{'would change' if dry_run else 'changed'}: {changed}")


def _source(path: Path) -> "SourceFile":
    from callserver.service.importing import SourceFile

    try:
        return SourceFile(str(path), path.read_bytes())
    except OSError as fault:
        raise Failed(f"{path}: {fault.strerror}") from fault


async def _import(
    books: "SqlBooks",
    sources: "list[SourceFile]",
    *,
    write: bool,
    progress: "Progress | None",
) -> "ImportChanges | list[ImportProblem]":
    from callserver.service.importing import ImportContended, import_files

    now_ms = time.time_ns() // 1_000_000
    actor = f"cli:{getpass.getuser()}"
    try:
        return await import_files(
            books, sources, now_ms=now_ms, actor=actor, write=write, progress=progress
        )
    except ImportContended as fault:
        raise Failed(str(fault)) from fault


def _print_problems(problems: "list[ImportProblem]", *, json: bool) -> None:
    if json:
        shown: list[dict[str, Any]] = [
            {
                "file": problem.file,
                "line": problem.line or None,
                "column": problem.column,
                "reason": problem.reason,
            }
            for problem in problems
        ]
        print_json({"problems": shown})
        return
    for problem in problems:
        message(str(problem))
    message(f"callserver: {_counted(len(problems), 'problems')}, nothing was imported")


def _counted(count: int, things: str) -> str:
    return f"{count} {things.removesuffix('s') if count == 1 else things}"


def export_business(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="TOML, not to stdout.")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="DIR", help="One CSV file a kind, there.")
    ] = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Export business data as TOML or CSV.

    Customers, numbers, lines, tariffs, features, plans and minimums.

    Importing it again changes nothing.
    """
    from callserver.cli.opening import open_config, with_books
    from callserver.service.exporting import export_csv, export_toml
    from callserver.service.import_kinds import KINDS

    if sum(1 for given in (output, csv, json or None) if given) > 1:
        raise typer.BadParameter("give one of --output, --csv and --json")
    catalogue, offers = with_books(open_config(config, data), _everything)
    if csv is not None:
        _make_folder(csv)
        for kind in KINDS.values():
            _write(csv / f"{kind.plural}.csv", export_csv(catalogue, kind, offers))
    elif output is not None:
        _write(output, export_toml(catalogue, offers))
    elif json:
        import tomllib

        print_json(tomllib.loads("".join(export_toml(catalogue, offers))))
    else:
        for text in export_toml(catalogue, offers):
            print(text, end="")


async def _everything(books: "SqlBooks") -> "tuple[Catalogue, Offers]":
    return await books.load_catalogue(), await books.load_offers()


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(exist_ok=True)
    except FileNotFoundError:
        raise Failed(f"{path}: there is no folder {path.parent}; make it first") from None
    except OSError as fault:
        raise Failed(f"{path}: {fault.strerror}") from fault


def _write(path: Path, texts: Iterable[str]) -> None:
    try:
        with private_file(path) as file:
            file.writelines(texts)
    except OSError as fault:
        raise Failed(f"{path}: {fault.strerror}") from fault
    message(f"wrote {path}")
