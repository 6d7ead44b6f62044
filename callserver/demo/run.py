"""The demo: the real server on real sockets, a PBX, a day of calls, and the proof."""

import asyncio
import json
import secrets
import shutil
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from callserver import log
from callserver.app import App
from callserver.config import BillingConfig, Config, Endpoint, ServerConfig
from callserver.demo.api_client import ApiClient
from callserver.demo.day import PlannedCall, plan_day
from callserver.demo.proof import Balances, Proof, prove, seen_by_api, seen_in_sql
from callserver.demo.screen import Screen, SilentScreen, TerminalScreen, proof_lines
from callserver.demo.seed_books import fill_books, sell_a_feature
from callserver.demo.switch import SimulatedSwitch, Switch
from callserver.service.clocks import SystemClock

T = TypeVar("T")
PBX = "demo-pbx"
HTTP_PORT = 8400
READY_S = 15.0
SETTLE_S = 10.0
LOOK_S = 0.25


class DemoFailed(Exception):
    """The demo could not be run; the text says why."""


class PbxKind(StrEnum):
    """Who hands over the calls."""

    SIMULATED = "simulated"
    ASTERISK = "asterisk"


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """`http_port` None: 8400, or a free one if that is taken; 0: a free one.

    `data` None: a folder that is deleted afterwards, unless something went wrong.
    """

    calls: int = 40
    rate: float = 4.0
    seed: int = 1
    http_port: int | None = None
    data: Path | None = None
    as_json: bool = False
    pbx: PbxKind = PbxKind.SIMULATED


def run_demo(options: DemoOptions) -> int:
    """Run it to its end; the exit status, 0 if the three views agree.

    Raises DemoFailed, and AsteriskUnavailable where a real one was asked for.
    """
    import uvloop

    data = options.data or Path(tempfile.mkdtemp(prefix="callserver-demo-"))
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    keep = True
    try:
        with (data / "server.log").open("w") as server_log:
            log.configure("info", "json", server_log)
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                proof = runner.run(_demo(options, data))
        keep = bool(proof.differences)
    except KeyboardInterrupt:
        keep = False
        raise
    finally:
        log.configure("warning", "console")
        if options.data is None and not keep:
            shutil.rmtree(data, ignore_errors=True)
        else:
            sys.stdout.flush()
            print(f"The data and the server's log are in {data}.", file=sys.stderr)
    if options.as_json:
        print(json.dumps(proof.as_json()))
    return 1 if proof.differences else 0


async def _demo(options: DemoOptions, data: Path) -> Proof:
    if options.as_json:
        return await _on(SilentScreen(), options, data)
    with TerminalScreen() as screen:
        proof = await _on(screen, options, data)
    for line in proof_lines(proof):
        screen.say(line)
    return proof


async def _on(screen: Screen, options: DemoOptions, data: Path) -> Proof:
    day = plan_day(options.seed, options.calls, options.rate)
    async with (
        _switch(options.pbx, data) as switch,
        _server(_config(options, data, switch), switch) as (app, token),
        ApiClient(app.http_port, token) as api,
    ):
        switch.reach(app.agi_port)
        await _while_up(app, _until_ready(api, list(switch.business.customers)))
        _introduce(screen, api.base, token, options)
        return await _while_up(app, play(switch, day, api, screen, data / "callserver.db"))


async def _while_up(app: App, work: Coroutine[Any, Any, T]) -> T:
    """Do the work, unless a part of the server fails first."""
    server = asyncio.create_task(app.run_forever(), name="demo_server")
    done = asyncio.create_task(work, name="demo_work")
    try:
        await asyncio.wait((server, done), return_when=asyncio.FIRST_COMPLETED)
        if not done.done():
            raise DemoFailed("a part of the server failed; its log says which")
        return done.result()
    finally:
        for task in (server, done):
            task.cancel()
        await asyncio.wait((server, done))


def _switch(kind: PbxKind, data: Path) -> Switch:
    if kind is PbxKind.SIMULATED:
        return SimulatedSwitch(PBX, secrets.token_hex(16))
    from callserver.demo.real_switch import AsteriskSwitch

    return AsteriskSwitch(PBX, data / "asterisk")


