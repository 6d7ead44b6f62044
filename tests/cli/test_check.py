"""`callserver check` and `doctor` against real parts: SQLite, Valkey, a PBX that speaks AMI."""

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from callserver.adapters.redis.embedded import EmbeddedValkey
from callserver.adapters.sql import migrate
from callserver.demo.pbx.exchange import SimulatedPbx
from tests.cli.conftest import Ran, Run

SECRET = "only-for-tests"


@contextmanager
def served(start: Callable[[], Coroutine[Any, Any, tuple[int, Any]]]) -> Iterator[int]:
    """Something that listens, on a loop of its own: the command has one too. Its port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def wait(work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(timeout=10)

    port, stop = wait(start())
    try:
        yield port
    finally:
        wait(stop())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def pbx_port() -> Iterator[int]:
    """A PBX with our dialplan, as far as AMI shows it."""

    async def start() -> tuple[int, Callable[[], Coroutine[Any, Any, None]]]:
        pbx = SimulatedPbx("main", secret=SECRET, trunks=frozenset())
        await pbx.__aenter__()

        async def stop() -> None:
            await pbx.__aexit__(None, None, None)

        return pbx.ami_port, stop

    with served(start) as port:
        yield port


def asterisk(port: int, secret: str = SECRET) -> dict[str, str]:
    """The environment that names one PBX."""
    given = {"NAME": "main", "PORT": str(port), "SECRET": secret}
    return {f"CALLSERVER_ASTERISK__0__{key}": text for key, text in given.items()}


def outcomes(ran: Ran) -> dict[str, tuple[str, str]]:
    """Findings by name; of several the last."""
    return {item["name"]: (item["outcome"], item["detail"]) for item in ran.json["findings"]}


def test_an_embedded_set_up_passes_with_a_warning_for_the_missing_pbx(run: Run, data: Path) -> None:
    """Without Asterisk there is nothing to do, but nothing is broken."""
    got = run("check", "--data", data, "--json")
    assert (got.status, got.json["ok"]) == (0, True)
    assert outcomes(got)["asterisk"][0] == "warning"
    detail = f"at revision {migrate.head()}; 5 customers, 8 numbers"
    assert outcomes(got)["database"] == ("ok", detail)


def test_a_missing_database_fails_and_people_see_what_to_do(run: Run, tmp_path: Path) -> None:
    """Exit status 1; the message names the command that makes it."""
    got = run("check", "--data", tmp_path)
    assert (got.status, "✗ database: there is no database" in got.out) == (1, True)
    assert "callserver db upgrade" in got.out


def test_the_dialplan_s_globals_are_read_by_ami(run: Run, data: Path, pbx_port: int) -> None:
    """Login, rights, version and clock are looked at on the PBX itself."""
    got = run("check", "--data", data, "--json", **asterisk(pbx_port))
    found = outcomes(got)
    assert found["asterisk:main"] == ("ok", f"logged in at 127.0.0.1:{pbx_port}")
    assert found["asterisk:main:rights"][0] == "ok"
    assert found["asterisk:main:clock"][0] == "ok"
    assert "asterisk:main:dialplan" in found
    assert found["asterisk:main:cdr_file"][0] == "warning"


def test_a_wrong_secret_fails_without_showing_it(run: Run, data: Path, pbx_port: int) -> None:
    """The PBX's own words, and where to look."""
    got = run("check", "--data", data, **asterisk(pbx_port, "hunter2"))
    assert (got.status, "hunter2" in got.out + got.err) == (1, False)
    assert "✗ asterisk:main: login refused: Authentication failed" in got.out


def test_nobody_at_the_address_fails(run: Run, data: Path) -> None:
    """A refused connection is a finding."""
    got = run("check", "--data", data, "--json", **asterisk(1))
    assert (got.status, outcomes(got)["asterisk:main"][0]) == (1, "failed")


@pytest.mark.parametrize("greeting", [b"SSH-2.0-x\r\n", b"", b"x" * 100_000])
def test_what_is_not_ami_is_said_so(run: Run, data: Path, greeting: bytes) -> None:
    """Another service, one that closes, and one that floods end in a finding, not a hang."""

    async def start() -> tuple[int, Callable[[], Coroutine[Any, Any, None]]]:
        async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(greeting)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)

        async def stop() -> None:
            server.close()
            await server.wait_closed()

        return server.sockets[0].getsockname()[1], stop

    with served(start) as port:
        got = run("check", "--data", data, "--json", **asterisk(port))
    assert (got.status, outcomes(got)["asterisk:main"][0]) == (1, "failed")


def test_a_redis_that_could_lose_money_fails(run: Run, data: Path, tmp_path: Path) -> None:
    """With AOF and noeviction it passes; one that evicts does not."""
    extra = {False: (), True: ("--maxmemory-policy", "allkeys-lru")}
    for evicts, args in extra.items():
        with EmbeddedValkey(tmp_path / f"redis-{evicts}", extra_args=args) as valkey:
            url = {"CALLSERVER_REDIS__URL": f"unix://{valkey.socket_path}"}
            got = run("check", "--data", data, "--json", **url)
        assert outcomes(got)["redis"][0] == "ok"
        assert ("redis:eviction" in outcomes(got), got.status) == (evicts, int(evicts))


def test_the_log_stays_off_standard_output(data: Path, tmp_path: Path) -> None:
    """Looking at a Redis that runs writes log lines; --json is JSON and nothing else all the same.

    As a process: in the tests' own one the log is set up already.
    """
    with EmbeddedValkey(tmp_path / "redis") as valkey:
        url = {"CALLSERVER_REDIS__URL": f"unix://{valkey.socket_path}"}
        command = [sys.executable, "-m", "callserver", "check", "--data", data, "--json"]
        got = subprocess.run(
            command, capture_output=True, text=True, env=os.environ | url, check=True
        )
    assert (got.stderr, json.loads(got.stdout)["ok"]) == ("", True)


def test_the_doctor_looks_at_the_host_too(run: Run, data: Path) -> None:
    """Files, disk, limits and the region table, besides all that check does."""
    (data / "call_id.key").write_bytes(b"k" * 32)
    (data / "call_id.key").chmod(0o644)
    (data / "form.keys").write_text("k")
    (data / "form.keys").chmod(0o640)
    found = outcomes(run("doctor", "--data", data, "--json"))
    assert {"database", "disk", "open_files", "regions", "server"} <= found.keys()
    assert found["file:call_id_key"][0] == found["file:form_keys"][0] == "warning"
    assert found["server"] == ("ok", f"none runs on {data}")
