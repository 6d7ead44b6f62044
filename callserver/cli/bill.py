"""`callserver bill`: a customer's bill, to date or fixed."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from callserver.cli.arguments import slug
from callserver.cli.options import ConfigFile, DataFolder, Json
from callserver.cli.output import Failed, message, print_json, print_table, private_file

if TYPE_CHECKING:
    from callserver.domain.bill import Bill
    from callserver.service.office import Office


def show_bill(
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="Its id.")],
    month: Annotated[
        str | None, typer.Option("--month", metavar="MONTH", help="Such as 2026-11; default: now.")
    ] = None,
    format_: Annotated[
        Literal["table", "csv", "json", "html"], typer.Option("--format", help="How to show it.")
    ] = "table",
    language: Annotated[
        Literal["zh-CN", "en"], typer.Option("--lang", help="Of the HTML page.")
    ] = "zh-CN",
    for_provider: Annotated[
        bool, typer.Option("--for-provider", help="With the feature fees its provider pays.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Instead of stdout.")
    ] = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Show a customer's bill of a month.

    To date while the month runs, fixed once it is closed."""
    from callserver.adapters.http.bill_csv import bill_csv
    from callserver.adapters.http.bill_page import bill_html
    from callserver.adapters.http.month_shapes import bill_shape
    from callserver.cli.arguments import month as month_of
    from callserver.cli.months_live import running_calls
    from callserver.cli.opening import open_config, with_office
    from callserver.domain.bill import BillState

    settings, owner = open_config(config, data), slug(customer, "CUSTOMER")
    wanted = month_of(month, "--month") if month else None

    async def work(office: "Office") -> "Bill":
        return await office.bills.bill(owner, wanted or office.bills.this_month())

    found = with_office(settings, work)
    if found.state is BillState.OVER and found.is_bare:
        raise Failed(
            f"there is no bill of {found.month} for {owner}: no number, call or entry of it is in "
            "the books of that month"
        )
    found = found.with_running(running_calls(settings, owner))
    how = "json" if json else format_
    if how == "table":
        if output is not None:
            raise typer.BadParameter("needs --format csv, json or html", param_hint="--output")
        _print_bill(found, for_provider=for_provider)
    elif how == "json" and output is None:
        print_json(bill_shape(found, for_provider=for_provider))
    elif how == "json":
        import orjson

        _write(orjson.dumps(bill_shape(found, for_provider=for_provider)).decode(), output)
    elif how == "csv":
        _write(bill_csv(found, for_provider=for_provider), output)
    else:
        _write(bill_html(found, language=language, for_provider=for_provider), output)


def _write(text: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(text)
        return
    with private_file(output) as file:
        file.write(text)
    message(f"written to {output}")


def _print_bill(bill: "Bill", *, for_provider: bool) -> None:
    from callserver.adapters.http.month_shapes import minutes_text
    from callserver.domain.money import short_yuan

    print(f"{bill.name} ({bill.customer}), {bill.month}, {bill.state.value}")
    print_table(
        ["number", ">calls", ">answered", ">talk min", ">billed min", ">included", ">fee",
         ">minimum", ">shortfall", "standing"],
        [
            (
                line.did,
                str(line.usage.calls),
                str(line.usage.answered),
                minutes_text(line.usage.talk_s),
                minutes_text(line.usage.billed_s),
                str(line.usage.minutes),
                short_yuan(line.usage.charged_micros),
                short_yuan(line.minimum_micros),
                short_yuan(line.shortfall_micros),
                line.standing.value,
            )
            for line in bill.lines
        ],
        empty="no numbers",
    )  # fmt: skip
    _print_totals(bill)
    if for_provider:
        micros = sum(each.fee_micros for each in bill.features)
        print(f"feature fees, paid by {bill.provider}: {short_yuan(micros)}")
    if bill.running is not None:
        fee = short_yuan(bill.running_micros)
        print(f"running calls: {len(bill.running)}, {fee} so far")
    if bill.notice is not None:
        print(
            f"NOTICE: calls cost {short_yuan(bill.notice.fee_micros)}, more than"
            f" {bill.notice.factor} times the mean of the last three months"
            f" ({short_yuan(bill.notice.mean_micros)})"
        )


def _print_totals(bill: "Bill") -> None:
    from callserver.domain.bill import BillState
    from callserver.domain.money import short_yuan

    projected = {
        BillState.OPEN: " (if the month ended now)",
        BillState.OVER: " (the month is not closed yet)",
        BillState.CLOSED: "",
    }[bill.state]
    print(f"calls: {short_yuan(bill.usage.charged_micros)}")
    if bill.corrections_micros:
        print(f"  of which corrections: {short_yuan(bill.corrections_micros)}")
    print(f"shortfall of the minimum: {short_yuan(bill.shortfall_micros)}{projected}")
    for each in bill.late:
        print(
            f"late for {each.month}, {each.did}: {each.usage.calls} calls"
            f" {short_yuan(each.usage.charged_micros)}, shortfall"
            f" {short_yuan(each.shortfall_micros)}"
        )
    print(f"plan fees: {short_yuan(bill.plan_micros)}")
    print(f"due: {short_yuan(bill.due_micros)}")
    print(f"included minutes: {bill.usage.minutes} used, {bill.minutes_left} left")
