"""What RedisLink says when the server is away, silent, wrong or not a Redis."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import uvloop

from callserver.adapters.redis.client import RedisLink
from callserver.adapters.redis.embedded import EmbeddedValkey
from callserver.adapters.redis.embedded_probe import ask
from callserver.adapters.redis.errors import (
    OutcomeUnknown,
    RedisOutOfMemory,
    RedisUnavailable,
    ScriptError,
    TooManyInFlight,
)
from callserver.adapters.redis.handshake import LinkState
from callserver.adapters.redis.script import load_script
from callserver.adapters.redis.url import RedisTarget

PATIENCE_S = 15.0
Opener = Callable[..., Awaitable[RedisLink]]


@pytest.fixture
async def open_link() -> AsyncIterator[Opener]:
    """Start links that are stopped after the test."""
    links: list[RedisLink] = []

    async def opened(target: RedisTarget, **options: float) -> RedisLink:
        link = RedisLink(target, **options)  # type: ignore[arg-type]  # one dict for both kinds
        links.append(link)
        await link.start()
        return link

    yield opened
    for link in links:
        await link.stop()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that happens soon."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.01)


async def test_server_that_comes_late_is_found(tmp_path: Path, open_link: Opener) -> None:
    """start() returns without a server; the link becomes ready when one is there."""
    valkey = EmbeddedValkey(tmp_path / "v", dies_with_parent=True)
    link = await open_link(valkey.target)
    assert (link.state, link.ready) == (LinkState.UNREACHABLE, False)
    with pytest.raises(RedisUnavailable, match="unreachable"):
        await link.query("PING")
    async with valkey:
        await link.wait_ready(PATIENCE_S)
        assert await link.query("PING") == b"PONG"


async def test_restarted_server_has_another_run_id(
    private_valkey: EmbeddedValkey, open_link: Opener
) -> None:
    """After a restart the link is back by itself and tells the new run_id."""
    link = await open_link(private_valkey.target)
    run_ids: list[str | None] = []
    link.on_state(lambda state, _reason, run_id: run_ids.append(run_id))
    private_valkey.close()
    await until(lambda: not link.ready)
    with private_valkey:
        await link.wait_ready(PATIENCE_S)
        assert link.server is not None
        assert run_ids[-1] == link.server.run_id
        assert run_ids[0] is None
        assert await link.query("PING") == b"PONG"


async def test_restarted_server_gets_the_scripts_in_use(
    private_valkey: EmbeddedValkey, open_link: Opener, tmp_path: Path
) -> None:
    """They are loaded with the handshake, so that no burst of calls has to send them whole."""
    (tmp_path / "four.lua").write_text("return 4")
    script = load_script(tmp_path / "four.lua")
    link = await open_link(private_valkey.target)
    assert await link.evalsha(script, [], []) == 4
    private_valkey.close()
    await until(lambda: not link.ready)
    with private_valkey:
        await link.wait_ready(PATIENCE_S)
        assert await link.query("SCRIPT", "EXISTS", script.sha1) == [1]


async def test_frozen_server_ends_calls_with_unknown_outcome(
    private_valkey: EmbeddedValkey, open_link: Opener
) -> None:
    """No caller waits longer than the deadline, and the reason says what happened."""
    link = await open_link(private_valkey.target, deadline_s=0.3)
    os.kill(private_valkey.pid, signal.SIGSTOP)
    try:
        async with asyncio.timeout(PATIENCE_S):
            with pytest.raises(OutcomeUnknown, match="no reply within"):
                await link.query("INCR", "n")
        await until(lambda: "no reply" in link.reason or link.state is LinkState.LOST)
        assert not link.ready
    finally:
        os.kill(private_valkey.pid, signal.SIGCONT)
    await link.wait_ready(PATIENCE_S)
    assert await link.query("GET", "n") == b"1"  # it had arrived: unknown is the honest word


async def test_unsent_commands_are_unavailable_not_unknown(
    private_valkey: EmbeddedValkey, open_link: Opener
) -> None:
    """Commands not yet written when the link is lost have certainly not run."""
    link = await open_link(private_valkey.target)
    call = asyncio.ensure_future(link.query("INCR", "n"))
    await asyncio.sleep(0)  # queued, not yet flushed
    protocol = link._protocol
    assert protocol is not None
    protocol.drop("cut")
    with pytest.raises(RedisUnavailable):
        await call
    await link.wait_ready(PATIENCE_S)
    assert await link.query("GET", "n") is None


async def test_too_many_in_flight_is_refused(
    private_valkey: EmbeddedValkey, open_link: Opener
) -> None:
    """Over the limit nothing is sent, and the ones below it get their replies."""
    link = await open_link(private_valkey.target, in_flight_max=3)
    calls = [asyncio.ensure_future(link.query("INCR", "n")) for _ in range(5)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert results[:3] == [1, 2, 3]
    assert all(isinstance(result, TooManyInFlight) for result in results[3:])
    assert await link.query("INCR", "n") == 4


async def test_wrong_password_is_a_state(private_valkey: EmbeddedValkey, open_link: Opener) -> None:
    """A missing or wrong password is named; setting it right on the server heals the link."""
    path = private_valkey.socket_path
    ask(path, "ACL", "SETUSER", "app", "on", ">right", "~*", "&*", "+@all")
    link = await open_link(RedisTarget(path=str(path), user="app", password="wrong"))
    assert link.state is LinkState.WRONG_PASSWORD
    assert "wrong" not in link.reason.replace("WRONGPASS", "")
    ask(path, "ACL", "SETUSER", "app", ">wrong")
    await link.wait_ready(PATIENCE_S)
    assert await link.query("ACL", "WHOAMI") == b"app"


async def test_missing_rights_and_databases_are_states(
    private_valkey: EmbeddedValkey, open_link: Opener
) -> None:
    """A user without INFO and a database beyond the server's are told apart."""
    path = private_valkey.socket_path
    ask(path, "ACL", "SETUSER", "app", "on", ">pw", "~*", "+evalsha")
    link = await open_link(RedisTarget(path=str(path), user="app", password="pw"))
    assert link.state is LinkState.NO_PERMISSION
    link = await open_link(RedisTarget(path=str(path), db=4000))
    assert link.state is LinkState.WRONG_DATABASE


