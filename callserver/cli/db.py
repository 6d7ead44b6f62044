"""`callserver db`: the database's schema."""

import asyncio
from typing import Annotated

import typer

from callserver.cli.options import ConfigFile, DataFolder, Json
from callserver.cli.output import EXIT_FAILED, Failed, print_json

app = typer.Typer(no_args_is_help=True, help="The database's schema.")


@app.command()
def upgrade(config: ConfigFile = None, data: DataFolder = None, json: Json = False) -> None:
    """Make the database, or bring it to the newest schema. Safe to repeat."""
    from callserver.adapters.sql import migrate
    from callserver.cli.opening import database_url, make_data_folder, open_config
    from callserver.ports import OutcomeUnknown, StoreUnavailable

    settings = open_config(config, data)
    make_data_folder(settings)
    try:
        revision = asyncio.run(migrate.upgrade(database_url(settings)))
    except (StoreUnavailable, OutcomeUnknown) as fault:
        raise Failed(f"the database cannot be upgraded: {fault}") from fault
    if json:
        print_json({"revision": revision})
    else:
        print(f"at revision {revision}")


@app.command()
def current(
    check: Annotated[
        bool, typer.Option("--check", help="Exit status 1 unless it is the newest.")
    ] = False,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Show the schema's revision in the database, and the newest."""
    from callserver.adapters.sql import migrate
    from callserver.cli.opening import database_url, open_config, require_database
    from callserver.ports import StoreUnavailable

    url = database_url(open_config(config, data))
    require_database(url)
    try:
        revision = asyncio.run(migrate.current(url))
    except StoreUnavailable as fault:
        raise Failed(f"the database cannot be read: {fault}") from fault
    newest = migrate.head()
    if json:
        print_json({"revision": revision, "newest": newest})
    else:
        behind = "" if revision == newest else f"; the newest is {newest}: callserver db upgrade"
        print(f"at revision {revision or 'none'}{behind}")
    if check and revision != newest:
        raise typer.Exit(EXIT_FAILED)
