"""Blocking questions to an embedded Valkey and to the kernel about its process."""

import contextlib
import os
import signal
import socket
from pathlib import Path
from typing import Any

import hiredis

from callserver.adapters.redis.protocol import packed


class NoAnswer(Exception):
    """Nobody serves the socket, or not in time."""


def ask(socket_path: Path, *command: str, timeout_s: float = 2.0) -> Any:
    """Send one command over a fresh connection. An error reply is returned, not raised."""
    reader = hiredis.Reader()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_s)
        try:
            connection.connect(str(socket_path))
            connection.sendall(packed(command))
            while (reply := reader.gets()) is False:
                received = connection.recv(65536)
                if not received:
                    raise NoAnswer(f"{socket_path} was closed")
                reader.feed(received)
        except (OSError, hiredis.ProtocolError) as error:
            raise NoAnswer(f"{socket_path}: {error}") from error
    return reply


def server_folder(socket_path: Path) -> Path:
    """Where the server keeps its data. Raises NoAnswer."""
    reply = ask(socket_path, "CONFIG", "GET", "dir")
    if not isinstance(reply, list) or len(reply) != 2:
        raise NoAnswer(f"{socket_path}: {reply}")
    return Path(os.fsdecode(reply[1]))


def server_pid(socket_path: Path) -> int:
    """The server's process id by its own word. Raises NoAnswer."""
    reply = ask(socket_path, "INFO", "server")
    for line in reply.splitlines() if isinstance(reply, bytes) else ():
        if line.startswith(b"process_id:"):
            return int(line.partition(b":")[2])
    raise NoAnswer(f"{socket_path}: {reply!r}")


def is_loaded(socket_path: Path) -> bool:
    """Whether the server answers PING with PONG and not with LOADING. Raises NoAnswer."""
    return bool(ask(socket_path, "PING") == b"PONG")


def process_alive(pid: int) -> bool:
    """Whether this process runs; one that is dead and only not yet waited for does not."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return not stat.parent.parent.is_dir() and _signallable(pid)


def send_signal(pid: int, sign: signal.Signals) -> None:
    """Signal a process that may be gone already."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, sign)


def works_in(pid: int, folder: Path) -> bool:
    """Whether the process is a Valkey that works in this folder (False where unknowable)."""
    process = Path(f"/proc/{pid}")
    try:
        name = (process / "comm").read_text()
        return name.startswith("valkey-server") and (process / "cwd").samefile(folder)
    except OSError:
        return False


def _signallable(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
