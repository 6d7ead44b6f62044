"""EmbeddedValkey: one server per data folder, whatever dies."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from callserver.adapters.redis import data_folder
from callserver.adapters.redis.data_folder import (
    SOCKET_PATH_BYTES_MAX,
    DataFolderBusy,
    EmbeddedValkeyError,
    socket_path,
)
from callserver.adapters.redis.embedded import EmbeddedValkey
from callserver.adapters.redis.embedded_probe import (
    NoAnswer,
    ask,
    process_alive,
    send_signal,
    works_in,
)

OWNER = """
import os, signal, sys
from pathlib import Path
from callserver.adapters.redis.embedded import EmbeddedValkey
from callserver.adapters.redis.embedded_probe import ask
valkey = EmbeddedValkey(Path(sys.argv[1]), dies_with_parent=sys.argv[2] == "dies").open()
ask(valkey.socket_path, "SET", "held", "27")
print(valkey.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A data folder; a server that a failing test leaves in it is ended."""
    folder = tmp_path / "data"
    yield folder
    for pid in psutil.pids():
        if works_in(pid, folder):
            send_signal(pid, signal.SIGKILL)


def killed_owner(folder: Path, fate: str) -> int:
    """A callserver that starts a Valkey and is killed; the Valkey's process id."""
    owner = subprocess.run(
        [sys.executable, "-c", OWNER, str(folder), fate],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert owner.returncode == -signal.SIGKILL, owner.stderr
    return int(owner.stdout)


def wait_dead(pid: int) -> None:
    """Wait for the process to end."""
    give_up_at = time.monotonic() + 15
    while process_alive(pid):
        assert time.monotonic() < give_up_at, f"{pid} lives on"
        time.sleep(0.01)


def test_settings_keep_money(folder: Path) -> None:
    """Appending file, no eviction, no snapshot, no TCP, and a folder for its owner alone."""
    with EmbeddedValkey(folder, dies_with_parent=True) as valkey:
        expected = {
            "appendonly": "yes",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
            "save": "",
            "port": "0",
            "dir": str(folder),
        }
        for name, value in expected.items():
            assert ask(valkey.socket_path, "CONFIG", "GET", name) == [
                name.encode(),
                value.encode(),
            ]
        assert psutil.Process(valkey.pid).net_connections("tcp") == []
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(valkey.socket_path.stat().st_mode) == 0o700


def test_always_is_always(folder: Path) -> None:
    """appendfsync can be `always`."""
    with EmbeddedValkey(folder, appendfsync="always", dies_with_parent=True) as valkey:
        reply = ask(valkey.socket_path, "CONFIG", "GET", "appendfsync")
        assert reply == [b"appendfsync", b"always"]


def test_stop_leaves_data_and_nothing_else(folder: Path) -> None:
    """After a stop no process, socket or pid file is left; the next start has the data."""
    valkey = EmbeddedValkey(folder, dies_with_parent=True)
    with valkey:
        ask(valkey.socket_path, "SET", "held", "27")
        pid = valkey.pid
    assert not process_alive(pid)
    assert (valkey.pid, valkey.alive) == (0, False)
    assert {path.name for path in folder.iterdir()} == {
        "appendonlydir",
        "valkey.lock",
        "valkey.log",
    }
    with valkey:
        assert ask(valkey.socket_path, "GET", "held") == b"27"


def test_orphan_of_a_killed_callserver_is_used_again(folder: Path) -> None:
    """The server outlives a killed callserver, and the next one goes on with it."""
    pid = killed_owner(folder, "lives")
    assert process_alive(pid)
    with EmbeddedValkey(folder, appendfsync="always") as valkey:
        assert (valkey.adopted, valkey.pid, valkey.alive) == (True, pid, True)
        assert ask(valkey.socket_path, "GET", "held") == b"27"
        reply = ask(valkey.socket_path, "CONFIG", "GET", "appendfsync")
        assert reply == [b"appendfsync", b"always"]
    wait_dead(pid)


def test_deaf_orphan_is_replaced(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An orphan that answers nothing is ended before another server writes its file."""
    monkeypatch.setattr(data_folder, "DEAF_STOP_S", 0.2)
    pid = killed_owner(folder, "lives")
    os.kill(pid, signal.SIGSTOP)
    with EmbeddedValkey(folder, dies_with_parent=True) as valkey:
        assert (valkey.adopted, valkey.pid != pid) == (False, True)
        wait_dead(pid)
        assert ask(valkey.socket_path, "GET", "held") == b"27"


def test_stale_pid_of_a_stranger_is_left_alone(folder: Path) -> None:
    """A pid file that now names another program harms nobody."""
    folder.mkdir()
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        (folder / "valkey.pid").write_text(f"{stranger.pid}\n")
        with EmbeddedValkey(folder, dies_with_parent=True):
            assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_server_can_die_with_its_parent(folder: Path) -> None:
    """For demos and tests: no server is left, whatever ends the parent."""
    wait_dead(killed_owner(folder, "dies"))


def test_second_callserver_is_told_who_holds_the_folder(folder: Path) -> None:
    """Two live owners of one folder are not possible; the first goes on."""
    with EmbeddedValkey(folder, dies_with_parent=True) as valkey:
        with pytest.raises(DataFolderBusy, match=str(os.getpid())):
            EmbeddedValkey(folder).open()
        assert ask(valkey.socket_path, "PING") == b"PONG"


def test_two_folders_side_by_side(tmp_path: Path) -> None:
    """Servers of two folders share nothing."""
    with (
        EmbeddedValkey(tmp_path / "a", dies_with_parent=True) as a,
        EmbeddedValkey(tmp_path / "b", dies_with_parent=True) as b,
    ):
        ask(a.socket_path, "SET", "k", "a")
        assert ask(b.socket_path, "GET", "k") is None


def test_folder_too_deep_for_a_socket(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The socket stands in a short place then, the folder has a link to it, both go at the end."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path_factory.mktemp("t")))
    deep = tmp_path / ("d" * SOCKET_PATH_BYTES_MAX)
    valkey = EmbeddedValkey(deep, dies_with_parent=True)
    assert len(str(valkey.socket_path)) <= SOCKET_PATH_BYTES_MAX
    with valkey:
        assert ask(valkey.socket_path, "PING") == b"PONG"
        assert (deep / "valkey.sock").readlink() == valkey.socket_path == socket_path(deep)
    assert not (deep / "valkey.sock").is_symlink()
    assert not valkey.socket_path.exists()


def test_nowhere_short_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no short place exists the error says what to change."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / ("t" * 100)))
    with pytest.raises(EmbeddedValkeyError, match="shorter data folder or TMPDIR"):
        EmbeddedValkey(tmp_path / ("d" * 100))


def test_server_that_can_not_start_says_why(folder: Path) -> None:
    """The last lines of its log are in the error, and the folder is free again."""
    with pytest.raises(EmbeddedValkeyError, match="no-such-option"):
        EmbeddedValkey(folder, extra_args=("--no-such-option", "1")).open()
    with EmbeddedValkey(folder, dies_with_parent=True) as valkey:
        assert ask(valkey.socket_path, "PING") == b"PONG"


async def test_dead_server_is_started_again(folder: Path) -> None:
    """keep_alive brings the server back on the same socket, as another process."""
    async with EmbeddedValkey(folder, appendfsync="always", dies_with_parent=True) as valkey:
        keeper = asyncio.create_task(valkey.keep_alive())
        first = valkey.pid
        await asyncio.to_thread(ask, valkey.socket_path, "SET", "held", "27")
        os.kill(first, signal.SIGKILL)
        async with asyncio.timeout(15):
            while valkey.pid == first or not valkey.alive or not await answers(valkey):
                await asyncio.sleep(0.02)
        assert await asyncio.to_thread(ask, valkey.socket_path, "GET", "held") == b"27"
        keeper.cancel()
        await asyncio.wait([keeper])


async def answers(valkey: EmbeddedValkey) -> bool:
    """Whether the server answers PING."""
    try:
        return await asyncio.to_thread(ask, valkey.socket_path, "PING") == b"PONG"
    except NoAnswer:
        return False


def test_a_socket_elsewhere_leaves_nothing_behind(tmp_path: Path) -> None:
    """A data folder too deep for a socket gets one in the temporary folder, gone at the end."""
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    with EmbeddedValkey(deep) as valkey:
        short = valkey.socket_path
        assert short.is_socket()
        assert short.parent != deep
    assert not short.parent.exists()
