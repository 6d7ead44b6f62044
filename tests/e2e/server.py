"""The server under test: a process of its own, so that it can be killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import orjson

from callserver.adapters.redis.data_folder import remove_socket, socket_path
from callserver.adapters.redis.embedded_probe import NoAnswer, ask
from callserver.demo.asterisk.free_ports import free_tcp_port
from callserver.demo.asterisk.instance import AsteriskInstance
from tests.e2e.http import get_json


class Server:
    """`callserver serve` on a data folder, at fixed ports so that Asterisk finds it again."""

    def __init__(
        self, data: Path, *, billing: dict[str, int], database_url: str = "", redis_url: str = ""
    ) -> None:
        self.data = data
        self.http_port = free_tcp_port()
        self.agi_port = free_tcp_port()
        self.log_file = data.parent / f"{data.name}.log"
        self._billing = billing
        self._database_url = database_url
        self._redis_url = redis_url
        self._process: subprocess.Popen[bytes] | None = None
        data.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def url(self) -> str:
        """Base of the API."""
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def pid(self) -> int:
        """The running process."""
        assert self._process is not None
        return self._process.pid

    def start(
        self, asterisks: Sequence[tuple[AsteriskInstance, int]], *, with_cdr_file: bool = True
    ) -> None:
        """Start for these PBXs and AMI ports, and wait until the API answers (ready or not)."""
        config = self.data.parent / f"{self.data.name}.toml"
        config.write_text(self._config(asterisks, with_cdr_file=with_cdr_file))
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "callserver", "serve", "--config", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | {"NO_COLOR": "1"},
            )
        self._until(lambda: get_json(f"{self.url}/healthz")[0] == 200, "/healthz answers")

    def wait_ready(self) -> None:
        """Wait until calls can be taken."""
        self._until(lambda: get_json(f"{self.url}/readyz")[0] == 200, "/readyz says ready")

    def readyz(self) -> tuple[int, Any]:
        """Status and body."""
        return get_json(f"{self.url}/readyz")

    def kill9(self) -> None:
        """SIGKILL: nothing is flushed or told. The embedded Valkey lives on."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """SIGTERM, and wait for an orderly end."""
        if self._process is not None:
            self._process.terminate()
            code = self._process.wait(20)
            self._process = None
            assert code == 0, f"the server ended with {code}: {self.last_words()}"

    def close(self) -> None:
        """End whatever of it still runs, also a Valkey that a killed server left."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill9()
            self._process = None
        valkey = (self.data / "valkey").absolute()
        try:
            ask(socket_path(valkey), "SHUTDOWN", "NOSAVE")
        except NoAnswer:  # its only answer, and also that of one that is gone already
            remove_socket(valkey, socket_path(valkey))

    def redis(self, *command: str) -> Any:
        """A direct read of the embedded Valkey."""
        return ask(socket_path((self.data / "valkey").absolute()), *command)

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log's events of this name."""
        lines = self.log_file.read_bytes().splitlines()
        found = (orjson.loads(line) for line in lines if line.startswith(b"{"))
        return [event for event in found if event.get("event") == name]

    def last_words(self) -> str:
        """The end of its log."""
        return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-25:])

    def _until(self, condition: Any, what: str, timeout_s: float = 30.0) -> None:
        give_up_at = time.monotonic() + timeout_s
        while True:
            assert self._process is not None
            try:
                if condition():
                    return
            except OSError:
                assert self._process.poll() is None, f"the server died: {self.last_words()}"
            assert time.monotonic() < give_up_at, f"not in time: {what}; {self.last_words()}"
            time.sleep(0.05)

    def _config(
        self, asterisks: Sequence[tuple[AsteriskInstance, int]], *, with_cdr_file: bool
    ) -> str:
        lines = [
            "[server]",
            f'http = "127.0.0.1:{self.http_port}"',
            f'fastagi = "127.0.0.1:{self.agi_port}"',
            f'data = "{self.data}"',
            "[database]",
            f'url = "{self._database_url}"',
            "[redis]",
            f'url = "{self._redis_url}"',
            "[billing]",
            *(f"{key} = {value}" for key, value in self._billing.items()),
        ]
        for asterisk, ami_port in asterisks:
            lines += [
                "[[asterisk]]",
                f'name = "{asterisk.pbx}"',
                f"port = {ami_port}",
                f'user = "{asterisk.ami_user}"',
                f'secret_file = "{asterisk.secret_file}"',
            ]
            if with_cdr_file:
                lines.append(f'cdr_file = "{asterisk.cdr_file}"')
        return "\n".join(lines) + "\n"

    def __enter__(self) -> "Server":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
