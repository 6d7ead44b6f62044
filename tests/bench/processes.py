"""The processes of a measurement: the server, its Valkey, the load; and what they use."""

import json
import os
import select
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.request import urlopen

import psutil

from callserver.adapters.redis.data_folder import socket_path
from callserver.adapters.redis.embedded_probe import NoAnswer, ask, server_pid
from callserver.demo.asterisk.free_ports import free_tcp_port
from tests.bench.asterisk_bytes import PBX
from tests.e2e.http import get_json

READY_S = 120.0
ANSWER_S = 150.0


class BenchFailed(Exception):
    """Figures that cannot be trusted, or a part that did not do its job."""


class Helper:
    """A child that takes JSON lines and gives JSON lines."""

    def __init__(self, module: str, settings: dict[str, Any]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.pid = self._process.pid
        self.first = self.answer(30.0)

    def do(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Have a command run; its figures."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": command, **arguments}).encode() + b"\n")
        self._process.stdin.flush()
        return self.answer(ANSWER_S)

    def answer(self, timeout_s: float) -> dict[str, Any]:
        """The next line. Raises BenchFailed if none comes."""
        assert self._process.stdout is not None
        if select.select([self._process.stdout], [], [], timeout_s)[0]:
            line = self._process.stdout.readline()
            if line:
                answer: dict[str, Any] = json.loads(line)
                return answer
        raise BenchFailed(f"{self._process.args!r} gave no figures")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


