"""`callserver rate`: what a call costs, with its arithmetic."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from callserver.cli.arguments import amount, instant_or_now, slug
from callserver.cli.options import At, ConfigFile, DataFolder, Json
from callserver.cli.output import print_json

if TYPE_CHECKING:
    from callserver.domain.call_tariff import CallTariff
    from callserver.domain.rating import Charged, RatedFee


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
    tariff_file: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="TOML or CSV with tariffs; may be given twice."),
    ] = None,
    at: At = None,
    caller: Annotated[
        str, typer.Option("--from", metavar="CALLER", help="The caller as a trunk presents it.")
    ] = "",
    to: Annotated[str, typer.Option(metavar="DESTINATION", help="The line that answers.")] = "",
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

    --at is the instant of the answer. A tariff comes from options, by name, or from a file.
    """
    from callserver.cli.rate_tariff import Source, chosen_tariff
    from callserver.domain.rating import explain

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
        name=None if tariff is None else slug(tariff, "--tariff"),
        files=tariff_file or [],
        at_ms=instant_or_now(at, "--at"),
        caller=caller,
        area_code=area_code,
        seconds=seconds,
        config=config,
        data=data,
    )
    destination = _destination(to)
    call_tariff = chosen_tariff(source)
    fee = explain(call_tariff, destination, source.at_ms, seconds, included_minutes)
    if json:
        print_json(_json(call_tariff, fee))
    else:
        _print(fee)


def _destination(text: str) -> str:
    from callserver.domain.number import is_destination

    number = text.replace(" ", "").replace("-", "")
    if number and not is_destination(number):
        raise typer.BadParameter(
            f"{text!r} can't be dialled: 3 to 20 digits, perhaps after a +", param_hint="--to"
        )
    return number


def _print(fee: "RatedFee") -> None:
    from callserver.domain.money import short_yuan

    print(f"{short_yuan(fee.amount_micros)} yuan for {fee.billed_s} billed seconds")
    for line in fee.lines:
        print(f"  {line}")


def _json(tariff: "CallTariff", fee: "RatedFee") -> dict[str, Any]:
    from callserver.cli.rate_tariff import OPTIONS_ONLY
    from callserver.domain.money import yuan_text

    stored = tariff.tariff != OPTIONS_ONLY
    return {
        "amount": yuan_text(fee.amount_micros),
        "currency": "CNY",
        "billed_seconds": fee.billed_s,
        "included_minutes_used": fee.minutes_used,
        "tariff": tariff.tariff if stored else None,
        "version": tariff.version if stored else None,
        "segments": [_segment(each) for each in fee.charged],
        "lines": fee.lines,
    }


def _segment(charged: "Charged") -> dict[str, Any]:
    """Billed seconds at one rate; `band` null where the tariff's own rate held."""
    from callserver.domain.money import yuan_text

    band = charged.band
    return {
        "from_second": charged.from_s,
        "to_second": charged.to_s,
        "paid_seconds": charged.paid_s,
        "rate": yuan_text(charged.rate_micros),
        "band": None if band is None else {"number": band.number, "name": band.name or None},
    }
