"""`callserver serve` as a process: ports, state, signals, a second one, what it cannot do."""

import json
import signal
import socket
import time
import urllib.request
from pathlib import Path

import pytest

from callserver.cli.server_state import ServerState
from tests.cli.conftest import Run
from tests.cli.serving import Server, serving
from tests.log_leaks import event_names


def test_it_serves_on_free_ports_until_told_to_stop(tmp_path: Path) -> None:
    """With nothing configured: both ports printed and reachable, healthy, and a clean end."""
    data = tmp_path / "data"
    with serving(data, "--json") as server:
        printed = json.loads(server.ready())
        state = ServerState.read(data)
        assert state is not None
        assert (state.url, f"agi://{state.fastagi}") == (printed["http"], printed["fastagi"])
        with urllib.request.urlopen(f"{state.url}/healthz", timeout=30) as answer:
            assert answer.status == 200
        host, _, port = state.fastagi.rpartition(":")
        socket.create_connection((host, int(port)), timeout=30).close()
        assert server.stop() == 0
        assert ServerState.read(data) is None
        names = event_names(server.log.read_text().splitlines())
    assert ("server.ready" in names, names[-1]) == (True, "server.stopped")
    assert data.stat().st_mode & 0o777 == 0o700
    modes = {path.name: path.stat().st_mode & 0o077 for path in data.iterdir() if path.is_file()}
    assert not any(modes.values()), modes


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_people_read_where_it_listens(tmp_path: Path, number: signal.Signals) -> None:
    """One line on standard output; Ctrl-C is as good as SIGTERM."""
    with serving(tmp_path / "data") as server:
        assert server.ready().startswith("callserver is ready: HTTP http://127.0.0.1:")
        assert server.stop(number) == 0


def test_stopping_while_it_starts_is_clean(tmp_path: Path) -> None:
    """A signal before it is ready ends it without a traceback."""
    data = tmp_path / "data"
    with serving(data) as server:
        while not (data / "callserver.db").exists():
            assert server.process.poll() is None
            time.sleep(0.01)
        server.stop()
        assert "Traceback" not in server.log.read_text()


def test_a_second_server_on_the_same_data_fails(run: Run, tmp_path: Path) -> None:
    """It says so, with 1, and leaves the first alone."""
    data = tmp_path / "data"
    with serving(data) as server:
        server.ready()
        second = Server(data)
        assert second.ended() == 1
        assert "another callserver runs on the data folder" in second.log.read_text()
        assert ServerState.read(data) is not None


def test_a_port_in_use_fails_with_a_message(tmp_path: Path) -> None:
    """Exit status 1, one line, no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        server = Server(tmp_path / "data", CALLSERVER_SERVER__FASTAGI=address)
        assert server.ended() == 1
    said = server.log.read_text()
    assert ("callserver: cannot start: " in said, "Traceback" in said) == (True, False)


def test_a_bad_configuration_ends_with_78(tmp_path: Path) -> None:
    """As a process too, with the fault on standard error."""
    server = Server(tmp_path / "data", CALLSERVER_LOG__LEVEL="inof")
    assert server.ended() == 78
    assert "did you mean 'info'?" in server.log.read_text()
    assert not (tmp_path / "data").exists()


def test_live_calls_are_asked_of_the_running_server(run: Run, data: Path) -> None:
    """`calls` finds it by its data folder, with a token of its own; so does `doctor`."""
    with serving(data) as server:
        server.ready()
        assert run("calls", "list", "--data", data, "--json").json == {"calls": [], "total": 0}
        assert (data / "cli.token").stat().st_mode & 0o777 == 0o600
        listed = run("calls", "list", "--data", data)
        assert (listed.out, listed.err) == ("", "no live calls\n")
        watched = run("calls", "watch", "--count", 2, "--every", 0.2, "--data", data, "--json")
        assert [json.loads(line)["total"] for line in watched.out.splitlines()] == [0, 0]
        assert "0 live calls" in run("calls", "watch", "--count", 1, "--data", data).out
        tokens = run("token", "list", "--data", data, "--json").json["tokens"]
        assert [token["label"] for token in tokens].count("command line") == 1
        balance = run("accounts", "show", "tea", "--data", data, "--json").json
        assert balance["live"]["available"] == balance["settled"]
        table = run("accounts", "show", "tea", "--data", data).out
        assert "0 live calls hold 0.00 yuan; 20.00 yuan available" in table
        refused = run("calls", "list", "--data", data, "--token", "cs_" + "x" * 43)
        assert (refused.status, " 401 " in refused.err) == (1, True)
        seen = run("doctor", "--data", data, "--json").json["findings"]
        found = {finding["name"]: finding["detail"] for finding in seen}
        assert "is not ready: ami: no ami is configured" in found["server"]
        assert found["redis"].startswith("version ")


def test_a_revoked_token_of_the_command_line_is_made_anew(run: Run, data: Path) -> None:
    """The kept token is looked up before it is used."""
    with serving(data) as server:
        server.ready()
        assert run("calls", "list", "--data", data, "--json").status == 0
        first = (data / "cli.token").read_text()
        token = run("token", "list", "--data", data, "--json").json["tokens"][-1]["id"]
        assert run("token", "revoke", token, "--data", data).status == 0
        assert run("calls", "list", "--data", data, "--json").status == 0
        assert (data / "cli.token").read_text() != first


def test_without_a_server_there_are_no_live_calls_to_ask_for(run: Run, data: Path) -> None:
    """Exit status 1 and what to do; a URL that nobody answers likewise."""
    got = run("calls", "list", "--data", data)
    assert (got.status, "no server runs on the data folder" in got.err) == (1, True)
    got = run("calls", "list", "--url", "http://127.0.0.1:1", "--data", data)
    assert (got.status, "no connection: Connect" in got.err) == (1, True), got.err
    got = run("calls", "list", "--url", "localhost", "--data", data)
    assert (got.status, "is not a URL" in got.err) == (1, True), got.err
