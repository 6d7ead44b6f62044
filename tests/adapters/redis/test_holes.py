"""Every known hole of asyncio-redis 0.16: closed in our link, open in the bare library."""

import asyncio
import hashlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncio_redis
import pytest
from asyncio_redis.exceptions import ErrorReply, NotConnectedError, ScriptKilledError

from callserver.adapters.redis.embedded import EmbeddedValkey
from callserver.adapters.redis.embedded_probe import ask
from callserver.adapters.redis.errors import OutcomeUnknown, RedisUnavailable
from callserver.adapters.redis.script import Script
from callserver.adapters.redis.url import RedisTarget, RedisUrlInvalid, parse_redis_url
from tests.adapters.redis.clients import (
    HANGING_S,
    PATIENCE_S,
    Bare,
    BarePure,
    Client,
    Ours,
    hole,
)

Opened = Callable[[type[Client], RedisTarget], Awaitable[Any]]


def script(source: str) -> Script:
    """A script without a file."""
    return Script("s", source, source, hashlib.sha1(source.encode()).hexdigest())


@pytest.fixture
async def opened() -> AsyncIterator[Opened]:
    """Open clients that are closed after the test."""
    clients: list[Any] = []

    async def open_one(kind: Any, target: RedisTarget) -> Any:
        clients.append(await kind.open(target))
        return clients[-1]

    yield open_one
    for client in clients:
        await client.close()


