"""Child processes that cannot outlive us, not even after our own SIGKILL."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

# `read` ends when the last copy of our end of the pipe closes: when we close it or when we die.
_GUARD = 'read _; kill -KILL "-$0" 2>/dev/null'


class GuardedProcess:
    """One process group, killed with us.

    A guard shell waits on a pipe that only we hold; it is what kills the group if we vanish.
    `PR_SET_PDEATHSIG` would not do: it dies with the thread that forked, and with a setuid.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        output: Path | None = None,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Start argv in a new session; its stdout and stderr are appended to output."""
        sink = output.open("ab") if output else None
        try:
            self.process = subprocess.Popen(  # noqa: S603 - argv is ours, no shell
                argv,
                stdin=subprocess.DEVNULL,
                stdout=sink or subprocess.DEVNULL,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=env,
                start_new_session=True,
            )
        finally:
            if sink:
                sink.close()
        self._guard = subprocess.Popen(  # noqa: S603 - a constant script
            ["/bin/sh", "-c", _GUARD, str(self.process.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The process id, which is also its group's."""
        return self.process.pid

    @property
    def running(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None

    def wait(self, timeout_s: float | None = None) -> int:
        """Wait for the end and return the exit code; TimeoutExpired after timeout_s."""
        code = self.process.wait(timeout_s)
        self._dismiss_guard()
        return code

    def signal(self, number: int) -> None:
        """Send a signal to the process itself, if it still runs."""
        if self.running:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL the whole group and reap it."""
        if self.running:
            os.killpg(self.pid, signal.SIGKILL)
            self.process.wait()
        self._dismiss_guard()

    def stop(self, timeout_s: float = 5.0) -> int:
        """SIGTERM, then SIGKILL after timeout_s; returns the exit code."""
        self.signal(signal.SIGTERM)
        try:
            return self.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            return self.process.wait()

    def _dismiss_guard(self) -> None:
        if self._guard.stdin is None or self._guard.stdin.closed:
            return
        self._guard.kill()  # before its pipe closes, or it would kill a reused group id
        self._guard.wait()
        self._guard.stdin.close()

    def __enter__(self) -> "GuardedProcess":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
