"""Child processes that end with us."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from callserver.demo.asterisk.processes import GuardedProcess

PARENT = """
import os, sys, time
from callserver.demo.asterisk.processes import GuardedProcess
child = GuardedProcess(["sh", "-c", "sleep 300 & echo $! > grandchild; wait"])
print(child.pid, flush=True)
time.sleep(300)
"""


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def gone(pid: int) -> bool:
    """Whether a process ends within ten seconds."""
    deadline = time.monotonic() + 10
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


def test_the_child_and_its_children_die_with_a_killed_parent(tmp_path: Path) -> None:
    """SIGKILL of the parent leaves nothing running."""
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, cwd=tmp_path, env=env
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        deadline = time.monotonic() + 10
        while not (tmp_path / "grandchild").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.1)
        grandchild = int((tmp_path / "grandchild").read_text())
        assert alive(child)
        assert alive(grandchild)
        parent.kill()
    assert gone(child)
    assert gone(grandchild)


def test_stop_asks_first() -> None:
    """SIGTERM ends a child that listens to it; the exit code says so."""
    assert GuardedProcess(["sleep", "300"]).stop() == -signal.SIGTERM


def test_stop_kills_a_child_that_does_not_listen(tmp_path: Path) -> None:
    """After the time-out comes SIGKILL, for the whole group."""
    ready = tmp_path / "ready"
    child = GuardedProcess(["sh", "-c", f"trap '' TERM; touch {ready}; while :; do sleep 1; done"])
    while not ready.exists():
        time.sleep(0.01)
    assert child.stop(0.2) == -signal.SIGKILL
    assert not child.running


def test_output_is_kept_and_the_exit_code_returned(tmp_path: Path) -> None:
    """stdout and stderr go to the file; wait gives the code."""
    child = GuardedProcess(["sh", "-c", "echo out; echo err >&2; exit 3"], output=tmp_path / "said")
    assert child.wait(10) == 3
    assert (tmp_path / "said").read_text().split() == ["out", "err"]


def test_a_program_that_is_missing_is_an_error() -> None:
    """As with subprocess."""
    with pytest.raises(FileNotFoundError):
        GuardedProcess(["/nowhere/at/all"])
