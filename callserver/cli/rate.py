"""`callserver rate`: what a call costs, with its arithmetic."""

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from callserver.cli.arguments import amount, instant_or_now, slug
from callserver.cli.options import At, ConfigFile, DataFolder, Json
from callserver.cli.output import Failed, print_json

if TYPE_CHECKING:
    from callserver.domain.tariff import TariffVersion

INCREMENT_S_MAX = 86_400
_INCREMENTS = re.compile(r"(\d{1,5})/(\d{1,5})", re.ASCII)


def rate(
    seconds: Annotated[int, typer.Option(min=0, help="Answered seconds (billsec).")],
    rate: Annotated[str | None, typer.Option(help="Yuan a minute, such as 0.15.")] = None,
    increments: Annotated[
        str | None, typer.Option(help="First and further increments in seconds.  [default: 60/60]")
    ] = None,
    connection_fee: Annotated[str | None, typer.Option(help="Yuan added to a billed call.")] = None,
    minimum_charge: Annotated[str | None, typer.Option(help="Least fee of a billed call.")] = None,
    free_seconds: Annotated[
        int | None, typer.Option(min=0, help="A call no longer than this is free.")
    ] = None,
    precision: Annotated[
        str | None, typer.Option(help="Yuan a fee is rounded to.  [default: 0.001]")
    ] = None,
    tariff: Annotated[
        str | None, typer.Option(metavar="NAME", help="A stored tariff, instead of the above.")
    ] = None,
    at: At = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Print what a call costs, and how that comes about."""
    from callserver.domain.call_tariff import CallTariff
    from callserver.domain.money import short_yuan, yuan_text
    from callserver.domain.rating import explain

    parts = {
        "rate": rate,
        "increments": increments,
        "connection-fee": connection_fee,
        "minimum-charge": minimum_charge,
        "free-seconds": free_seconds,
        "precision": precision,
    }
    given = {name: value for name, value in parts.items() if value is not None}
    if tariff is not None:
        if given:
            raise typer.BadParameter(f"leave out --{next(iter(given))}", param_hint="--tariff")
        version = _stored(slug(tariff, "--tariff"), instant_or_now(at, "--at"), config, data)
    elif rate is None:
        raise typer.BadParameter("give --rate or --tariff", param_hint="--rate")
    else:
        version = _version(given)
    fee = explain(CallTariff.flat(version), "", 0, seconds)
    if json:
        print_json(
            {
                "amount": yuan_text(fee.amount_micros),
                "currency": "CNY",
                "billed_seconds": fee.billed_s,
                "lines": fee.lines,
            }
        )
        return
    print(f"{short_yuan(fee.amount_micros)} yuan for {fee.billed_s} billed seconds")
    for line in fee.lines:
        print(f"  {line}")


def _version(given: dict[str, Any]) -> "TariffVersion":
    from callserver.domain.tariff import TariffVersion

    first, further = _increments(given.get("increments", "60/60"))
    return TariffVersion(
        tariff="command-line",
        version=1,
        effective_from_ms=0,
        rate_micros=amount(given["rate"], "--rate"),
        initial_increment_s=first,
        increment_s=further,
        connection_fee_micros=amount(given.get("connection-fee", "0"), "--connection-fee"),
        minimum_charge_micros=amount(given.get("minimum-charge", "0"), "--minimum-charge"),
        free_s=given.get("free-seconds", 0),
        precision_micros=amount(given.get("precision", "0.001"), "--precision", least=1),
    )


def _increments(text: str) -> tuple[int, int]:
    found = _INCREMENTS.fullmatch(text)
    first, further = (int(part) for part in found.groups()) if found else (0, 0)
    if not (1 <= first <= INCREMENT_S_MAX and 1 <= further <= INCREMENT_S_MAX):
        raise typer.BadParameter(
            f"{text!r} is not like 60/60, 30/6 or 1/1", param_hint="--increments"
        )
    return first, further


def _stored(name: str, at_ms: int, config: Any, data: Any) -> "TariffVersion":
    from callserver.cli.opening import open_config, with_books
    from callserver.config_error import did_you_mean
    from callserver.domain.routing import version_at

    catalogue = with_books(open_config(config, data), lambda opened: opened.load_catalogue())
    if name not in catalogue.tariffs:
        raise Failed(f"there is no tariff {name!r}{did_you_mean(name, catalogue.tariffs)}")
    version = version_at(catalogue.tariffs[name], at_ms)
    if version is None:
        raise Failed(f"tariff {name!r} has no version in effect at that time")
    return version
