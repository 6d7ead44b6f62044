"""A server in a process of its own, as an operator starts it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_S = 90
STOP_S = 60


class Server:
    """`callserver serve` on free ports; its log is in `server.log` beside the data."""

    def __init__(self, data: Path, *args: str, **env: str) -> None:
        self.log = data.parent / f"{data.name}.server.log"
        free = {"CALLSERVER_SERVER__FASTAGI": "127.0.0.1:0"}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "callserver", "serve", "--data", str(data), "-p0", *args],
                env=os.environ | free | env,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def ready(self) -> str:
        """Wait for the line that says so."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"ended with {self.process.wait(START_S)}: {self.log.read_text()}"
        return line

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Tell it to end; its exit status."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        """Wait for its end; its exit status."""
        assert self.process.stdout is not None
        status = self.process.wait(STOP_S)
        self.process.stdout.close()
        return status


@contextmanager
def serving(data: Path, *args: str, **env: str) -> Iterator[Server]:
    """A server that is ended whatever happens."""
    server = Server(data, *args, **env)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()
        if server.process.stdout is not None:
            server.process.stdout.close()
