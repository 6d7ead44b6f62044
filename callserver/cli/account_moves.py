"""`callserver accounts adjust|reverse|transfer|threshold`: money moved by hand, each time once."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from callserver.cli.accounts import SIGNED, Account, app, in_office, one_line
from callserver.cli.arguments import amount, positive, slug
from callserver.cli.days import OperationId, actor, operation
from callserver.cli.options import ConfigFile, DataFolder, Json
from callserver.cli.output import print_json

if TYPE_CHECKING:
    from callserver.domain.ledger import Entry
    from callserver.service.office import Office

Reason = Annotated[str, typer.Option(help="Why; kept with the entry. Needed.")]
_THE_OTHER_WAY = "to take a transfer back, `callserver accounts reverse`"
Force = Annotated[bool, typer.Option("--force", help="Also below the account's limit; kept.")]


@app.command(context_settings=SIGNED)
def adjust(
    account: Account,
    amount_text: Annotated[
        str, typer.Argument(metavar="AMOUNT", help="Yuan: 5.00 adds, -2.50 takes away.")
    ],
    reason: Reason,
    minutes: Annotated[int, typer.Option(help="Included minutes to add, or (-) take away.")] = 0,
    force: Force = False,
    operation_id: OperationId = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Add money or included minutes, or take some away."""
    from callserver.domain.ledger import TOP_UP_MICROS_MAX
    from callserver.domain.ledger_moves import MINUTES_MAX, Adjustment

    most = TOP_UP_MICROS_MAX
    micros = amount(amount_text.removeprefix("+"), "AMOUNT", least=-most, most=most)
    if not micros and not minutes:
        raise typer.BadParameter("an adjustment of nothing", param_hint="AMOUNT")
    if abs(minutes) > MINUTES_MAX:
        raise typer.BadParameter(f"at most {MINUTES_MAX}", param_hint="--minutes")
    asked = Adjustment(
        account=account,
        amount_micros=micros,
        operation_id=operation(operation_id),
        actor=actor(),
        reason=one_line(reason),
        minutes=minutes,
        force=force,
    )
    entry = in_office(config, data, lambda office: office.ledger.adjust(asked))
    _show([entry], asked.operation_id, json=json)


@app.command()
def reverse(
    account: Account,
    entry: Annotated[int, typer.Argument(min=1, metavar="ENTRY", help="As `entries` shows it.")],
    reason: Reason,
    force: Force = False,
    operation_id: OperationId = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Take an entry back, whole and once.

    Of a transfer, both its entries.
    """
    from callserver.domain.ledger_moves import Reversal

    asked = Reversal(account, entry, operation(operation_id), actor(), one_line(reason), force)
    posted = in_office(config, data, lambda office: office.ledger.reverse(asked))
    _show(posted, asked.operation_id, json=json)


@app.command(context_settings=SIGNED)
def transfer(
    provider: Annotated[str, typer.Argument(metavar="PROVIDER", help="Whose account pays.")],
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="Of its tree.")],
    amount_text: Annotated[str, typer.Argument(metavar="AMOUNT", help="Yuan, such as 100.00.")],
    reason: Reason,
    operation_id: OperationId = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Move money from a provider's account to one of its customers."""
    from callserver.domain.ledger import TOP_UP_MICROS_MAX
    from callserver.domain.ledger_moves import Transfer

    asked = Transfer(
        provider=slug(provider, "PROVIDER"),
        customer=slug(customer, "CUSTOMER"),
        amount_micros=positive(amount_text, "AMOUNT", TOP_UP_MICROS_MAX, _THE_OTHER_WAY),
        operation_id=operation(operation_id),
        actor=actor(),
        reason=one_line(reason),
    )
    moved = in_office(config, data, lambda office: office.ledger.transfer(asked))
    _show([moved.debit, moved.credit], asked.operation_id, json=json)


@app.command()
def threshold(
    account: Account,
    amount_text: Annotated[
        str | None,
        typer.Argument(metavar="[AMOUNT]", help="Yuan; 0: never; `default`; without: show it."),
    ] = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Show or set below what an account counts as low."""
    from callserver.adapters.http.ledger_shapes import threshold_shape
    from callserver.domain.account_event import Threshold
    from callserver.domain.money import short_yuan

    back = amount_text == "default"
    micros = None if amount_text is None or back else amount(amount_text, "AMOUNT")

    async def work(office: "Office") -> Threshold:
        if amount_text is None:
            return await office.ledger.threshold(account)
        return await office.ledger.set_threshold(account, micros, actor())

    found = in_office(config, data, work)
    if json:
        print_json(threshold_shape(found))
        return
    whose = "its own" if found.own else "the default"
    print(f"{account}: low below {short_yuan(found.low_micros)} yuan ({whose})")


def _show(entries: "Sequence[Entry]", operation_id: str, *, json: bool) -> None:
    from callserver.adapters.http.ledger_shapes import ledger_entry_shape
    from callserver.domain.money import short_yuan

    if json:
        shown = [ledger_entry_shape(entry) for entry in entries]
        print_json({"operation_id": operation_id, "entries": shown})
        return
    for entry in entries:
        minutes = f", {entry.minutes:+d} minutes" if entry.minutes else ""
        below = " (below its limit, forced)" if entry.forced else ""
        money = short_yuan(entry.amount_micros)
        print(f"{entry.account}: {money} yuan{minutes}, entry {entry.id}{below}")
