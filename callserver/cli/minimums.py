"""`callserver minimums`: monthly minimums of numbers [R1], from next month on."""

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from callserver.cli.arguments import amount
from callserver.cli.days import OperationId, actor, operation
from callserver.cli.options import ConfigFile, DataFolder, Json
from callserver.cli.output import Failed, message, print_json, print_table
from callserver.domain.number import is_did

if TYPE_CHECKING:
    from callserver.config import Config
    from callserver.domain.minimum import MinimumVersion, MinimumWish
    from callserver.service.minimums import ShownMinimum
    from callserver.service.office import Office

app = typer.Typer(no_args_is_help=True, help="Monthly minimums of numbers: raised, never lowered.")
RATE_MICROS_MAX = 1_000_000_000

Number = Annotated[str, typer.Argument(metavar="NUMBER", help="A 400 number.")]
Amount = Annotated[str, typer.Argument(metavar="AMOUNT", help="Yuan a month, such as 50.00.")]
Yes = Annotated[
    bool, typer.Option("--yes", "-y", help="Confirm a raise: once raised it cannot be lowered.")
]
AtRate = Annotated[
    str | None,
    typer.Option(
        "--at-rate",
        metavar="RATE",
        help="AMOUNT is meant at this rate, such as 0.3; the formula does the rest.",
    ),
]
Reason = Annotated[str, typer.Option(help="Kept with the change.")]


