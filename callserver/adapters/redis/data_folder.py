"""The embedded Valkey's data folder: who may use it, and where its socket can stand."""

import fcntl
import hashlib
import os
import signal
import tempfile
import time
from pathlib import Path
from typing import IO

import structlog

from callserver.adapters.redis.embedded_probe import process_alive, send_signal, works_in

log = structlog.get_logger()

SOCKET_PATH_BYTES_MAX = 107  # sockaddr_un.sun_path without its final NUL (unix(7))
SOCKET_NAME = "valkey.sock"
PID_FILE = "valkey.pid"
LOCK_FILE = "valkey.lock"
DEAF_STOP_S = 5.0


class EmbeddedValkeyError(Exception):
    """The embedded Valkey can't be started; the text says what to do."""


class DataFolderBusy(EmbeddedValkeyError):
    """Another live callserver uses this data folder."""


def lock_folder(data_dir: Path) -> IO[str]:
    """Make the folder private and lock it for this process, until the file is closed.

    The kernel drops the lock however the process ends. Raises DataFolderBusy.
    """
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    data_dir.chmod(0o700)
    lock = (data_dir / LOCK_FILE).open("a+", encoding="ascii")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        owner = lock.read().strip() or "unknown"
        lock.close()
        raise DataFolderBusy(
            f"{data_dir} is used by another callserver (process {owner}); "
            "stop it or choose another data folder"
        ) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def socket_path(data_dir: Path) -> Path:
    """Where the folder's socket stands: in the folder, or in a short place if that is too long.

    The same folder always gives the same path, so any process can find it.
    """
    inside = data_dir.absolute() / SOCKET_NAME
    if _fits(inside):
        return inside
    owned = f"{os.getuid()}:".encode() + os.fsencode(inside)
    short = _runtime_folder(hashlib.sha256(owned).hexdigest()[:12]) / "socket"
    if not _fits(short):
        raise EmbeddedValkeyError(
            f"{inside} is too long for a unix socket (at most {SOCKET_PATH_BYTES_MAX} bytes), "
            f"and so is {short}; choose a shorter data folder or TMPDIR"
        )
    return short


def prepare_socket(data_dir: Path, path: Path) -> None:
    """Clear what a dead server left; for a socket elsewhere, leave a link to it in the folder."""
    path.unlink(missing_ok=True)
    inside = data_dir / SOCKET_NAME
    if path == inside:
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    owner = path.parent.lstat()
    if owner.st_uid != os.getuid() or owner.st_mode & 0o077:
        raise EmbeddedValkeyError(f"{path.parent} belongs to others or is open to them; remove it")
    inside.unlink(missing_ok=True)
    inside.symlink_to(path)


def remove_socket(data_dir: Path, path: Path) -> None:
    """After the server has ended: leave no socket and no link behind."""
    path.unlink(missing_ok=True)
    if path.parent != data_dir and path.parent.is_dir():
        path.parent.rmdir()
    (data_dir / SOCKET_NAME).unlink(missing_ok=True)
    (data_dir / PID_FILE).unlink(missing_ok=True)


def end_deaf_server(data_dir: Path) -> None:
    """End a server of this folder that no longer answers, so that two never write one file.

    Raises EmbeddedValkeyError if it can't be ended.
    """
    try:
        pid = int((data_dir / PID_FILE).read_text("ascii"))
    except (FileNotFoundError, ValueError):
        return
    if not works_in(pid, data_dir):
        return
    log.warning("valkey.deaf_server_ended", pid=pid)
    for sign in (signal.SIGTERM, signal.SIGKILL):
        send_signal(pid, sign)
        give_up_at = time.monotonic() + DEAF_STOP_S
        while time.monotonic() < give_up_at:
            if not process_alive(pid):
                return
            time.sleep(0.01)
    raise EmbeddedValkeyError(f"process {pid} serves {data_dir}, answers nothing and won't end")


def _fits(path: Path) -> bool:
    return len(os.fsencode(path)) <= SOCKET_PATH_BYTES_MAX


def _runtime_folder(digest: str) -> Path:
    """A folder of this data folder's own, so that removing it takes nothing from another."""
    return Path(tempfile.gettempdir()) / f"callserver-{digest}"
