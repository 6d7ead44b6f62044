"""`callserver accounts`: balances and top-ups, in SQL; a running server follows within a second."""

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from callserver.cli.arguments import positive
from callserver.cli.days import operation
from callserver.cli.options import ConfigFile, DataFolder, Json
from callserver.cli.output import Failed, print_json, print_table
from callserver.domain.identity import is_slug
from callserver.domain.ledger import TOP_UP_MICROS_MAX

if TYPE_CHECKING:
    from callserver.adapters.sql.books import SqlBooks
    from callserver.config import Config
    from callserver.domain.ledger import AccountSum, Entry
    from callserver.service.office import Office

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, help="Balances, and what moves them.")
REASON_LENGTH_MAX = 200
SIGNED = {"ignore_unknown_options": True}  # or -2.50 would be taken for options

Account = Annotated[str, typer.Argument(metavar="ID", help="A customer's id, or provider:ID.")]


@app.command(context_settings=SIGNED)
def topup(
    account: Account,
    amount_text: Annotated[str, typer.Argument(metavar="AMOUNT", help="Yuan, such as 100.00.")],
    operation_id: Annotated[
        str | None,
        typer.Option(help="The same id never tops up twice.  [default: a new one, printed]"),
    ] = None,
    reason: Annotated[str, typer.Option(help="Kept with the entry.")] = "top-up",
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Put money into an account."""
    from callserver.cli.opening import open_config, with_books
    from callserver.domain.money import money_json, short_yuan

    instead = f"to take money off, `callserver accounts adjust {account} {amount_text} --reason …`"
    micros = positive(amount_text, "AMOUNT", TOP_UP_MICROS_MAX, instead)
    why = one_line(reason)
    once = operation(operation_id)

    async def post(books: "SqlBooks") -> "tuple[Entry, AccountSum]":
        return await _post(books, account, micros, once, why)

    entry, total = with_books(open_config(config, data), post)
    if json:
        print_json(
            {
                "account": account,
                "operation_id": entry.operation_id,
                "entry": entry.id,
                "amount": money_json(entry.amount_micros),
                "settled": money_json(total.settled_micros),
            }
        )
        return
    print(f"{account}: {short_yuan(entry.amount_micros)} yuan put in ({entry.operation_id})")
    print(f"settled balance now {short_yuan(total.settled_micros)} yuan")


def one_line(reason: str) -> str:
    """A reason as it is kept. Raises BadParameter (wrong usage) where lists would break by it."""
    if not 0 < len(reason.strip()) <= REASON_LENGTH_MAX or not reason.isprintable():
        raise typer.BadParameter(
            f"one line of 1 to {REASON_LENGTH_MAX} characters", param_hint="--reason"
        )
    return reason.strip()


async def _post(
    books: "SqlBooks", account: str, micros: int, operation: str, reason: str
) -> "tuple[Entry, AccountSum]":
    from callserver.domain.ledger import EntryKind
    from callserver.ports import AccountUnknown

    try:
        entry = await books.post(
            account, EntryKind.TOP_UP, micros, operation, f"cli:{getpass.getuser()}", reason
        )
    except AccountUnknown:
        raise Failed(f"there is no account {account!r}") from None
    told = (entry.account, entry.kind, entry.amount_micros)
    if told != (account, EntryKind.TOP_UP, micros):
        raise Failed(f"operation id {operation!r} was used before, for something else")
    return entry, (await books.account_sums([account]))[account]


@app.command()
def show(
    account: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="One account; without it, all.")
    ] = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Show settled balances: the sum of the ledger.

    Of one account also, while the server runs, what live calls hold and what is available.
    """
    from callserver.cli.opening import open_config, with_books
    from callserver.domain.money import parse_yuan, short_yuan

    settings = open_config(config, data)
    wanted = None if account is None else [account]
    sums = with_books(settings, lambda books: books.account_sums(wanted))
    if account is not None and account not in sums:
        raise Failed(f"there is no account {account!r}")
    live = None if account is None else _live(settings, account)
    totals = [sums[name] for name in sorted(sums)]
    if json:
        shown = [_json(total) for total in totals]
        print_json(shown[0] | {"live": live} if account is not None else {"accounts": shown})
        return
    print_table(
        ["account", ">settled", ">credit limit"],
        [
            (
                total.account,
                short_yuan(total.settled_micros),
                short_yuan(total.floor_micros),
            )
            for total in totals
        ],
        empty="no accounts yet",
    )
    if live is not None:
        held, available = (
            short_yuan(parse_yuan(live[part]["amount"])) for part in ("held", "available")
        )
        print(f"{live['live_calls']} live calls hold {held} yuan; {available} yuan available")


def _live(settings: "Config", account: str) -> dict[str, Any] | None:
    """The balance as the running server has it; None if none runs."""
    from callserver.cli.api import get_json
    from callserver.cli.own_token import own_token
    from callserver.cli.server_state import ServerState

    state = ServerState.read(settings.server.data)
    if state is None or not is_slug(account):
        return None
    address = f"{state.url}/v1/accounts/{account}/balance"
    found: dict[str, Any] = asyncio.run(get_json(address, own_token(settings)))
    return found


def _json(total: "AccountSum") -> dict[str, Any]:
    from callserver.domain.money import money_json

    return {
        "account": total.account,
        "settled": money_json(total.settled_micros),
        "credit_limit": money_json(total.floor_micros),
    }


def in_office(
    config: Path | None, data: Path | None, work: "Callable[[Office], Awaitable[T]]"
) -> T:
    """Run the work; an account that is not there is said so."""
    from callserver.cli.opening import open_config, with_office
    from callserver.ports import AccountUnknown

    try:
        return with_office(open_config(config, data), work)
    except AccountUnknown as unknown:
        raise Failed(f"there is no account {str(unknown)!r}") from None
