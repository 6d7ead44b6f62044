"""A real server process, a simulated PBX with a CDR file, and a Redis that may be killed."""

import asyncio
import os
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any, Self

from callserver.adapters.redis.embedded import EmbeddedValkey
from callserver.adapters.redis.embedded_probe import ask
from callserver.demo.pbx.channel import Channel, instant
from callserver.demo.pbx.exchange import SimulatedPbx
from callserver.demo.pbx.script import CallRecord, CallScript
from callserver.demo.seed_books import fill_books
from callserver.domain.money import parse_yuan
from callserver.service.clocks import SystemClock
from tests.e2e.business import Party, catalogue
from tests.e2e.http import get_json
from tests.e2e.reference import Terms
from tests.e2e.server import Server
from tests.faults.redis_proxy import RedisProxy
from tests.service.included import grant_all

TRUNK = "answers"
ACME = Party("acme", "4001000001", (TRUNK,), Terms("0.60", 1, 1))
POST = Party("post", "4001000002", (TRUNK,), Terms("0.60", 1, 1), "0", postpaid_limit="50")
PLAN = Party("plan", "4001000003", (TRUNK,), Terms("0.60", 1, 1), minutes=2)
PARTIES = {party.did: party for party in (ACME, POST, PLAN)}
BILLING = {"slice_s": 4, "due_poll_ms": 100, "channel_list_s": 2}
CALLER = "13800571234"


class FilePbx(SimulatedPbx):
    """Writes a line for each call, as cdr_custom does, whether or not a server is there."""

    def __init__(self, file: Path) -> None:
        super().__init__(
            "pbx-1", secret="faults", trunks=frozenset({TRUNK}), on_end=self._write_line
        )
        self._file = file
        self._seen: dict[str, Channel] = {}

    def _channel(self, script: CallScript) -> Channel:
        channel = super()._channel(script)
        self._seen[channel.uniqueid] = channel
        return channel

    def _write_line(self, record: CallRecord) -> None:
        channel = self._seen[record.uniqueid]
        dialled = bool(record.destination)
        values = (
            *(channel.variables["CS_TOKEN"], record.uniqueid, record.uniqueid, record.did),
            *(record.trunk_caller, instant(record.started_us), instant(record.answered_us)),
            *(instant(record.ended_us), str(record.billsec), "0"),
            *("ANSWERED" if record.answered_us else "NO ANSWER", str(record.cause), channel.name),
            *("", "Dial" if dialled else "Hangup"),
            f"PJSIP/{record.destination}@{TRUNK},20" if dialled else "16",
        )
        with self._file.open("a") as file:
            file.write(",".join(f'"{value}"' for value in values) + "\n")


