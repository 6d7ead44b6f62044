"""`callserver demo`: a day of calls in fast motion, and the proof that every fen is right."""

import signal
from pathlib import Path
from typing import Annotated, Literal

import typer

from callserver.cli.options import Json
from callserver.cli.output import Failed


def demo(
    calls: Annotated[int, typer.Option(min=1, max=10_000, help="How many calls.")] = 40,
    rate: Annotated[float, typer.Option(min=0.1, max=200, help="Calls a second.")] = 4.0,
    seed: Annotated[int, typer.Option(min=0, help="The same seed plans the same day.")] = 1,
    port: Annotated[
        int | None,
        typer.Option(
            "--http",
            "-p",
            min=0,
            max=65_535,
            help="HTTP port; 0: a free one.  [default: 8400, or a free one]",
        ),
    ] = None,
    pbx: Annotated[
        Literal["simulated", "asterisk"],
        typer.Option(help="Who hands over the calls; asterisk needs root and Debian's packages."),
    ] = "simulated",
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="An empty folder to keep.")
    ] = None,
    json: Json = False,
) -> None:
    """Run the real server with a small day of calls.

    At its end it proves calls = CDRs = ledger. Exit status 1 if the PBX's own log, SQL and the
    HTTP API do not agree.
    """
    from callserver.demo.asterisk.folder import AsteriskUnavailable
    from callserver.demo.run import DemoFailed, DemoOptions, PbxKind, run_demo

    options = DemoOptions(
        calls=calls,
        rate=rate,
        seed=seed,
        http_port=port,
        data=data,
        as_json=json,
        pbx=PbxKind(pbx),
    )
    # `kill` ends it as Ctrl-C does: its embedded Valkey would outlive a process that just dies.
    signal.signal(signal.SIGTERM, lambda _number, _frame: signal.raise_signal(signal.SIGINT))
    try:
        status = run_demo(options)
    except (DemoFailed, AsteriskUnavailable) as fault:
        raise Failed(str(fault)) from fault
    except KeyboardInterrupt:
        raise Failed("stopped") from None
    raise typer.Exit(status)
