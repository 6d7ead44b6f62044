"""`callserver customers overdue`: who may be suspended for arrears, and who must be resumed."""

from typing import TYPE_CHECKING

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
    from callserver.adapters.http.arrears_shapes import arrears_shape

    async def work(
        office: "Office", catalogue: "Catalogue"
    ) -> "tuple[list[Overdue], list[ToRestore]]":
        return (
            await office.arrears.overdue(catalogue, provider),
            await office.arrears.to_restore(catalogue, provider),
        )

    owing, paid = with_catalogue(config, data, work)
    if json:
        print_json(arrears_shape(owing, paid))
    else:
        _print(owing, paid)
    if any(each.late for each in paid):
        raise typer.Exit(1)


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
