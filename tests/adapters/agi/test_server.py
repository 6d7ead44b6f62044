"""The FastAGI port as a whole: who is served, who is not, and what a fault costs."""

import asyncio
import io
from ipaddress import IPv4Network, IPv6Network
from typing import Any

import orjson
import pytest

from callserver.adapters.agi.connection import AgiLimits
from callserver.adapters.agi.server import LOOPBACK, AgiServer
from callserver.adapters.agi.session import AgiSession
from tests.adapters.agi.asterisk import PATIENCE_S, Asterisk, connected, header
from tests.adapters.agi.conftest import Serve, until


async def decide(session: AgiSession) -> None:
    """A handler that answers as a decision does."""
    await session.set_variables({"CS_OK": "1"})


async def served(port: int) -> bool:
    """Whether a session gets its decision."""
    async with connected(port, header()) as asterisk:
        await asterisk.answer(b"200 result=0\n")
        await asterisk.ended()
        return asterisk.commands == ['EXEC MSet "CS_OK=1"']


def logged(log_text: io.StringIO, event: str) -> list[dict[str, Any]]:
    """The log's lines of one event."""
    lines = [orjson.loads(line) for line in log_text.getvalue().splitlines()]
    return [line for line in lines if line["event"] == event]


async def test_hostile_connections_leave_others_served(serve: Serve) -> None:
    """300 half-open sessions, a 10 MB header, garbage and connect-and-close hurt nobody."""
    server = await serve(decide)
    silent = [await Asterisk.connect(server.port, b"agi_network: yes\n") for _ in range(300)]
    large = await Asterisk.connect(server.port, b"agi_network: yes\n" * 600_000)
    garbage = await Asterisk.connect(server.port, bytes(range(256)) * 100)
    for _ in range(20):
        (await Asterisk.connect(server.port)).writer.close()
    assert await served(server.port)
    assert server.sessions >= 300
    for one in (*silent, large, garbage):
        await one.close()
    await until(lambda: server.sessions == 0)
    assert await served(server.port)


async def test_longest_silent_connection_makes_room(serve: Serve) -> None:
    """Silent connections take each other's places, never those of real sessions."""
    server = await serve(decide, AgiLimits(header_s=60, sessions_max=4, waiting_max=3))
    silent = [await Asterisk.connect(server.port, b"agi_") for _ in range(10)]
    await asyncio.wait([asyncio.create_task(one.ended()) for one in silent[:7]])
    assert server.sessions == 3
    assert await served(server.port)
    for one in silent:
        await one.close()


async def test_over_the_cap_a_connection_is_closed(serve: Serve, log_text: io.StringIO) -> None:
    """When real sessions fill the port the next is closed: its dialplan goes on by itself."""
    leave = asyncio.Event()

    async def handler(session: AgiSession) -> None:
        await leave.wait()

    server = await serve(handler, AgiLimits(sessions_max=2, reply_s=0.5))
    held = [await Asterisk.connect(server.port, header()) for _ in range(2)]
    await until(lambda: len(server._sessions) == 2)
    async with connected(server.port, header()) as late:
        await late.ended()
    await until(lambda: logged(log_text, "agi.too_many_sessions"))
    leave.set()
    for one in held:
        await one.ended()
        await one.close()
    assert server.refused == {"too_many_sessions": 1}


async def test_address_outside_the_list_is_closed_unserved(
    serve: Serve, log_text: io.StringIO
) -> None:
    """Whoever answers FastAGI commands the PBX, so not everybody may ask."""
    server = await serve(decide, allow=[IPv4Network("10.0.0.0/8")])
    assert not await served(server.port)
    await until(lambda: logged(log_text, "agi.not_allowed"))
    assert logged(log_text, "agi.not_allowed")[0]["address"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("host", "permitted"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("::ffff:8.8.8.8", False),
        ("fe80::1%eth0", True),
        ("192.0.2.1", False),
    ],
)
async def test_address_is_matched_in_every_form(host: str, permitted: bool) -> None:
    """IPv4 in IPv6 and scoped addresses are what they stand for."""
    server = AgiServer("", 0, decide, allow=[*LOOPBACK, IPv6Network("fe80::/10")])
    assert server._permits(host) is permitted
    assert server._permits(host) is permitted