async def test_replica_is_not_used(private_valkey: EmbeddedValkey, open_link: Opener) -> None:
    """A server demoted under a ready link is noticed at the first write, and left."""
    link = await open_link(private_valkey.target)
    ask(private_valkey.socket_path, "REPLICAOF", "127.0.0.1", "1")
    with pytest.raises(RedisUnavailable, match="READONLY"):
        await link.query("INCR", "n")
    await until(lambda: link.state is LinkState.REPLICA)
    ask(private_valkey.socket_path, "REPLICAOF", "NO", "ONE")
    await link.wait_ready(PATIENCE_S)


async def test_loading_server_is_waited_for(tmp_path: Path, open_link: Opener) -> None:
    """While the file is read the state is loading; then the link is ready with the data."""
    with EmbeddedValkey(tmp_path / "v", dies_with_parent=True) as valkey:
        fill = "for i = 1, 6000 do redis.call('SET', 'k' .. i, i) end"
        ask(valkey.socket_path, "EVAL", fill, "0")
    slow = EmbeddedValkey(
        tmp_path / "v", dies_with_parent=True, extra_args=("--key-load-delay", "300")
    )
    link = await open_link(slow.target)
    states: list[LinkState] = []
    link.on_state(lambda state, _reason, _run_id: states.append(state))
    async with slow:
        await link.wait_ready(PATIENCE_S)
        assert LinkState.LOADING in states
        assert await link.query("DBSIZE") == 6000


async def test_out_of_memory_moves_nothing(
    private_valkey: EmbeddedValkey, open_link: Opener, tmp_path: Path
) -> None:
    """A script refused for memory is told apart and has not written."""
    (tmp_path / "hold.lua").write_text(
        "redis.call('HINCRBY', KEYS[1], 'held', ARGV[1]) return redis.call('SET', KEYS[2], 'x')"
    )
    script = load_script(tmp_path / "hold.lua")
    link = await open_link(private_valkey.target)
    await link.query("CONFIG", "SET", "maxmemory", 1)
    with pytest.raises(RedisOutOfMemory):
        await link.evalsha(script, ["a", "b"], [5])
    await link.query("CONFIG", "SET", "maxmemory", 0)
    assert await link.query("EXISTS", "a", "b") == 0


async def test_peer_that_is_no_redis(tmp_path: Path, open_link: Opener) -> None:
    """Garbage ends the connection; the link says so and tries on."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()

    server = await asyncio.start_unix_server(talk, tmp_path / "s")
    async with server:
        link = await open_link(RedisTarget(path=str(tmp_path / "s")))
        assert link.state is LinkState.LOST
        assert "does not speak" in link.reason
        await link.stop()


async def test_listener_with_a_bug_does_not_end_the_link(
    private_valkey: EmbeddedValkey,
) -> None:
    """An exception in a callback is logged; link and other listeners go on."""
    link = RedisLink(private_valkey.target)
    heard: list[LinkState] = []
    link.on_state(lambda *_: {}["a bug"])
    link.on_state(lambda state, *_: heard.append(state))
    await link.start()
    assert await link.query("PING") == b"PONG"
    assert heard[-1] is LinkState.READY
    await link.stop()


async def test_failed_command_is_a_script_error(link: RedisLink) -> None:
    """A command that ran and failed has its code; the link stays."""
    await link.query("SET", "k", "word")
    with pytest.raises(ScriptError, match="not an integer") as caught:
        await link.query("INCR", "k")
    assert caught.value.code == "ERR"
    assert link.ready


def test_same_on_uvloop(private_valkey: EmbeddedValkey) -> None:
    """Production's loop: replies, an unknown outcome when frozen, and the way back."""

    async def scenario() -> None:
        link = RedisLink(private_valkey.target, deadline_s=0.3)
        await link.start()
        calls = [link.query("INCR", "n") for _ in range(100)]
        assert await asyncio.gather(*calls) == list(range(1, 101))
        os.kill(private_valkey.pid, signal.SIGSTOP)
        try:
            with pytest.raises(OutcomeUnknown, match="no reply within"):
                await link.query("INCR", "n")
        finally:
            os.kill(private_valkey.pid, signal.SIGCONT)
        await link.wait_ready(PATIENCE_S)
        assert await link.query("INCR", "n") == 102
        await link.stop()

    uvloop.run(scenario())
