"""`callserver serve`: the server, until SIGTERM or SIGINT."""

import asyncio
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Annotated, Any

import typer

from callserver.cli.options import ConfigFile, DataFolder, Json
from callserver.cli.output import Failed, print_json_line

if TYPE_CHECKING:
    from callserver.app import App
    from callserver.cli.server_state import ServerState
    from callserver.config import Config

GARBAGE_OBJECTS = 10_000  # made and not freed, before the youngest are looked through


def serve(
    config: ConfigFile = None,
    data: DataFolder = None,
    http: Annotated[
        str | None,
        typer.Option(
            "--http",
            "-p",
            metavar="PORT",
            help="HTTP port on loopback, or HOST:PORT; 0: a free one.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Run the server until SIGTERM or Ctrl-C.

    FastAGI for Asterisk, the HTTP API, metering and rating. Without a configuration it runs on
    embedded parts.
    """
    import structlog

    from callserver import log
    from callserver.cli.opening import database_url, open_config, redis_target
    from callserver.cli.server_state import only_server

    settings = open_config(config, data, http)
    database_url(settings)  # what the adapters would refuse is a fault of the configuration
    redis_target(settings)
    log.configure(settings.log.level, settings.log.format, for_good=True)
    with only_server(settings.server.data):
        try:
            run_on_uvloop(lambda: _serve(settings, json=json))
        except Failed:
            raise
        except Exception as fault:
            structlog.get_logger().exception("server.fault")  # masked, unlike Python's own way
            raise Failed(f"ended by a fault of its own: {type(fault).__name__}") from None


def run_on_uvloop(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run on the loop that production uses."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


async def _serve(settings: "Config", *, json: bool) -> None:
    stop = _stop_signal()  # first: importing the server takes a while
    from callserver.app import App

    app = App(settings)
    if not await _started(app, stop):
        return
    _collect_rarely()
    try:
        state = _state(app, settings)
        with state.published(settings.server.data):
            _announce(state, json=json)
            await _until_stopped(app, stop)
    finally:
        await app.stop()


def _collect_rarely() -> None:
    """What stands now stands for good: do not look through it for garbage at every 700 objects.

    A call leaves next to no cycles behind; this is a tenth of its CPU time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS, 20, 20)


def _stop_signal() -> asyncio.Event:
    """Set by the first SIGTERM or SIGINT; a second one ends the process at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def first() -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, first)
    return stop


async def _started(app: "App", stop: asyncio.Event) -> bool:
    """Start, unless told to stop meanwhile. Raises Failed for what waiting would not mend."""
    starting = asyncio.ensure_future(app.start())
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not starting.done():
        starting.cancel()
        await asyncio.wait({starting})
    if starting.cancelled():
        return False
    fault = starting.exception()
    if fault is not None:
        raise _explained(fault) from fault
    return True


def _explained(fault: BaseException) -> BaseException:
    """Faults that an operator can mend, as a message; a fault of ours stays a traceback."""
    from callserver.adapters.redis.data_folder import EmbeddedValkeyError
    from callserver.ports import OutcomeUnknown, StoreUnavailable

    mendable = (OSError, StoreUnavailable, OutcomeUnknown, EmbeddedValkeyError, ValueError)
    reason = (isinstance(fault, OSError) and fault.strerror) or fault
    return Failed(f"cannot start: {reason}") if isinstance(fault, mendable) else fault


async def _until_stopped(app: "App", stop: asyncio.Event) -> None:
    running = asyncio.ensure_future(app.run_forever())
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not running.done():
        running.cancel()
        await asyncio.wait({running})
    elif (fault := running.exception()) is not None:
        raise Failed(f"a part of the server failed: {type(fault).__name__}") from fault


def _state(app: "App", settings: "Config") -> "ServerState":
    from callserver.cli.server_state import ServerState, reachable

    return ServerState(
        pid=os.getpid(),
        http=reachable(settings.server.http.host, app.http_port),
        fastagi=reachable(settings.server.fastagi.host, app.agi_port),
        started_ms=time.time_ns() // 1_000_000,
    )


def _announce(state: "ServerState", *, json: bool) -> None:
    if json:
        print_json_line({"http": state.url, "fastagi": f"agi://{state.fastagi}", "pid": state.pid})
        return
    print(f"callserver is ready: HTTP {state.url}, FastAGI agi://{state.fastagi}", flush=True)
    if sys.stdout.isatty():
        print("API tokens: callserver token create --help. Stop with Ctrl-C.", flush=True)
