"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        envvar="CALLSERVER_CONFIG",
        metavar="FILE",
        help="TOML file; without it, the embedded default.",
    ),
]
DataFolder = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="Data folder, instead of [server] data."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, on stdout.")]
At = Annotated[
    str | None,
    typer.Option(
        "--at", metavar="TIME", help="RFC 3339, or without a zone in Shanghai's time; default now."
    ),
]
From = Annotated[
    str | None, typer.Option("--from", metavar="TIME", help="Ended at or after; RFC 3339.")
]
To = Annotated[str | None, typer.Option("--to", metavar="TIME", help="Ended before; RFC 3339.")]