def run_helper(module: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Run a child to its end; the figures it prints."""
    done = subprocess.run(
        [sys.executable, "-m", module, json.dumps(settings)],
        capture_output=True,
        timeout=ANSWER_S,
        check=False,
    )
    if done.returncode:
        raise BenchFailed(f"{module} ended with {done.returncode}: {done.stderr.decode()[-800:]}")
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


class Server:
    """`callserver serve` on SQLite (FULL sync) and the embedded Valkey, at fixed ports."""

    def __init__(self, data: Path, profile: Path | None = None) -> None:
        self.data = data
        self.http_port, self.agi_port = free_tcp_port(), free_tcp_port()
        self.token = ""
        self.log = data.parent / f"{data.name}.log"
        self._profile = profile
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def valkey(self) -> Path:
        """The socket of its Valkey."""
        return socket_path((self.data / "valkey").absolute())

    def start(self, ami_port: int) -> float:
        """Start and wait until it is ready; the seconds that took."""
        config = self.data.parent / f"{self.data.name}.toml"
        secret = self.data.parent / "secret"
        secret.write_text("bench\n")
        secret.chmod(0o600)
        config.write_text(
            f'[server]\nhttp = "127.0.0.1:{self.http_port}"\n'
            f'fastagi = "127.0.0.1:{self.agi_port}"\ndata = "{self.data}"\n'
            f'[[asterisk]]\nname = "{PBX}"\nport = {ami_port}\nsecret_file = "{secret}"\n'
        )
        module = ["tests.bench.profiled", str(self._profile)] if self._profile else ["callserver"]
        began = time.perf_counter()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *module, "serve", "--config", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | {"NO_COLOR": "1"},
            )
        self._wait_ready(began)
        return time.perf_counter() - began

    def _wait_ready(self, began: float) -> None:
        while True:
            assert self._process is not None
            try:
                if self.get("/readyz")[0] == 200:
                    return
            except OSError:
                if self._process.poll() is not None:
                    raise BenchFailed(f"the server ended: {self.last_words()}") from None
            if time.perf_counter() - began > READY_S:
                raise BenchFailed(f"the server is not ready: {self.last_words()}")
            time.sleep(0.02)

    def get(self, path: str) -> tuple[int, Any]:
        """Status and body of a GET."""
        return get_json(f"http://127.0.0.1:{self.http_port}{path}", self.token)

    def last_words(self) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-8:])

    def signal(self, number: int) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self) -> None:
        """In good order; its Valkey ends with it."""
        if self._process is not None:
            self._process.terminate()
            code = self._process.wait(60)
            self._process = None
            if code:
                raise BenchFailed(f"the server ended with {code}: {self.last_words()}")

    def kill(self) -> None:
        """SIGKILL; its Valkey lives on."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """End whatever still runs of it."""
        self.kill()
        try:
            ask(self.valkey, "SHUTDOWN", "NOSAVE")
        except NoAnswer:
            return

    def metrics(self) -> bytes:
        """Its metrics as Prometheus reads them."""
        with urlopen(f"http://127.0.0.1:{self.http_port}/metrics", timeout=10) as answer:
            return bytes(answer.read())

    def redis(self, *command: str) -> Any:
        """Ask its Valkey."""
        return ask(self.valkey, *command, timeout_s=10)

    def redis_bytes(self) -> int:
        """Memory its Valkey uses for data."""
        return _info(self.redis("INFO", "memory"))["used_memory"]

    def scripts_run(self) -> int:
        """EVALSHA calls since its Valkey started."""
        for line in self.redis("INFO", "commandstats").splitlines():
            if line.startswith(b"cmdstat_evalsha:calls="):
                return int(line.split(b"=")[1].split(b",")[0])
        return 0

    def rss_bytes(self) -> int:
        """Resident memory of the server process."""
        assert self._process is not None
        return int(psutil.Process(self._process.pid).memory_info().rss)

    def used(self) -> "Used":
        """CPU so far."""
        assert self._process is not None
        return Used(cpu_s(self._process.pid), cpu_s(server_pid(self.valkey)))


@dataclass(frozen=True)
class Used:
    """CPU seconds, user and system, of the server process and of its Valkey."""

    server_s: float
    valkey_s: float

    def since(self, before: "Used") -> "Used":
        """The difference."""
        return Used(self.server_s - before.server_s, self.valkey_s - before.valkey_s)


def cpu_s(pid: int) -> float:
    """Seconds of CPU a process used, user and system."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def _info(text: bytes) -> dict[str, int]:
    pairs = (line.partition(b":") for line in text.splitlines())
    return {name.decode(): int(value) for name, _, value in pairs if value.isdigit()}


@dataclass(frozen=True)
class Books:
    """Sums read from SQL, past the server."""

    cdrs: int
    fees_micros: int
    entries_micros: int

    @classmethod
    def read(cls, data: Path) -> Self:
        """Now."""
        with sqlite3.connect(data / "callserver.db") as sql:
            cdrs, fees = sql.execute("SELECT count(*), sum(fee_micros) FROM cdr").fetchone()
            calls = "SELECT sum(amount_micros) FROM ledger_entry WHERE call_id IS NOT NULL"
            (entries,) = sql.execute(calls).fetchone()
        sql.close()
        return cls(cdrs, fees or 0, entries or 0)


def wait_cdrs(data: Path, count: int, timeout_s: float = 20.0) -> None:
    """Until SQL has so many CDRs. Raises BenchFailed if it gets more, or does not."""
    give_up = time.perf_counter() + timeout_s
    sql = sqlite3.connect(data / "callserver.db")
    try:
        while True:
            (found,) = sql.execute("SELECT count(*) FROM cdr_key").fetchone()
            if found == count:
                return
            if found > count or time.perf_counter() > give_up:
                raise BenchFailed(f"{found} CDRs in SQL instead of {count}")
            time.sleep(0.005)
    finally:
        sql.close()


@contextmanager
def scratch(parent: Path | None) -> Iterator[Path]:
    """A folder on a real disk, removed at the end."""
    folder = (parent or Path(".callserver")).absolute() / f"bench-{os.getpid()}"
    folder.mkdir(mode=0o700, parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def percentile(values: Sequence[float], percent: int) -> float:
    """Of sorted values."""
    return values[min(len(values) - 1, len(values) * percent // 100)]
