"""`callserver customers overdue`: who may be suspended for arrears, and who must be resumed."""

from typing import TYPE_CHECKING, Any

import typer

from callserver.cli.options import ConfigFile, DataFolder, Json
from callserver.cli.output import print_json, print_table
from callserver.cli.providers import OfTree, with_catalogue

if TYPE_CHECKING:
    from callserver.domain.arrears import Overdue, ToRestore
    from callserver.domain.business import Catalogue
    from callserver.service.office import Office

HOUR_MS = 3_600_000


def overdue(
    provider: OfTree = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """List customers in arrears, and paid-up numbers to resume within 48 hours.

    Exit status 1 if a number is late.
    """

    async def work(
        office: "Office", catalogue: "Catalogue"
    ) -> "tuple[list[Overdue], list[ToRestore]]":
        return (
            await office.arrears.overdue(catalogue, provider),
            await office.arrears.to_restore(catalogue, provider),
        )

    owing, paid = with_catalogue(config, data, work)
    if json:
        print_json(
            {
                "overdue": [_overdue(one) for one in owing],
                "restore": [_restore(one) for one in paid],
            }
        )
    else:
        _print(owing, paid)
    if any(each.late for each in paid):
        raise typer.Exit(1)


def _overdue(found: "Overdue") -> dict[str, Any]:
    from callserver.domain.money import money_json

    owed = found.owed
    return {
        "customer": found.customer,
        "settled": money_json(found.settled_micros),
        "owed": money_json(owed.micros) if owed else None,
        "oldest_month": str(owed.month) if owed else None,
        "days_overdue": owed.days if owed else None,
        "suspend_from": owed.from_day.isoformat() if owed else None,
        "may_suspend": owed is None or owed.may_suspend,
        "numbers": list(found.numbers),
    }


def _restore(found: "ToRestore") -> dict[str, Any]:
    from callserver.cli.instants import instant_text

    return {
        "number": found.number,
        "customer": found.customer,
        "paid_at": instant_text(found.paid_ms),
        "resume_by": instant_text(found.paid_ms + 48 * HOUR_MS),
        "late": found.late,
    }


def _print(owing: "list[Overdue]", paid: "list[ToRestore]") -> None:
    from callserver.cli.instants import shown
    from callserver.domain.money import short_yuan

    rows = [
        (
            each.customer,
            short_yuan(each.owed.micros if each.owed else -each.settled_micros),
            str(each.owed.month) if each.owed else "prepaid",
            str(each.owed.days) if each.owed else "-",
            f"from {each.owed.from_day}" if each.owed else "now",
            ", ".join(each.numbers) or "-",
        )
        for each in owing
    ]
    columns = ["customer", ">owed", "oldest month", ">days", "may suspend", "numbers"]
    print_table(columns, rows, empty="nobody is in arrears")
    if not paid:
        return
    print()
    left = [
        (
            each.number,
            each.customer,
            shown(each.paid_ms),
            f"{abs(each.left_ms) // HOUR_MS} h {'LATE' if each.late else 'left'}",
        )
        for each in paid
    ]
    print_table(["resume", "customer", "paid", "of 48 h"], left, empty="")
