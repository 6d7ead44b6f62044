"""`callserver cdr purge|dispute|disputes|regions`: callers' numbers, how long, and what is left."""

import getpass
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from callserver.cli.arguments import month as month_of
from callserver.cli.options import ConfigFile, DataFolder, Json
from callserver.cli.output import print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callserver.domain.retention import CallerDay, Dispute
    from callserver.service.office import Office
    from callserver.service.retention import Told


def purge(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is due.")] = False,
    rewrite: Annotated[
        bool,
        typer.Option("--rewrite", help="Then write an SQLite file anew; stop the server for it."),
    ] = False,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Delete callers' numbers whose time is over.

    Counts by day and area stay.

    Money is never deleted, nor the caller of a disputed call. A running server does it by itself.
    """
    from callserver.cli.instants import instant_text, shown
    from callserver.cli.opening import open_config, with_office
    from callserver.service.retention import Purge

    async def work(office: "Office") -> Purge:
        if dry_run:
            return await office.retention.purge(dry_run=True)
        with _bar((await office.retention.due()).callers) as told:
            return await office.retention.purge(rewrite=rewrite, told=told)

    done = with_office(open_config(config, data), work)
    if json:
        print_json(
            {
                "before": instant_text(done.before_ms),
                "callers": done.deleted,
                "disputed": done.disputed,
                "dry_run": done.dry_run,
            }
        )
        return
    would = "would be deleted" if done.dry_run else "deleted"
    print(f"calls that ended before {shown(done.before_ms)}: {done.deleted} callers {would}")
    if done.disputed:
        print(f"{done.disputed} of disputed calls stay")


@contextmanager
def _bar(total: int) -> "Iterator[Told | None]":
    """A progress bar on standard error; nothing where that is no terminal or nothing is due."""
    import sys

    if not total or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("callers deleted", total=total)
        yield lambda done: progress.update(task, completed=done)


def dispute(
    call_id: Annotated[str, typer.Argument(metavar="CALL_ID")],
    note: Annotated[str | None, typer.Option(help="Who contests what; kept with the call.")] = None,
    close: Annotated[
        bool, typer.Option("--close", help="It is settled: the caller goes with its month.")
    ] = False,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Note that a call is contested.

    Its caller stays until the dispute is closed.
    """
    from callserver.cli.opening import open_config, with_office

    if close is (note is not None):
        raise typer.BadParameter("give --note, or --close", param_hint="--note")
    actor = f"cli:{getpass.getuser()}"

    async def work(office: "Office") -> "tuple[Dispute, bool]":
        if note is None:
            return await office.retention.settle_dispute(call_id, actor), True
        return await office.retention.dispute(call_id, note, actor)

    found, new = with_office(open_config(config, data), work)
    if json:
        print_json(dispute_shape(found))
    elif close:
        print(f"{call_id}: settled")
    else:
        print(f"{call_id}: disputed{'' if new else ' already'}: {found.note}")


def disputes(
    all_: Annotated[bool, typer.Option("--all", help="Settled ones too.")] = False,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """List contested calls, the newest first."""
    from callserver.cli.instants import shown
    from callserver.cli.opening import open_config, with_office

    found = with_office(
        open_config(config, data), lambda office: office.retention.disputes(closed=all_)
    )
    if json:
        print_json({"disputes": [dispute_shape(each) for each in found]})
        return
    rows = [
        (
            shown(each.opened_ms),
            "open" if each.closed_ms is None else "settled",
            each.call_id,
            each.actor,
            each.note,
        )
        for each in found
    ]
    print_table(["noted", "state", "call_id", "by", "note"], rows, empty="no disputes")


def regions(
    month: Annotated[str, typer.Option(metavar="MONTH", help="Month in Shanghai.")],
    did: Annotated[str | None, typer.Option(help="Of this 400 number only.")] = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Show what is left of a month without its callers.

    Calls by day, number and area.
    """
    from datetime import date

    from callserver.cli.opening import open_config, with_office
    from callserver.domain.billing_month import shanghai_day
    from callserver.domain.money import short_yuan

    wanted = month_of(month, "--month")
    first, last = date(wanted.year, wanted.month, 1), shanghai_day(wanted.to_ms - 1)
    found = with_office(
        open_config(config, data),
        lambda office: office.retention.caller_days(first.isoformat(), last.isoformat(), did),
    )
    if json:
        print_json({"month": month, "days": [caller_day_shape(each) for each in found]})
        return
    rows = [
        (
            each.day.isoformat(),
            each.did,
            each.customer or "-",
            each.province or "-",
            each.area_code or "-",
            str(each.calls),
            str(each.answered),
            str(each.billsec),
            short_yuan(each.charged_micros),
        )
        for each in found
    ]
    columns = [
        "day",
        "did",
        "customer",
        "province",
        "area",
        ">calls",
        ">answered",
        ">s",
        ">charged",
    ]
    print_table(columns, rows, empty="nothing was deleted of that month")


def dispute_shape(each: "Dispute") -> dict[str, object]:
    """As JSON."""
    from callserver.cli.instants import instant_text

    return {
        "call_id": each.call_id,
        "ended": instant_text(each.ended_ms),
        "note": each.note,
        "by": each.actor,
        "noted": instant_text(each.opened_ms),
        "settled": None if each.closed_ms is None else instant_text(each.closed_ms),
    }


def caller_day_shape(each: "CallerDay") -> dict[str, object]:
    """As JSON: what is not known is null."""
    from callserver.domain.money import money_json

    told = asdict(each)
    told["day"] = each.day.isoformat()
    for name in ("customer", "province", "area_code"):
        told[name] = told[name] or None
    for name in ("fee", "charged"):
        told[name] = money_json(told.pop(f"{name}_micros"))
    return told
