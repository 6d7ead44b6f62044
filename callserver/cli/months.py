"""`callserver months`: close months, correct what came late, and show what they came to."""

import csv
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from callserver.cli.days import actor
from callserver.cli.options import ConfigFile, DataFolder, Json
from callserver.cli.output import message, print_json, print_table

if TYPE_CHECKING:
    from callserver.domain.billing_month import BillingMonth
    from callserver.domain.month import Correction, MonthReport, Phase, ReportRow
    from callserver.service.office import Office

app = typer.Typer(no_args_is_help=True, help="Months: their close and their reports.")

CSV_COLUMNS = (
    "month", "customer", "provider", "numbers", "calls", "answered", "talk_minutes",
    "billed_minutes", "included_minutes", "charged", "shortfalls", "shortfall",
)  # fmt: skip

Month = Annotated[str, typer.Argument(metavar="MONTH", help="Such as 2026-11.")]
Format = Annotated[
    Literal["table", "csv", "json"], typer.Option("--format", help="How to show it.")
]


@app.command()
def close(
    month: Month,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would come to.")] = False,
    batch: Annotated[int, typer.Option(min=1, max=2000, help="Numbers in one transaction.")] = 500,
    format_: Format = "table",
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Close a month that is over: post what numbers owe to their minimums, and fix the bills.

    It may be repeated and goes on where it was killed. A closed month never reopens.
    """
    from callserver.cli.months_live import warnings
    from callserver.cli.opening import open_config, with_office

    settings, wanted = open_config(config, data), month_of(month)
    doubts = warnings(settings)
    for doubt in doubts:
        message(f"warning: {doubt}")

    async def work(office: "Office") -> "MonthReport":
        with bar() as progress:
            if dry_run:
                return await office.months.try_close(wanted, progress)
            return await office.months.close(wanted, actor(), progress, batch)

    _print_report(with_office(settings, work), "json" if json else format_, doubts, dry_run)


@app.command()
def correct(
    month: Month, config: ConfigFile = None, data: DataFolder = None, json: Json = False
) -> None:
    """Post what came late for a closed month; the next close does it too."""
    from callserver.adapters.http.month_shapes import correction_shape
    from callserver.cli.opening import open_config, with_office

    wanted = month_of(month)

    async def work(office: "Office") -> "list[Correction]":
        with bar() as progress:
            return await office.months.correct(wanted, actor(), progress)

    made = with_office(open_config(config, data), work)
    if json:
        print_json({"month": month, "corrections": [correction_shape(each) for each in made]})
    else:
        _print_corrections(made, empty=f"nothing is late for {month}")


@app.command("list")
def list_months(config: ConfigFile = None, data: DataFolder = None, json: Json = False) -> None:
    """List the months that are closed or being closed."""
    from callserver.adapters.http.month_shapes import close_shape
    from callserver.cli.instants import shown
    from callserver.cli.opening import open_config, with_office

    found = with_office(open_config(config, data), lambda office: office.months.closes())
    if json:
        print_json({"months": [close_shape(each) for each in found]})
        return
    rows = [
        (str(each.month), each.phase.value, shown(each.closed_ms or 0), each.actor)
        for each in found
    ]
    print_table(["month", "phase", "closed", "by"], rows, empty="no month is closed yet")


@app.command()
def show(
    month: Month, config: ConfigFile = None, data: DataFolder = None, json: Json = False
) -> None:
    """Show a closed month by provider, and what was corrected of it since."""
    from callserver.adapters.http.month_shapes import correction_shape, report_shape
    from callserver.cli.opening import open_config, with_office

    wanted = month_of(month)

    async def work(office: "Office") -> "tuple[MonthReport, list[Correction]]":
        return await office.months.report(wanted), await office.months.corrections(wanted)

    report, corrections = with_office(open_config(config, data), work)
    if json:
        late = [correction_shape(each) for each in corrections]
        print_json(report_shape(report) | {"corrected_since": late})
        return
    _print_rows(report.by_provider(), customers=False)
    _say_total(report)
    if corrections:
        _print_corrections(corrections, empty="")


@app.command()
def report(
    month: Month,
    format_: Format = "table",
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Show a closed month by customer."""
    from callserver.cli.opening import open_config, with_office

    wanted = month_of(month)
    found = with_office(open_config(config, data), lambda office: office.months.report(wanted))
    _print_report(found, "json" if json else format_, [], dry_run=False)


def month_of(text: str) -> "BillingMonth":
    """The month that somebody wrote."""
    from callserver.domain.billing_month import BadMonth, BillingMonth

    try:
        return BillingMonth.parse(text)
    except BadMonth as wrong:
        raise typer.BadParameter(str(wrong), param_hint="MONTH") from None


@contextmanager
def bar() -> "Iterator[Callable[[Phase, int, int], None]]":
    """A progress bar on standard error, at a terminal only."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(
        console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
    ) as progress:
        task = progress.add_task("", total=None)

        def show_phase(phase: "Phase", done: int, of: int) -> None:
            progress.update(task, description=phase.value, completed=done, total=of or None)

        yield show_phase


def _print_report(found: "MonthReport", how: str, doubts: list[str], dry_run: bool) -> None:
    from callserver.adapters.http.month_shapes import report_shape

    if how == "json":
        print_json(report_shape(found) | {"dry_run": dry_run, "warnings": doubts})
    elif how == "csv":
        _write_csv(found)
    else:
        _print_rows(found.rows, customers=True)
        _say_total(found)
        if dry_run:
            message("only tried: nothing was written")


def _write_csv(found: "MonthReport") -> None:
    from callserver.adapters.http.month_shapes import minutes_text
    from callserver.domain.money import yuan_text

    rows = csv.writer(sys.stdout, lineterminator="\n")
    rows.writerow(CSV_COLUMNS)
    for row in found.rows:
        usage = row.usage
        rows.writerow(
            (
                found.month,
                row.customer,
                row.provider,
                row.numbers,
                usage.calls,
                usage.answered,
                minutes_text(usage.talk_s),
                minutes_text(usage.billed_s),
                usage.minutes,
                yuan_text(usage.charged_micros),
                row.shortfalls,
                yuan_text(row.shortfall_micros),
            )
        )


def _print_rows(rows: "tuple[ReportRow, ...]", *, customers: bool) -> None:
    from callserver.adapters.http.month_shapes import minutes_text
    from callserver.domain.money import short_yuan

    columns = ["provider", ">numbers", ">calls", ">minutes", ">charged", ">short", ">shortfall"]
    print_table(
        ["customer", *columns] if customers else columns,
        [
            (
                *([row.customer or "-"] if customers else []),
                row.provider,
                str(row.numbers),
                str(row.usage.calls),
                minutes_text(row.usage.billed_s),
                short_yuan(row.usage.charged_micros),
                str(row.shortfalls),
                short_yuan(row.shortfall_micros),
            )
            for row in rows
        ],
        empty="nothing in this month",
    )


def _say_total(found: "MonthReport") -> None:
    from callserver.domain.money import short_yuan

    total = found.total
    print(
        f"{found.month}: {total.numbers} numbers, calls {short_yuan(total.usage.charged_micros)}"
        f" yuan, shortfalls {short_yuan(total.shortfall_micros)} yuan of {total.shortfalls} numbers"
    )
    if found.corrections:
        micros = short_yuan(found.corrected_micros)
        print(f"late for earlier months: {found.corrections} numbers, shortfalls {micros} yuan")


def _print_corrections(found: "list[Correction]", empty: str) -> None:
    from callserver.domain.money import short_yuan

    print_table(
        ["month", "number", "customer", ">calls", ">charged", ">shortfall", "on the bill of"],
        [
            (
                str(each.month),
                each.did,
                each.customer,
                str(each.usage.calls),
                short_yuan(each.usage.charged_micros),
                short_yuan(each.shortfall_micros),
                str(each.posted_in),
            )
            for each in found
        ],
        empty=empty,
    )
