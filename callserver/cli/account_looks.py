"""`callserver accounts entries|statement|events`: what moved an account."""

import csv
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from callserver.cli.accounts import Account, app, in_office
from callserver.cli.arguments import instant
from callserver.cli.options import ConfigFile, DataFolder, Json
from callserver.cli.output import message, print_json, print_table

if TYPE_CHECKING:
    from callserver.domain.ledger import Entry, EntryKind
    from callserver.domain.statement import Statement
    from callserver.service.office import Office

PostedFrom = Annotated[
    str | None, typer.Option("--from", metavar="TIME", help="Posted at or after; RFC 3339.")
]
PostedTo = Annotated[
    str | None, typer.Option("--to", metavar="TIME", help="Posted before; RFC 3339.")
]


@app.command()
def entries(
    account: Account,
    kind: Annotated[
        list[str] | None, typer.Option(help="Of this kind only; repeat for more.")
    ] = None,
    start: PostedFrom = None,
    end: PostedTo = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    cursor: Annotated[str | None, typer.Option(help="The page after the one that said so.")] = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """List what moved an account, the newest first."""
    from callserver.adapters.http.ledger_shapes import ledger_entry_shape
    from callserver.ports import BadCursor
    from callserver.ports.ledger import EntryQuery

    query = EntryQuery(
        account,
        _kinds(kind),
        instant(start, "--from") if start else None,
        instant(end, "--to") if end else None,
        cursor,
        limit,
    )
    try:
        page = in_office(config, data, lambda office: office.ledger.entries(query))
    except BadCursor as wrong:
        raise typer.BadParameter(str(wrong), param_hint="--cursor") from None
    if json:
        shown = [ledger_entry_shape(entry) for entry in page.entries]
        print_json({"entries": shown, "next_cursor": page.next_cursor})
        return
    _print_entries(page.entries)
    if page.next_cursor:
        message(f"more with --cursor {page.next_cursor}")


@app.command()
def statement(
    account: Account,
    month: Annotated[
        str | None, typer.Option(metavar="MONTH", help="2026-11.  [default: this month]")
    ] = None,
    start: PostedFrom = None,
    end: PostedTo = None,
    with_entries: Annotated[
        bool, typer.Option("--entries/--no-entries", help="With what moved it, one by one.")
    ] = True,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV, each row with the balance.")] = False,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Show an account over a period: opening + movements = closing."""
    from callserver.adapters.http.ledger_shapes import StatementRows, statement_shape

    from_ms, to_ms = _period(month, start, end)
    found: list[Entry] = []
    rows, shown = csv.writer(sys.stdout, lineterminator="\n"), StatementRows()

    def keep(_told: "Statement", entry: "Entry") -> None:
        found.append(entry)

    def write(told: "Statement", entry: "Entry") -> None:
        rows.writerows(shown.of_entry(told, entry))  # as it comes: there may be a million

    take = write if as_csv else keep if with_entries else None

    async def work(office: "Office") -> "Statement":
        return await office.ledger.statement(account, from_ms, to_ms, take)

    if as_csv and json:
        raise typer.BadParameter("give one of --csv and --json", param_hint="--csv")
    told = in_office(config, data, work)
    if json:
        print_json(statement_shape(told, found if with_entries else None))
    elif as_csv:
        rows.writerows(shown.end(told))
    else:
        _print_statement(told, found)


@app.command()
def events(
    account: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="One account; without it, all.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """List when accounts ran low, the newest first."""
    from callserver.adapters.http.ledger_shapes import account_event_shape
    from callserver.cli.instants import shown
    from callserver.domain.money import short_yuan

    found = in_office(config, data, lambda office: office.ledger.events(account, None, limit))
    if json:
        print_json({"events": [account_event_shape(event) for event in found]})
        return
    rows = [
        (
            shown(event.at_ms),
            event.account,
            event.event.value,
            short_yuan(event.available_micros),
            short_yuan(event.threshold_micros),
        )
        for event in found
    ]
    print_table(["at", "account", "event", ">available", ">threshold"], rows, empty="no events")


def _kinds(names: list[str] | None) -> "frozenset[EntryKind] | None":
    from callserver.domain.ledger import EntryKind

    if not names:
        return None
    if wrong := sorted(set(names) - set(EntryKind)):
        known = ", ".join(kind.value for kind in EntryKind)
        raise typer.BadParameter(f"{wrong[0]!r} is none of {known}", param_hint="--kind")
    return frozenset(EntryKind(name) for name in names)


def _period(month: str | None, start: str | None, end: str | None) -> tuple[int, int]:
    """A month, or [from, to); by default the running month up to now."""
    import time

    from callserver.domain.billing_month import BadMonth, BillingMonth

    now_ms = time.time_ns() // 1_000_000
    if month is not None:
        if start or end:
            raise typer.BadParameter("give it, or --from and --to, not both", param_hint="--month")
        try:
            chosen = BillingMonth.parse(month)
        except BadMonth as wrong:
            raise typer.BadParameter(str(wrong), param_hint="--month") from None
        return chosen.from_ms, chosen.to_ms
    to_ms = instant(end, "--to") if end else now_ms + 1
    from_ms = instant(start, "--from") if start else BillingMonth.of(to_ms - 1).from_ms
    if from_ms >= to_ms:
        raise typer.BadParameter("is not after --from", param_hint="--to")
    return from_ms, to_ms


def _print_entries(entries: "tuple[Entry, ...]") -> None:
    from callserver.cli.instants import shown
    from callserver.domain.money import short_yuan

    rows = [
        (
            str(entry.id),
            shown(entry.created_ms),
            entry.kind.value,
            short_yuan(entry.amount_micros),
            str(entry.minutes),
            _about(entry),
        )
        for entry in entries
    ]
    columns = [">entry", "posted", "kind", ">amount", ">minutes", "reason"]
    print_table(columns, rows, empty="no entries")


def _about(entry: "Entry") -> str:
    """The reason, and what the entry belongs to."""
    parts = [entry.reason, entry.call_id or ""]
    if entry.reverses is not None:
        parts.append(f"reverses {entry.reverses}")
    if entry.forced:
        parts.append("forced")
    return ", ".join(part for part in parts if part)


def _print_statement(told: "Statement", entries: "list[Entry]") -> None:
    from callserver.cli.instants import shown
    from callserver.domain.money import short_yuan

    print(f"{told.account}: {shown(told.from_ms)} to {shown(told.to_ms)}")
    edges = [
        ("opening", "", told.opening_micros, told.opening_minutes),
        *((m.kind.value, str(m.count), m.micros, m.minutes) for m in told.movements),
        ("closing", "", told.closing_micros, told.closing_minutes),
    ]
    rows = [
        (name, count, short_yuan(micros), str(minutes)) for name, count, micros, minutes in edges
    ]
    print_table(["", ">entries", ">yuan", ">minutes"], rows, empty="")
    if entries:
        print()
        _print_entries(tuple(entries))