@app.command("set")
def set_minimum(
    number: Number,
    amount_text: Amount,
    at_rate: AtRate = None,
    yes: Yes = False,
    reason: Reason = "",
    operation_id: OperationId = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Set a number's minimum from next month on; more than it was must be confirmed."""
    from callserver.cli.opening import open_config

    wish = _wish(number, amount_text, at_rate, yes, reason, operation_id)
    _show_version(_put(open_config(config, data), wish), json)


@app.command("raise")
def raise_minimum(
    number: Number,
    amount_text: Amount,
    yes: Yes = False,
    reason: Reason = "",
    operation_id: OperationId = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Raise a number's minimum from next month on; nothing else than a raise is taken."""
    from callserver.cli.opening import open_config, with_office
    from callserver.domain.money import short_yuan

    settings = open_config(config, data)
    wish = _wish(number, amount_text, None, yes, reason, operation_id)
    shown = with_office(settings, lambda office: office.minimums.show(number))
    last = shown.versions[-1].terms.amount_micros if shown.versions else 0
    again = any(version.operation_id == wish.operation_id for version in shown.versions)
    if wish.amount_micros <= last and not again:
        raise Failed(f"the minimum of {number} is {short_yuan(last)} yuan already")
    _show_version(_put(settings, wish), json)


@app.command()
def show(
    number: Number, config: ConfigFile = None, data: DataFolder = None, json: Json = False
) -> None:
    """Show a number's minimum and its history."""
    from callserver.adapters.http.month_shapes import minimum_shape
    from callserver.cli.opening import open_config, with_office
    from callserver.domain.money import short_yuan

    shown: ShownMinimum = with_office(
        open_config(config, data), lambda office: office.minimums.show(_did(number))
    )
    if json:
        print_json(minimum_shape(shown))
        return
    _print_versions(shown.versions, empty=f"{number} has no minimum")
    print(f"{number}: rate now {short_yuan(shown.rate_micros)} yuan a minute")


@app.command("list")
def list_minimums(
    after: Annotated[str, typer.Option(help="Numbers beyond this one.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = 500,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """List the numbers that have a minimum, with the latest change of each."""
    from callserver.adapters.http.month_shapes import version_shape
    from callserver.cli.opening import open_config, with_office

    async def work(office: "Office") -> "list[MinimumVersion]":
        return await office.minimums.all(after, limit)

    found = with_office(open_config(config, data), work)
    if json:
        print_json({"minimums": [version_shape(version) for version in found]})
    else:
        _print_versions(found, empty="no number has a minimum")


@app.command()
def follow(config: ConfigFile = None, data: DataFolder = None, json: Json = False) -> None:
    """Lower, in proportion, the minimums of numbers not yet in use whose rates went down."""
    from callserver.cli.opening import open_config, with_office

    async def work(office: "Office") -> int:
        return await office.minimums.follow(actor())

    count = with_office(open_config(config, data), work)
    if json:
        print_json({"followed": count})
    else:
        print(f"{count} minimums follow their rates from next month on")


@app.command()
def formula(
    amount_text: Amount,
    rate: Annotated[str, typer.Option("--rate", metavar="RATE", help="Yuan a minute.")],
    at_rate: Annotated[str, typer.Option("--at-rate", help="The rate AMOUNT is meant at.")] = "0.3",
    json: Json = False,
) -> None:
    """Say what a minimum at one rate is at another: minimum / 0.3 × rate, to 0.01 yuan."""
    from callserver.domain.minimum import formula_micros
    from callserver.domain.money import money_json, short_yuan

    micros = amount(amount_text, "AMOUNT")
    at_micros = amount(at_rate, "--at-rate", least=1, most=RATE_MICROS_MAX)
    rate_micros = amount(rate, "--rate", most=RATE_MICROS_MAX)
    found = formula_micros(micros, at_micros, rate_micros)
    if json:
        print_json({"rate": money_json(rate_micros), "minimum": money_json(found)})
    else:
        print(f"{short_yuan(found)} yuan a month")


def _did(number: str) -> str:
    if not is_did(number):
        raise typer.BadParameter(f"{number!r} is not 400 and seven digits", param_hint="NUMBER")
    return number


def _wish(
    number: str,
    amount_text: str,
    at_rate: str | None,
    yes: bool,
    reason: str,
    operation_id: str | None,
) -> "MinimumWish":
    from callserver.domain.minimum import MinimumWish

    at_micros = None
    if at_rate is not None:
        at_micros = amount(at_rate, "--at-rate", least=1, most=RATE_MICROS_MAX)
    micros = amount(amount_text, "AMOUNT")
    return MinimumWish(_did(number), micros, operation(operation_id), yes, at_micros, reason)


def _put(settings: "Config", wish: "MinimumWish") -> "MinimumVersion":
    """Ask once more at a terminal where a raise was not confirmed."""
    from callserver.cli.opening import with_office
    from callserver.domain.declined import Declined, Reason

    try:
        return with_office(settings, lambda office: office.minimums.set(wish, actor()))
    except Declined as declined:
        if declined.reason is not Reason.CONFIRMATION_NEEDED:
            raise
        if not sys.stdin.isatty():
            raise Failed(f"{declined} (--yes)") from None
        message(str(declined))
        typer.confirm("Raise it?", abort=True, err=True)
    confirmed = replace(wish, confirmed=True)
    return with_office(settings, lambda office: office.minimums.set(confirmed, actor()))


def _show_version(version: "MinimumVersion", json: bool) -> None:
    from callserver.adapters.http.month_shapes import version_shape
    from callserver.domain.money import short_yuan

    if json:
        print_json(version_shape(version))
        return
    minimum = short_yuan(version.terms.amount_micros)
    print(f"{version.did}: {minimum} yuan a month from {version.from_month}")


def _print_versions(
    versions: "list[MinimumVersion] | tuple[MinimumVersion, ...]", empty: str
) -> None:
    from callserver.domain.money import short_yuan

    print_table(
        ["number", "from", ">minimum", ">rate", ">at 0.3", "change", "in use", "by", "reason"],
        [
            (
                version.did,
                str(version.from_month),
                short_yuan(version.terms.amount_micros),
                short_yuan(version.terms.rate_micros),
                short_yuan(version.terms.base_micros),
                version.change.value,
                "yes" if version.in_use else "no",
                version.actor,
                version.reason or "-",
            )
            for version in versions
        ],
        empty=empty,
    )
