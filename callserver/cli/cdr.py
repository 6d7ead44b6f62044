"""`callserver cdr`: rated calls, read from SQL."""

import csv
import sys
from collections.abc import AsyncIterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from callserver.cli.arguments import instant, slug
from callserver.cli.options import ConfigFile, DataFolder, From, Json, To
from callserver.cli.output import (
    Failed,
    message,
    print_json,
    print_json_line,
    print_table,
    private_file,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callserver.adapters.sql.books import SqlBooks
    from callserver.domain.cdr import Cdr
    from callserver.domain.rerating import PostedCorrection
    from callserver.ports import CdrPage, CdrQuery

app = typer.Typer(no_args_is_help=True, help="Rated calls.")
PAGE = 500

Did = Annotated[str | None, typer.Option(help="Of this 400 number only.")]
OfCustomer = Annotated[str | None, typer.Option(metavar="ID", help="Of this customer only.")]
FullCallers = Annotated[
    bool, typer.Option("--full-callers", help="Show callers in full, not masked.")
]


@app.command("list")
def list_cdrs(
    did: Did = None,
    customer: OfCustomer = None,
    start: From = None,
    end: To = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    cursor: Annotated[str | None, typer.Option(help="The page after the one that said so.")] = None,
    full_callers: FullCallers = False,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """List calls, the one that ended last first."""
    from callserver.adapters.http.shapes import cdr_shape
    from callserver.cli.instants import shown
    from callserver.cli.opening import open_config, with_books
    from callserver.domain.money import short_yuan

    query = _query(did, customer, start, end, limit, cursor)
    page = with_books(open_config(config, data), lambda books: _page(books, query))
    if json:
        cdrs = [cdr_shape(cdr, in_full=full_callers, with_cost=True) for cdr in page.cdrs]
        print_json({"cdrs": cdrs, "next_cursor": page.next_cursor})
        return
    rows = [
        (
            shown(cdr.ended_ms),
            cdr.did,
            caller_shown(cdr, full_callers),
            cdr.destination or "-",
            cdr.disposition.value,
            str(cdr.billsec),
            short_yuan(cdr.fee_micros) + (" est." if cdr.estimated else ""),
            cdr.call_id,
        )
        for cdr in page.cdrs
    ]
    columns = ["ended", "did", "caller", "destination", "disposition", ">s", ">fee", "call_id"]
    print_table(columns, rows, empty="no calls")
    if page.next_cursor:
        message(f"more with --cursor {page.next_cursor}")


@app.command()
def export(
    did: Did = None,
    customer: OfCustomer = None,
    start: From = None,
    end: To = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Instead of stdout.")
    ] = None,
    full_callers: FullCallers = False,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line, not CSV.")] = False,
) -> None:
    """Write calls as CSV or JSON lines, the last first."""
    from callserver.cli.opening import open_config, with_books

    query = _query(did, customer, start, end, PAGE, None)
    settings = open_config(config, data)

    async def write(books: "SqlBooks") -> int:
        with _opened(output) as file:
            return await _write(books, query, file, full_callers, json)

    count = with_books(settings, write)
    message(f"{count} calls")


@app.command()
def show(
    call_id: Annotated[str, typer.Argument(metavar="CALL_ID", help="As `list` shows it.")],
    full_callers: FullCallers = False,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Show one call, its fee step by step, its corrections."""
    from callserver.adapters.http.correction_shapes import correction_shape
    from callserver.adapters.http.shapes import cdr_shape
    from callserver.cli.opening import open_config, with_books, with_office

    settings = open_config(config, data)
    found = with_books(settings, lambda books: books.cdr(call_id))
    if found is None:
        raise Failed(f"there is no call {call_id!r}")
    corrections = with_office(settings, lambda office: office.rerating.corrections([call_id]))
    if json:
        shown = cdr_shape(found, in_full=full_callers, with_cost=True)
        print_json(shown | {"corrections": [correction_shape(each) for each in corrections]})
        return
    _print_call(found, corrections, full_callers)


def _print_call(cdr: "Cdr", corrections: "list[PostedCorrection]", full_callers: bool) -> None:
    from callserver.cli.instants import shown
    from callserver.domain.money import short_yuan

    print(f"{cdr.call_id}: {caller_shown(cdr, full_callers)} → {cdr.did} → {cdr.destination}")
    print(f"{cdr.disposition.value}, ended {shown(cdr.ended_ms)}, {cdr.billsec} s")
    print(f"fee {short_yuan(cdr.fee_micros)} yuan, charged {short_yuan(cdr.charged_micros)}")
    for line in cdr.fee_lines:
        print(f"  {line}")
    for posted in corrections:
        each = posted.correction
        before, after = short_yuan(each.before_micros), short_yuan(each.after_micros)
        version = f"{each.tariff} version {each.tariff_version}"
        print(f"corrected {shown(posted.created_ms)}: {before} → {after} yuan by {version}")
        print(f"  {posted.reason}")
        for line in each.fee_lines:
            print(f"  {line}")


def caller_shown(cdr: "Cdr", in_full: bool) -> str:
    """The caller for people; `-` where withheld."""
    from callserver.domain.number import mask

    return (cdr.caller.number if in_full else mask(cdr.caller.number)) or "-"


def _query(
    did: str | None,
    customer: str | None,
    start: str | None,
    end: str | None,
    limit: int,
    cursor: str | None,
) -> "CdrQuery":
    from callserver.domain.number import is_did
    from callserver.ports import CdrQuery

    if did is not None and not is_did(did):
        raise typer.BadParameter(f"{did!r} is not 400 and seven digits", param_hint="--did")
    from_ms = instant(start, "--from") if start else None
    to_ms = instant(end, "--to") if end else None
    if from_ms is not None and to_ms is not None and to_ms <= from_ms:
        raise typer.BadParameter("is not after --from", param_hint="--to")
    return CdrQuery(
        customers=None if customer is None else frozenset({slug(customer, "--customer")}),
        did=did,
        from_ms=from_ms,
        to_ms=to_ms,
        cursor=cursor,
        limit=limit,
    )


async def _page(books: "SqlBooks", query: "CdrQuery") -> "CdrPage":
    from callserver.ports import BadCursor

    try:
        return await books.cdrs(query)
    except BadCursor as wrong:
        raise typer.BadParameter(str(wrong) or "not a cursor", param_hint="--cursor") from None


async def _pages(books: "SqlBooks", query: "CdrQuery") -> AsyncIterator["Cdr"]:
    from dataclasses import replace

    while True:
        page = await books.cdrs(query)
        for cdr in page.cdrs:
            yield cdr
        if page.next_cursor is None:
            return
        query = replace(query, cursor=page.next_cursor)


async def _write(
    books: "SqlBooks", query: "CdrQuery", file: TextIO, full_callers: bool, json: bool
) -> int:
    from callserver.adapters.http.shapes import cdr_shape
    from callserver.cli.cdr_columns import COLUMNS, cdr_row

    count = 0
    rows = csv.writer(file, lineterminator="\n")
    if not json:
        rows.writerow(COLUMNS)
    async for cdr in _pages(books, query):
        if json:
            print_json_line(cdr_shape(cdr, in_full=full_callers, with_cost=True), file)
        else:
            rows.writerow(cdr_row(cdr, in_full=full_callers))
        count += 1
    return count


@contextmanager
def _opened(path: Path | None) -> "Iterator[TextIO]":
    if path is None:
        yield sys.stdout
        return
    with private_file(path) as file:
        yield file