async def test_flood_of_refusals_is_one_line(serve: Serve, log_text: io.StringIO) -> None:
    """A port scanner cannot fill the log."""
    server = await serve(decide)
    for _ in range(50):
        async with connected(server.port, b"GET / HTTP/1.0\r\n\r\n") as scanner:
            await scanner.ended()
    await server.stop()
    lines = logged(log_text, "agi.bad_header")
    assert sum(line["count"] for line in lines) == 50
    assert len(lines) < 25


async def test_fault_of_a_handler_ends_its_session_alone(
    serve: Serve, log_text: io.StringIO
) -> None:
    """It is logged, its connection closed, and the next one served."""

    async def handler(session: AgiSession) -> None:
        if session.request.args:
            raise RuntimeError("a bug")
        await decide(session)

    server = await serve(handler)
    async with connected(server.port, header(args=("x",))) as asterisk:
        await asterisk.ended()
    assert len(logged(log_text, "agi.handler_fault")) == 1
    assert await served(server.port)


async def test_broken_session_is_no_fault(serve: Serve, log_text: io.StringIO) -> None:
    """A caller who hangs up while we decide is everyday life."""
    server = await serve(decide)
    async with connected(server.port, header()) as asterisk:
        await asterisk.command()
        asterisk.writer.close()
        await until(lambda: logged(log_text, "agi.session_broken"))
    assert not logged(log_text, "agi.handler_fault")


async def test_handler_goes_on_when_asterisk_has_left(serve: Serve) -> None:
    """What was begun is finished, such as writing down a call that ended."""
    begun, go_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def handler(session: AgiSession) -> None:
        begun.set()
        await go_on.wait()
        done.set()

    server = await serve(handler)
    async with connected(server.port, header()) as asterisk:
        await begun.wait()
        await asterisk.close()
        go_on.set()
        async with asyncio.timeout(PATIENCE_S):
            await done.wait()


async def test_script_can_have_its_own_handler(serve: Serve) -> None:
    """By the first part of its path; a second handler for it is refused."""
    server = await serve(decide)

    async def other(session: AgiSession) -> None:
        await session.set_variables({"CS_OTHER": "1"})

    server.add_route("other", other)
    with pytest.raises(ValueError, match="already"):
        server.add_route("other", other)
    assert await served(server.port)
    async with connected(server.port, header(script="other/1/2")) as asterisk:
        await asterisk.answer(b"200 result=0\n")
        await asterisk.ended()
    assert asterisk.commands == ['EXEC MSet "CS_OTHER=1"']


async def test_stop_ends_every_connection(serve: Serve) -> None:
    """Silent ones at once, those that run after a moment, and the port is free."""
    cancelled = asyncio.Event()

    async def handler(session: AgiSession) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    server = await serve(handler)
    port = server.port
    silent = await Asterisk.connect(port, b"agi_")
    running = await Asterisk.connect(port, header())
    await until(lambda: server.sessions == 2 and server._sessions)
    await server.stop()
    assert cancelled.is_set()
    assert (server.port, server.sessions) == (0, 0)
    for one in (silent, running):
        await one.ended()
        await one.close()
    with pytest.raises(OSError, match="onnect"):
        await Asterisk.connect(port)


async def test_port_in_use_is_an_error_unless_shared(serve: Serve) -> None:
    """Processes of one server share a port only when told to."""
    first = await serve(decide, reuse_port=True)
    second = AgiServer("127.0.0.1", first.port, decide)
    with pytest.raises(OSError, match="in use"):
        await second.start()
    third = AgiServer("127.0.0.1", first.port, decide, reuse_port=True)
    await third.start()
    await third.stop()
    assert await served(first.port)


async def test_server_is_true_though_panoramisk_makes_it_a_dict() -> None:
    """`if server:` asks whether there is one."""
    assert AgiServer("", 0, decide)