def cut(valkey: EmbeddedValkey) -> None:
    """Close every other connection from the server's side."""
    ask(valkey.socket_path, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


async def until_back(client: Client) -> None:
    """Wait until the client works again by itself."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                await client.command("PING")
            except (NotConnectedError, RedisUnavailable, OutcomeUnknown):
                await asyncio.sleep(0.01)
            else:
                return


@hole("every script error is an empty ScriptKilledError", ScriptKilledError)
async def test_script_error_keeps_its_words(
    kind: type[Client], valkey: EmbeddedValkey, opened: Opened
) -> None:
    """What a script says when it fails reaches the caller."""
    client = await opened(kind, valkey.target)
    failing = script("return redis.error_reply('GAP seq 4 is missing')")
    ask(valkey.socket_path, "SCRIPT", "LOAD", failing.source)
    try:
        await client.evalsha(failing)
    except Exception as error:
        if "GAP seq 4 is missing" not in str(error):
            raise


@hole("NOSCRIPT is told apart from nothing and there is no EVAL", ScriptKilledError)
async def test_script_survives_a_restart_of_the_server(
    kind: type[Client], valkey: EmbeddedValkey, opened: Opened
) -> None:
    """A server that forgot its scripts gets them again, unnoticed by the caller."""
    client = await opened(kind, valkey.target)
    ask(valkey.socket_path, "SCRIPT", "FLUSH")
    assert await client.evalsha(script("return 4"), "x") == 4


@hole("a cancelled call's error ends the reader", (TimeoutError, NotConnectedError), Bare, BarePure)
async def test_error_for_a_cancelled_call_goes_nowhere(
    kind: type[Client], valkey: EmbeddedValkey, opened: Opened
) -> None:
    """The next commands on the same connection are answered as if nothing had happened."""
    client = await opened(kind, valkey.target)
    await client.command("SET", "k", "word")
    call = asyncio.create_task(client.command("INCR", "k"))
    await asyncio.sleep(0)
    call.cancel()
    await asyncio.wait([call])
    async with asyncio.timeout(HANGING_S):
        assert await client.command("GET", "k") == b"word"


@hole("nothing has a deadline", TimeoutError)
async def test_frozen_server_holds_no_caller(
    kind: type[Client], private_valkey: EmbeddedValkey, opened: Opened
) -> None:
    """A server that stopped answering ends the call, and the outcome is called unknown."""
    client = await opened(kind, private_valkey.target)
    os.kill(private_valkey.pid, signal.SIGSTOP)
    try:
        async with asyncio.timeout(HANGING_S):
            with pytest.raises(OutcomeUnknown):
                await client.command("INCR", "n")
    finally:
        os.kill(private_valkey.pid, signal.SIGCONT)


@hole("create() without a server never returns", TimeoutError)
async def test_opening_without_a_server_returns(
    kind: type[Client], tmp_path: Path, opened: Opened
) -> None:
    """Opening ends, and using it then says that nobody is there."""
    async with asyncio.timeout(HANGING_S):
        client = await opened(kind, RedisTarget(path=str(tmp_path / "none")))
    with pytest.raises(RedisUnavailable):
        await client.command("PING")


@hole("commands slip in between reconnect and SELECT", AssertionError)
async def test_no_command_lands_in_the_wrong_database(
    kind: type[Client], valkey: EmbeddedValkey, opened: Opened
) -> None:
    """However eager the callers, nothing is written before SELECT is answered."""
    client = await opened(kind, RedisTarget(path=valkey.target.path, db=3))
    stop = asyncio.Event()

    async def eager() -> None:
        while not stop.is_set():
            try:
                await client.command("INCR", "n")
            except (NotConnectedError, RedisUnavailable, OutcomeUnknown):
                await asyncio.sleep(0)

    callers = [asyncio.create_task(eager()) for _ in range(8)]
    for _ in range(5):
        await asyncio.sleep(0.05)
        await asyncio.to_thread(cut, valkey)
        await until_back(client)
    stop.set()
    await asyncio.wait(callers)
    assert ask(valkey.socket_path, "GET", "n") is None  # the probe looks into database 0
    assert int(await client.command("GET", "n")) > 0


@hole("a wrong password passes create()", ErrorReply)
async def test_wrong_password_is_not_connected(
    kind: type[Client], private_valkey: EmbeddedValkey, opened: Opened
) -> None:
    """A link whose password was refused calls itself unavailable and names the password."""
    ask(private_valkey.socket_path, "CONFIG", "SET", "requirepass", "right")
    target = RedisTarget(path=private_valkey.target.path, password="wrong")
    client = await opened(kind, target)
    with pytest.raises(RedisUnavailable, match="wrong_password"):
        await client.command("PING")


@hole("MULTI across a reconnect runs outside the transaction", AssertionError)
async def test_no_transaction_loses_its_frame(
    kind: type[Client], valkey: EmbeddedValkey, opened: Opened
) -> None:
    """Nothing of a transaction that was never executed is written."""
    client = await opened(kind, valkey.target)
    if isinstance(client, Bare):
        transaction = await client.connection.multi()
        first = client.transport
        await asyncio.to_thread(cut, valkey)
        async with asyncio.timeout(PATIENCE_S):
            while client.transport in (None, first):
                await asyncio.sleep(0.01)
        with pytest.raises(asyncio_redis.exceptions.Error):
            await transaction.set("held", "27")
    else:
        with pytest.raises(ValueError, match="MULTI has no place"):
            await client.command("multi")
    assert ask(valkey.socket_path, "GET", "held") is None


@hole(
    "a cancelled BLPOP leaves the pool exhausted", asyncio_redis.NoAvailableConnectionsInPoolError
)
async def test_no_blocking_command_starves_the_others(
    kind: type[Client], valkey: EmbeddedValkey, opened: Opened
) -> None:
    """After an abandoned wait for a list the other commands still run."""
    client = await opened(kind, valkey.target)
    if isinstance(client, Ours):
        with pytest.raises(ValueError, match="BLPOP has no place"):
            await client.command("BLPOP", "list", "0")
        assert await client.command("PING") == b"PONG"
        return
    pool = await asyncio_redis.Pool.create(host=valkey.target.path, port=0, poolsize=1)
    try:
        waiting = asyncio.create_task(pool.blpop(["list"]))
        await asyncio.sleep(0.05)
        waiting.cancel()
        await asyncio.wait([waiting])
        await pool.get("k")
    finally:
        pool.close()
        await asyncio.sleep(0.01)


@hole("pub/sub loses messages silently", TimeoutError)
async def test_no_message_is_lost_unnoticed(
    kind: type[Client], valkey: EmbeddedValkey, opened: Opened
) -> None:
    """Who waits for a message learns that it was cut off, or can't wait at all."""
    client = await opened(kind, valkey.target)
    if isinstance(client, Ours):
        with pytest.raises(ValueError, match="SUBSCRIBE has no place"):
            await client.command("SUBSCRIBE", "news")
        return
    subscription = await client.connection.start_subscribe()
    await subscription.subscribe(["news"])
    ask(valkey.socket_path, "CLIENT", "KILL", "TYPE", "pubsub")
    ask(valkey.socket_path, "PUBLISH", "news", "balance is low")
    async with asyncio.timeout(HANGING_S):
        await subscription.next_published()


@hole("no ACL user", AssertionError)
async def test_acl_user_logs_in(
    kind: type[Client], private_valkey: EmbeddedValkey, opened: Opened
) -> None:
    """User and password of the URL are those of the connection."""
    ask(private_valkey.socket_path, "ACL", "SETUSER", "app", "on", ">pw", "~*", "&*", "+@all")
    client = await opened(
        kind, RedisTarget(path=private_valkey.target.path, user="app", password="pw")
    )
    assert await client.command("ACL", "WHOAMI") == b"app"


@hole("no TLS, Sentinel or Cluster, and no word about it", TimeoutError)
@pytest.mark.parametrize("scheme", ["rediss", "redis+sentinel", "sentinel", "redis+cluster"])
async def test_what_can_not_be_done_is_refused(kind: type[Client], scheme: str) -> None:
    """A URL that asks for more than the library can is refused at once, in words."""
    if kind is Ours:
        with pytest.raises(RedisUrlInvalid, match="not supported yet"):
            parse_redis_url(f"{scheme}://localhost:1")
        return
    async with asyncio.timeout(0.5):  # the library takes a host only, and tries it for ever
        await Bare.open(RedisTarget(host=f"{scheme}://localhost", port=1))


class CountingTransport:
    """Counts the writes that go through to the socket."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self.writes = 0

    def write(self, data: bytes) -> None:
        self.writes += 1
        self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


@hole("one write for every command", AssertionError)
async def test_one_write_per_turn_of_the_loop(
    kind: type[Client], valkey: EmbeddedValkey, opened: Opened
) -> None:
    """Commands of the same turn leave together, however many tasks they come from."""
    client = await opened(kind, valkey.target)
    await client.command("PING")
    counting = client.transport = CountingTransport(client.transport)
    await asyncio.gather(*(client.command("PING") for _ in range(64)))
    assert counting.writes == 1