def _config(options: DemoOptions, data: Path, switch: Switch) -> Config:
    """Short slices and frequent looks, so that calls of seconds are extended like long ones."""
    port = _http_port() if options.http_port is None else options.http_port
    return Config(
        server=ServerConfig(
            http=Endpoint("127.0.0.1", port),
            fastagi=Endpoint("127.0.0.1", switch.agi_port),
            data=data,
        ),
        asterisk=(switch.settings,),
        billing=BillingConfig(slice_s=2, due_poll_ms=100, channel_list_s=2),
    )


def _http_port() -> int:
    """The usual port, unless somebody listens there: a demo must not fail for that."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", HTTP_PORT))
        except OSError:
            return 0
    return HTTP_PORT


@asynccontextmanager
async def _server(config: Config, switch: Switch) -> AsyncIterator[tuple[App, str]]:
    database = config.server.data.absolute() / "callserver.db"
    if database.exists():
        raise DemoFailed(f"{database} is there already; the demo wants a folder of its own")
    url = f"sqlite:///{database}"
    token = await fill_books(url, switch.business, SystemClock())
    await sell_a_feature(url, SystemClock())
    app = App(config)
    await app.start()
    try:
        yield app, token
    finally:
        await app.stop()


async def _is_ready(api: ApiClient, accounts: Sequence[str]) -> bool:
    return await api.ready() and all([await api.is_live(account) for account in accounts])


async def _until_ready(api: ApiClient, accounts: Sequence[str]) -> None:
    """Until all parts are there, and all accounts are in Redis."""
    try:
        async with asyncio.timeout(READY_S):
            while not await _is_ready(api, accounts):  # noqa: ASYNC110  # answers have no event
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise DemoFailed(f"the server was not ready within {READY_S:.0f} s") from None


def _introduce(screen: Screen, base: str, token: str, options: DemoOptions) -> None:
    screen.say(f"callserver listens on {base}. While it runs, try in another terminal:")
    for path in ("/v1/calls?state=live", "/v1/cdrs?limit=5", "/v1/accounts/clinic/balance"):
        screen.say(f"  curl -s -H 'Authorization: Bearer {token}' '{base}{path}'")
    screen.say(f"{options.calls} calls, {options.rate:g} a second, seed {options.seed}:")


async def play(
    switch: Switch, day: Sequence[PlannedCall], api: ApiClient, screen: Screen, database: Path
) -> Proof:
    """Bring the day's calls in to a server that is ready, wait for their CDRs, and prove them."""
    accounts = list(switch.business.customers)
    before = {account: await api.balance(account) for account in accounts}
    watcher = asyncio.create_task(_watch(len(day), api, screen), name="demo_watch")
    try:
        async with asyncio.TaskGroup() as calls:
            for planned in day:
                calls.create_task(_call(switch, planned))
        async with asyncio.timeout(SETTLE_S):
            await watcher
    except TimeoutError:
        screen.say(f"after {SETTLE_S:.0f} s there are still CDRs missing")
    finally:
        watcher.cancel()
    balances = {
        account: Balances(before[account], await api.balance(account)) for account in accounts
    }
    return prove(
        switch.seen(day),
        await asyncio.to_thread(seen_in_sql, database),
        seen_by_api(await api.cdrs()),
        balances,
        switch.apart_ms,
    )


async def _call(switch: Switch, planned: PlannedCall) -> None:
    await asyncio.sleep(planned.at_s)
    await switch.call(planned)


async def _watch(planned: int, api: ApiClient, screen: Screen) -> None:
    """Show live calls and new CDRs as the API has them, until it has a CDR of every call."""
    shown: set[str] = set()
    while len(shown) < planned:
        await asyncio.sleep(LOOK_S)
        fresh = [cdr for cdr in await api.cdrs() if cdr["call_id"] not in shown]
        for cdr in reversed(fresh):
            shown.add(cdr["call_id"])
            screen.finished(cdr)
        screen.live(await api.live_calls(), len(shown), planned)
