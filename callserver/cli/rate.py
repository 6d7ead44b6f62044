"""`callserver rate`: what a call costs, with its arithmetic."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from callserver.cli.arguments import amount, instant_or_now, slug
from callserver.cli.options import At, ConfigFile, DataFolder, Json
from callserver.cli.output import print_json

if TYPE_CHECKING:
    from callserver.service.quotes import Quote


def rate(
    seconds: Annotated[
        int | None, typer.Option(min=0, help="Answered seconds (billsec).", show_default=False)
    ] = None,
    rate: Annotated[str | None, typer.Option(help="Yuan a minute, such as 0.15.")] = None,
    increments: Annotated[
        str | None, typer.Option(help="First and further increments in seconds.  [default: 60/60]")
    ] = None,
    connection_fee: Annotated[str | None, typer.Option(help="Yuan added to a billed call.")] = None,
    minimum_charge: Annotated[str | None, typer.Option(help="Least fee of a billed call.")] = None,
    cap: Annotated[str | None, typer.Option(help="The most a call costs.")] = None,
    free_seconds: Annotated[
        int | None, typer.Option(min=0, help="A call no longer than this is free.")
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(help="Yuan a fee is rounded to: before the tariff's own.  [default: 0.001]"),
    ] = None,
    included_minutes: Annotated[
        int, typer.Option(min=0, help="Minutes of a plan that are left, used up first.")
    ] = 0,
    tariff: Annotated[
        str | None, typer.Option(metavar="NAME", help="A stored tariff, or one of the file.")
    ] = None,
    did: Annotated[
        str | None, typer.Option(metavar="DID", help="As a call to this 400 number costs.")
    ] = None,
    customer: Annotated[
        str | None, typer.Option(metavar="CUSTOMER", help="As this customer's calls cost.")
    ] = None,
    tariff_file: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="TOML or CSV with tariffs; may be given twice."),
    ] = None,
    at: At = None,
    caller: Annotated[
        str, typer.Option("--from", metavar="CALLER", help="The caller as a trunk presents it.")
    ] = "",
    to: Annotated[
        str,
        typer.Option(
            metavar="DESTINATION", help="The line that answers.  [default: with --did, its first]"
        ),
    ] = "",
    area_code: Annotated[
        str | None, typer.Option(help="Area code of callers who come without one.")
    ] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of a tariff file, and end.")
    ] = False,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Print what a call costs, and how that comes about.

    --at is the instant of the answer. A tariff comes from options, by name, from a file, or is
    that of a number or customer.
    """
    from callserver.cli.rate_tariff import OPTIONS_ONLY, Source, asked, chosen_terms, priced
    from callserver.service.quotes import quote_json

    if schema:
        from callserver.service.tariff_schema import tariff_schema

        print_json(tariff_schema())
        return
    if seconds is None:
        raise typer.BadParameter("give the answered seconds", param_hint="--seconds")
    parts = {
        "rate": rate,
        "increments": increments,
        "connection-fee": connection_fee,
        "minimum-charge": minimum_charge,
        "cap": cap,
        "free-seconds": free_seconds,
    }
    source = Source(
        parts={name: value for name, value in parts.items() if value is not None},
        precision_micros=None if precision is None else amount(precision, "--precision", least=1),
        tariff=None if tariff is None else slug(tariff, "--tariff"),
        did=did,
        customer=None if customer is None else slug(customer, "--customer"),
        files=tariff_file or [],
        at_ms=instant_or_now(at, "--at"),
        config=config,
        data=data,
    )
    enquiry = asked(source.at_ms, seconds, caller, to, area_code or "", included_minutes)
    quote = priced(chosen_terms(source), enquiry)
    owned = did is not None or customer is not None
    if json:
        named = quote.tariff.tariff != OPTIONS_ONLY
        print_json(quote_json(quote, named=named, with_cost=owned))
    else:
        _print(quote, owned=owned)


def _print(quote: "Quote", *, owned: bool) -> None:
    from callserver.domain.money import short_yuan

    fee, tariff, cost = quote.fee, quote.tariff, quote.cost_micros
    print(f"{short_yuan(fee.amount_micros)} yuan for {fee.billed_s} billed seconds")
    for line in fee.lines:
        print(f"  {line}")
    if owned:
        print(f"by tariff {tariff.tariff} version {tariff.version}")
    if cost is not None:
        margin = short_yuan(fee.amount_micros - cost)
        print(f"costs the provider {short_yuan(cost)}, margin {margin}")
