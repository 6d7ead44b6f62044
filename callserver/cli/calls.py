"""`callserver calls`: what is live now, asked of the running server."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from callserver.cli.options import ConfigFile, DataFolder, Json
from callserver.cli.output import UNCUT_WIDTH, print_json, print_json_line, print_table

if TYPE_CHECKING:
    from rich.table import Table

app = typer.Typer(no_args_is_help=True, help="Calls that are live now.")
COLUMNS = ("did", "caller", "destination", "state", ">s", ">fee", ">held s", "call_id")

Did = Annotated[str | None, typer.Option(help="To this 400 number only.")]
Url = Annotated[
    str | None,
    typer.Option(envvar="CALLSERVER_URL", help="Of the server.  [default: the one on this data]"),
]
Token = Annotated[
    str | None,
    typer.Option(
        envvar="CALLSERVER_TOKEN", help="API token.  [default: one of our own in the data folder]"
    ),
]


@app.command("list")
def list_calls(
    did: Did = None,
    url: Url = None,
    token: Token = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """List the live calls, the newest first."""
    from callserver.cli.api import get_json
    from callserver.cli.opening import open_config
    from callserver.cli.own_token import own_token, server_url

    settings = open_config(config, data)
    base, bearer = server_url(settings, url), token or own_token(settings)
    found = asyncio.run(get_json(_address(base, did), bearer))
    if json:
        print_json(found)
    else:
        print_table(COLUMNS, [_row(call) for call in found["calls"]], empty="no live calls")


@app.command()
def watch(
    did: Did = None,
    every: Annotated[float, typer.Option(min=0.2, max=60, help="Seconds between looks.")] = 1.0,
    count: Annotated[
        int | None, typer.Option(min=1, help="Stop after so many looks.  [default: Ctrl-C]")
    ] = None,
    url: Url = None,
    token: Token = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line and look.")] = False,
) -> None:
    """Show the live calls as they come and go."""
    from callserver.cli.opening import open_config
    from callserver.cli.own_token import own_token, server_url

    settings = open_config(config, data)
    base, bearer = server_url(settings, url), token or own_token(settings)
    show = _print_lines if json else _show_table
    try:
        asyncio.run(show(_looks(_address(base, did), bearer, every, count)))
    except KeyboardInterrupt:
        raise typer.Exit from None


async def _looks(
    address: str, token: str, every_s: float, count: int | None
) -> AsyncIterator[dict[str, Any]]:
    """What the server says, again and again; `count` None: for ever."""
    from callserver.cli.api import get_json

    while count is None or count > 0:
        yield await get_json(address, token)
        count = None if count is None else count - 1
        if count != 0:
            await asyncio.sleep(every_s)


async def _print_lines(looks: AsyncIterator[dict[str, Any]]) -> None:
    async for found in looks:
        print_json_line(found)


async def _show_table(looks: AsyncIterator[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.live import Live

    console = Console()
    if not console.is_terminal:  # a pipe takes one table after the other, and whole ones
        wide = Console(width=UNCUT_WIDTH)
        async for found in looks:
            wide.print(_table(found))
        return
    with Live(_table({"calls": []}), console=console, auto_refresh=False) as live:
        async for found in looks:
            live.update(_table(found), refresh=True)


def _table(found: dict[str, Any]) -> "Table":
    from callserver.cli.output import table

    rows = [_row(call) for call in found["calls"]]
    return table(COLUMNS, rows, title=f"{len(rows)} live calls")


def _row(call: dict[str, Any]) -> tuple[str, ...]:
    from callserver.domain.money import parse_yuan, short_yuan

    return (
        call["did"],
        call["caller"]["number"] or "-",
        call["destination"] or "-",
        call["state"],
        str(call["duration_seconds"]),
        short_yuan(parse_yuan(call["running_fee"]["amount"])),
        str(call["held_seconds"]),
        call["call_id"],
    )


def _address(base: str, did: str | None) -> str:
    from urllib.parse import urlencode

    query = {"state": "live"} | ({"did": did} if did else {})
    return f"{base}/v1/calls?{urlencode(query)}"
