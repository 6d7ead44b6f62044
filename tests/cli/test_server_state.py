"""How commands find the server, and how a second one is kept away."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from callserver.cli.output import Failed
from callserver.cli.server_state import LOCK_FILE, ServerState, only_server, reachable

STATE = ServerState(os.getpid(), "127.0.0.1:8400", "127.0.0.1:4573", 1_790_000_000_000)


def test_a_running_server_is_found_while_it_is_ready(tmp_path: Path) -> None:
    """Only between becoming ready and stopping; the file is its owner's alone."""
    data = tmp_path / "data"
    assert ServerState.read(data) is None
    with only_server(data):
        assert ServerState.read(data) is None
        with STATE.published(data):
            assert ServerState.read(data) == STATE
            assert (data / "server.json").stat().st_mode & 0o777 == 0o600
        assert ServerState.read(data) is None
    assert STATE.url == "http://127.0.0.1:8400"


def test_what_a_killed_server_left_is_not_believed(tmp_path: Path) -> None:
    """The file is there, but nobody holds the lock."""
    code = (
        "import os, sys, pathlib; from callserver.cli.server_state import *;"
        "data = pathlib.Path(sys.argv[1]);"
        "lock = only_server(data); lock.__enter__();"
        "state = ServerState(1, 'h:1', 'h:2', 3).published(data); state.__enter__(); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert (tmp_path / "server.json").exists()
    assert ServerState.read(tmp_path) is None
    with only_server(tmp_path):
        pass


@pytest.mark.parametrize("left", [b"", b"{", b"[]", b'{"pid": 1}'])
def test_a_broken_file_is_no_server(tmp_path: Path, left: bytes) -> None:
    """Whatever stands in it, looking does not fail."""
    with only_server(tmp_path):
        (tmp_path / "server.json").write_bytes(left)
        assert ServerState.read(tmp_path) is None


def test_a_second_server_is_refused(tmp_path: Path) -> None:
    """One server a data folder, whatever ports they would use."""
    with only_server(tmp_path), (tmp_path / LOCK_FILE).open("wb") as other:
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with pytest.raises(Failed, match="another callserver runs"), only_server(tmp_path):
            pass


def test_a_folder_that_cannot_be_made_is_a_failure(tmp_path: Path) -> None:
    """A file in its place ends with a message."""
    (tmp_path / "file").touch()
    with pytest.raises(Failed, match="the data folder"), only_server(tmp_path / "file" / "data"):
        pass


def test_an_any_address_is_reached_by_loopback() -> None:
    """What a server bound is turned into where to connect."""
    assert [reachable(host, 1) for host in ("0.0.0.0", "::", "10.0.0.1", "::1")] == [
        "127.0.0.1:1",
        "[::1]:1",
        "10.0.0.1:1",
        "[::1]:1",
    ]
