"""A real PostgreSQL of the suite's own: on a unix socket in a temporary folder, gone at the end."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncpg

START_TIMEOUT_S = 60
PORT = 5432  # only names the socket's file: nothing listens on the network


class PostgresMissing(RuntimeError):
    """Debian's postgresql package is not installed."""


class TemporaryPostgres:
    """Debian's newest server as user `postgres` (it refuses root), without fsync: soon gone.

    Use it as a context manager. The server dies with this process, however that ends.
    """

    def __init__(self) -> None:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
        if not found:
            raise PostgresMissing("PostgreSQL is missing: apt-get install postgresql")
        self._bin = found[-1]
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = count(1)
        # Not pytest's tmp_path: user postgres may not enter root's folders.
        self.folder = Path(tempfile.mkdtemp(prefix="callserver-pg-"))

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Make the cluster if there is none, start it, and wait until it answers."""
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        data = self.folder / "data"
        if not data.exists():
            self._run(
                "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8"
            )
        log = (self.folder.parent / f"{self.folder.name}.log").open("wb")
        self._process = subprocess.Popen(
            [
                *self._as_postgres(),
                self._bin / "postgres",
                *("-D", data, "-k", self.folder, "-p", str(PORT)),
                *("-c", "listen_addresses=", "-c", "fsync=off", "-c", "full_page_writes=off"),
                *("-c", "max_connections=200", "-c", "shared_buffers=32MB"),
                *("-c", "autovacuum=off", "-c", "wal_level=minimal", "-c", "max_wal_senders=0"),
            ],
            cwd=self.folder,
            stdout=log,
            stderr=log,
        )
        log.close()
        self._wait()

    def stop(self, *, keep_data: bool = False) -> None:
        """End the server at once (SIGQUIT) and delete its folder."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(timeout=30)
            self._process = None
        if not keep_data:
            shutil.rmtree(self.folder, ignore_errors=True)
            self._log().unlink(missing_ok=True)

    def url(self, database: str = "postgres") -> str:
        """What `[database] url` would be."""
        return f"postgresql://postgres@/{database}?host={self.folder}&port={PORT}"

    async def create_database(self) -> str:
        """A new empty database; its name."""
        name = f"books_{os.getpid()}_{next(self._numbers)}"
        await self.execute("postgres", f'CREATE DATABASE "{name}"')
        return name

    async def drop_database(self, name: str) -> None:
        """Delete a database, whoever is still connected."""
        await self.execute("postgres", f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    async def execute(self, database: str, statements: str) -> None:
        """Run SQL as superuser."""
        connection = await asyncpg.connect(
            host=str(self.folder), port=PORT, user="postgres", database=database
        )
        try:
            await connection.execute(statements)
        finally:
            await connection.close()

    def _as_postgres(self) -> list[str]:
        change = ["--reuid=postgres", "--regid=postgres", "--clear-groups"]
        return ["setpriv", *(change if os.geteuid() == 0 else []), "--pdeathsig=QUIT", "--"]

    def _run(self, program: str, *arguments: str | Path) -> None:
        command: list[str | Path] = [*self._as_postgres(), self._bin / program, *arguments]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr.decode(errors='replace')}")

    def _wait(self) -> None:
        end = time.monotonic() + START_TIMEOUT_S
        at: list[str | Path] = ["-h", self.folder, "-p", str(PORT)]
        ready = [self._bin / "pg_isready", "-q", *at]
        while subprocess.run(ready, check=False).returncode:
            if self._process is None or self._process.poll() is not None:
                raise RuntimeError(f"PostgreSQL did not start: {self._log().read_text()}")
            if time.monotonic() > end:
                raise TimeoutError(f"PostgreSQL is not up after {START_TIMEOUT_S} s")
            time.sleep(0.05)

    def _log(self) -> Path:
        return self.folder.parent / f"{self.folder.name}.log"
