"""`callserver calls`: what is live now, asked of the running server."""

import asyncio
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from callserver.cli.options import ConfigFile, DataFolder, Json
from callserver.cli.output import Failed, print_json, print_json_line, print_table

if TYPE_CHECKING:
    from rich.table import Table

    from callserver.config import Config

app = typer.Typer(no_args_is_help=True, help="Calls that are live now.")
TOKEN_FILE = "cli.token"  # noqa: S105  # the file's name
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

    settings = open_config(config, data)
    base, bearer = _base(settings, url), token or _own_token(settings)
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

    settings = open_config(config, data)
    base, bearer = _base(settings, url), token or _own_token(settings)
    show = _print_lines if json else _show_table
    try:
        asyncio.run(show(_address(base, did), bearer, every, count))
    except KeyboardInterrupt:
        raise typer.Exit from None


async def _print_lines(address: str, token: str, every_s: float, count: int | None) -> None:
    from callserver.cli.api import get_json

    while count is None or count > 0:
        print_json_line(await get_json(address, token))
        count = None if count is None else count - 1
        if count != 0:
            await asyncio.sleep(every_s)


async def _show_table(address: str, token: str, every_s: float, count: int | None) -> None:
    from rich.live import Live

    from callserver.cli.api import get_json

    with Live(_table({"calls": []}), auto_refresh=False) as live:
        while count is None or count > 0:
            live.update(_table(await get_json(address, token)), refresh=True)
            count = None if count is None else count - 1
            if count != 0:
                await asyncio.sleep(every_s)


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


def _base(settings: "Config", url: str | None) -> str:
    from callserver.cli.server_state import ServerState

    if url:
        return url.rstrip("/")
    state = ServerState.read(settings.server.data)
    if state is None:
        raise Failed(f"no server runs on the data folder {settings.server.data}; or give --url")
    return state.url


def _own_token(settings: "Config") -> str:
    """A NOC token made for this command line, kept in the data folder for its owner only."""
    path = settings.server.data / TOKEN_FILE
    if path.exists() and _is_good(settings, kept := path.read_text(encoding="ascii").strip()):
        return kept
    return _new_token(settings, path)


def _is_good(settings: "Config", token: str) -> bool:
    from callserver.cli.opening import with_books
    from callserver.domain.api_token import digest_of

    digest = digest_of(token)
    return with_books(settings, lambda books: books.find_token(digest)) is not None


def _new_token(settings: "Config", path: Path) -> str:
    from callserver.cli.opening import with_books
    from callserver.domain.api_token import SECRET_BYTES, Scope, digest_of, secret_of

    secret = secret_of(secrets.token_bytes(SECRET_BYTES))
    with_books(
        settings,
        lambda books: books.create_token(digest_of(secret), Scope.NOC, "", "command line"),
    )
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secret)
    return secret
