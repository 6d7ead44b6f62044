"""How other commands find the running server: `server.json` in its data folder."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Self

import orjson

from callserver.cli.output import Failed

STATE_FILE = "server.json"
LOCK_FILE = "server.lock"
LOCK_TRIES = 10
LOCK_TRY_S = 0.05


@dataclass(frozen=True, slots=True)
class ServerState:
    """A server that is ready: its process and the ports it was given."""

    pid: int
    http: str
    fastagi: str
    started_ms: int

    @property
    def url(self) -> str:
        """Base of its HTTP API, without a slash at the end."""
        return f"http://{self.http}"

    @classmethod
    def read(cls, data: Path) -> Self | None:
        """The server that runs on this folder; None if none does (a killed one leaves its file)."""
        try:
            with (data / LOCK_FILE).open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            pass  # held: someone runs
        except OSError:
            return None
        else:
            return None
        try:
            return cls(**orjson.loads((data / STATE_FILE).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None  # it starts or stops just now

    @contextmanager
    def published(self, data: Path) -> Iterator[None]:
        """The file stands while the server is ready."""
        path, draft = data / STATE_FILE, data / f".{STATE_FILE}.{self.pid}"
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(orjson.dumps(asdict(self)))
        draft.replace(path)
        try:
            yield
        finally:
            with suppress(FileNotFoundError):
                path.unlink()


@contextmanager
def only_server(data: Path) -> Iterator[None]:
    """Hold the data folder against a second server; the kernel lets go when we die.

    Raises Failed.
    """
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (data / LOCK_FILE).open("wb")
    except OSError as fault:
        raise Failed(f"the data folder {data}: {fault.strerror}") from fault
    with lock:
        if not _locked(lock):
            raise Failed(f"another callserver runs on the data folder {data}")
        yield


def _locked(lock: BinaryIO) -> bool:
    """Take the lock; a command that looks whether we run holds it for an instant."""
    for _ in range(LOCK_TRIES):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(LOCK_TRY_S)
        else:
            return True
    return False


def reachable(host: str, port: int) -> str:
    """HOST:PORT to connect to where `host` is what a server bound: any address means loopback."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # compared, not bound
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
