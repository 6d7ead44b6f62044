"""`callserver reconcile`: deductions against the ledger, day by day [R2]."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from callserver.cli.days import day_or_none
from callserver.cli.options import ConfigFile, DataFolder, Json
from callserver.cli.output import EXIT_FAILED, Failed, message, print_json, print_table

if TYPE_CHECKING:
    from callserver.domain.reconciliation import ProviderDay
    from callserver.service.office import Office

COLUMNS = ("provider", "day", "deductions", "deducted", "debits", "debited", "difference", "agrees")


def reconcile(
    day: Annotated[
        str | None, typer.Option("--day", metavar="DAY", help="In Shanghai.  [default: today]")
    ] = None,
    provider: Annotated[
        str | None, typer.Option("--provider", metavar="ID", help="Only its own.")
    ] = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Also write it as CSV.")
    ] = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Compare a day's deductions with the providers' ledgers.

    Exit status 1 if they differ."""
    from callserver.cli.opening import open_config, with_office

    wanted = day_or_none(day, "--day")

    async def work(office: "Office") -> "tuple[ProviderDay, ...]":
        return await office.features.reconcile(wanted or office.features.today(), provider)

    found = with_office(open_config(config, data), work)
    if csv_file is not None:
        _write(csv_file, found)
    if json:
        agrees = all(each.agrees for each in found)
        print_json({"agrees": agrees, "providers": [_json(each) for each in found]})
    else:
        _print(found)
    if not all(each.agrees for each in found):
        raise typer.Exit(EXIT_FAILED)


def _print(found: "tuple[ProviderDay, ...]") -> None:
    names = [name if name in {"provider", "day", "agrees"} else f">{name}" for name in COLUMNS]
    print_table(names, [_row(each) for each in found], empty="no feature fees on this day")
    for each in found:
        for one in each.differences:
            rows = [
                f"{kind} {number}"
                for kind, number in (("deduction", one.deduction), ("ledger entry", one.entry))
                if number is not None
            ]
            message(f"{each.provider}: {', '.join(rows)}: {one.why}")


def _row(each: "ProviderDay") -> tuple[str, ...]:
    from callserver.domain.money import short_yuan

    return (
        each.provider,
        each.day.isoformat(),
        str(each.deductions),
        short_yuan(each.deducted_micros),
        str(each.entries),
        short_yuan(each.debited_micros),
        short_yuan(each.difference_micros),
        "yes" if each.agrees else "NO",
    )


def _write(path: Path, found: "tuple[ProviderDay, ...]") -> None:
    try:
        with path.open("w", encoding="utf-8-sig", newline="") as file:  # what Excel reads right
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows(_row(each) for each in found)
    except FileNotFoundError:
        raise Failed(f"{path}: there is no folder {path.parent}; make it first") from None
    except OSError as fault:
        raise Failed(f"{path}: {fault.strerror}") from fault


def _json(each: "ProviderDay") -> dict[str, Any]:
    from callserver.domain.money import money_json

    return {
        "provider": each.provider,
        "day": each.day.isoformat(),
        "deductions": each.deductions,
        "deducted": money_json(each.deducted_micros),
        "debits": each.entries,
        "debited": money_json(each.debited_micros),
        "difference": money_json(each.difference_micros),
        "agrees": each.agrees,
        "differences": [
            {"deduction": one.deduction, "ledger_entry": one.entry, "why": one.why}
            for one in each.differences
        ],
    }