class FaultWorld:
    """Everything running, as a context."""

    def __init__(self, folder: Path, database_url: str = "") -> None:
        self.folder = folder
        self.cdr_file = folder / "callserver.csv"
        self.pbx = FilePbx(self.cdr_file)
        self.valkey = EmbeddedValkey(folder / "redis", dies_with_parent=True)
        self.proxy = RedisProxy(self.valkey.socket_path)
        self._database_url = database_url
        self._server: Server | None = None
        self._token = ""
        self._stack = AsyncExitStack()
        self._calls: list[asyncio.Task[CallRecord]] = []

    @property
    def server(self) -> Server:
        """The process."""
        assert self._server is not None
        return self._server

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.folder / "data" / "callserver.db"

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            data = self.folder / "data"
            data.mkdir(mode=0o700)
            url = self._database_url or f"sqlite:///{self.database}"
            books = catalogue(list(PARTIES.values()))
            top_ups = {party.customer: parse_yuan(party.balance) for party in (ACME, PLAN)}
            self._token = await fill_books(url, books, SystemClock(), top_ups)
            await grant_all(url, {PLAN.customer: PLAN.minutes})
            stack.enter_context(self.valkey)
            await stack.enter_async_context(self.proxy)
            await stack.enter_async_context(self.pbx)
            self._server = Server(
                data,
                billing=BILLING,
                database_url=self._database_url,
                redis_url=f"redis://127.0.0.1:{self.proxy.port}",
            )
            stack.callback(self._server.close)
            self.pbx.agi = ("127.0.0.1", self._server.agi_port)
            (self.folder / "secret").write_text("faults")
            await self.start_server()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            print(self.server.last_words())
        for call in self._calls:
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)
        await self._stack.aclose()

    async def start_server(self) -> None:
        """Start (again), and wait until calls can be taken."""
        asterisk: Any = SimpleNamespace(
            pbx=self.pbx.name,
            ami_user="callserver",
            secret_file=self.folder / "secret",
            cdr_file=self.cdr_file,
        )
        await asyncio.to_thread(self._start_server, asterisk)

    def _start_server(self, asterisk: Any) -> None:
        self.server.start([(asterisk, self.pbx.ami_port)])
        self.server.wait_ready()

    def kill_server(self) -> None:
        """SIGKILL; the process is gone when this returns."""
        self.server.kill9()

    def kill_redis(self) -> None:
        """SIGKILL."""
        os.kill(self.valkey.pid, signal.SIGKILL)
        give_up_at = time.monotonic() + 10
        while self.valkey.alive and time.monotonic() < give_up_at:
            time.sleep(0.01)

    async def start_redis(self, *, empty: bool) -> None:
        """Start it again, with what its AOF has or with nothing."""
        self.valkey.close()
        if empty:
            shutil.rmtree(self.valkey.data_dir)
        self.valkey.open()

    def call(self, party: Party = ACME, talk_s: float = 1.5) -> "asyncio.Task[CallRecord]":
        """A call begins; its end is the task's result."""
        task = asyncio.create_task(self.pbx.call(CallScript(party.did, CALLER, talk_s=talk_s)))
        self._calls.append(task)
        return task

    async def answered(self, count: int = 1) -> None:
        """Wait until so many calls talk."""
        await self.until(lambda: sum(bool(c.answered_us) for c in self.pbx.live) >= count, "answer")

    async def answered_in_redis(self, count: int = 1) -> None:
        """Wait until so many meters run."""
        await self.until(lambda: self._meters(b"answered") >= count, "running meters")

    def _meters(self, state: bytes) -> int:
        keys = ask(self.valkey.socket_path, "KEYS", "*meter:*")
        states = [ask(self.valkey.socket_path, "HGET", key.decode(), "state") for key in keys]
        return states.count(state)

    async def until(self, condition: Callable[[], bool], what: str, timeout_s: float = 30) -> None:
        """Wait for it."""
        give_up_at = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < give_up_at, f"not in time: {what}"
            await asyncio.sleep(0.05)

    async def get(self, path: str) -> Any:
        """A resource of the API, as admin."""
        url = self.server.url + path
        status, body = await asyncio.to_thread(get_json, url, self._token)
        assert status == 200, f"{path}: {status} {body}"
        return body

    async def verdict(self) -> list[dict[str, Any]]:
        """One CDR per call, fees by the book, balances that add up, nothing held; the CDRs."""
        records = {record.uniqueid: record for record in await asyncio.gather(*self._calls)}
        give_up_at = time.monotonic() + 30
        while len(cdrs := (await self.get("/v1/cdrs?limit=500"))["cdrs"]) < len(records):
            assert time.monotonic() < give_up_at, f"{len(cdrs)} of {len(records)} CDRs"
            await asyncio.sleep(0.2)
        assert sorted(cdr["uniqueid"] for cdr in cdrs) == sorted(records)
        for cdr in cdrs:
            record = records[cdr["uniqueid"]]
            terms = PARTIES[record.did].terms
            fee = terms.fee(record.billsec, minutes=cdr["included_minutes"])
            print(f"expected {record.billsec} s, {fee}; got {cdr['billsec']} s, {cdr['fee']}")
            assert (cdr["billsec"], _yuan(cdr["fee"])) == (record.billsec, fee)
        await self._balances(cdrs)
        await self.until(lambda: not self.left(), f"an empty Redis, not {self.left()}")
        return list(cdrs)

    async def _balances(self, cdrs: list[dict[str, Any]]) -> None:
        for party in PARTIES.values():
            charged = sum(
                (_yuan(cdr["charged"]) for cdr in cdrs if cdr["customer"] == party.customer),
                Decimal(0),
            )
            balance = await self.get(f"/v1/accounts/{party.customer}/balance")
            print(f"{party.customer}: {party.balance} - {charged}, got {balance['settled']}")
            assert _yuan(balance["settled"]) == Decimal(party.balance) - charged
            assert _yuan(balance["held"]) == 0
            used = sum(cdr["included_minutes"] for cdr in cdrs if cdr["customer"] == party.customer)
            minutes = balance["included_minutes"], balance["included_minutes_held"]
            assert minutes == (party.minutes - used, 0)

    def left(self) -> list[str]:
        """Keys that should not be there when every call is closed and written."""
        kinds = ("calls:", "did:", "line:", "due:", "outbox")
        keys = [key.decode() for key in ask(self.valkey.socket_path, "KEYS", "*")]
        return [key for key in keys if key.partition("}:")[2].startswith(kinds)]

    def lock_sql(self) -> sqlite3.Connection:
        """Another process' exclusive transaction; it ends with `close`."""
        connection = sqlite3.connect(self.database, isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
        return connection


def _yuan(money: dict[str, Any]) -> Decimal:
    return Decimal(money["amount"])
