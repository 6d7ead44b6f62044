"""Bytes of a FastAGI connection, however they are cut."""

import asyncio
from typing import Any

import pytest

from callserver.adapters.agi.connection import REPLY_BYTES_MAX, AgiLimits
from callserver.adapters.agi.reply import SessionBroken
from callserver.adapters.agi.session import AgiSession
from tests.adapters.agi.asterisk import connected, header
from tests.adapters.agi.conftest import Run, Serve, until

NOTHING: Any = lambda session: None  # noqa: E731  # a handler that ends at once


async def test_header_and_replies_may_come_byte_by_byte(serve: Serve) -> None:
    """Segments mean nothing."""
    seen: list[Any] = []

    async def handler(session: AgiSession) -> None:
        seen.append(session.request.args)
        seen.append(await session.get_variable("A"))

    server = await serve(handler)
    async with connected(server.port) as asterisk:
        for byte in header(args=("x",)):
            asterisk.say(bytes([byte]))
            await asyncio.sleep(0)
        await asterisk.command()
        for byte in "200 result=1 (上海)\n".encode():
            asterisk.say(bytes([byte]))
            await asyncio.sleep(0.001)
        await asterisk.ended()
    assert seen == [("x",), "上海"]


@pytest.mark.parametrize(
    "first",
    [b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\x02", b"\n", b"agi_network: yes\n\nmore", b"\0" * 100],
    ids=["http", "tls", "newline", "no script", "zeros"],
)
async def test_garbage_is_closed_at_once(serve: Serve, first: bytes) -> None:
    """Who is not Asterisk does not get the whole header's time."""
    server = await serve(NOTHING, AgiLimits(header_s=60))
    async with connected(server.port, first) as asterisk:
        await asterisk.ended()
    assert server.refused == {"bad_header": 1}


@pytest.mark.parametrize(
    ("block", "served"),
    [
        (header(calleridname="x" * 4000), True),
        (header(calleridname="x" * 8200), False),
        (header(args=["x" * 1000] * 15), True),
        (header(args=["x" * 1000] * 17), False),
    ],
    ids=["long line", "too long a line", "large", "too large"],
)
async def test_header_that_came_whole_is_bounded_too(
    serve: Serve, block: bytes, served: bool
) -> None:
    """Bounds hold also for what arrives in one segment."""
    seen: list[AgiSession] = []
    server = await serve(seen.append)
    async with connected(server.port, block) as asterisk:
        await asterisk.ended()
    assert len(seen) == served


async def test_line_nobody_asked_for_breaks_the_session(run: Run) -> None:
    """It could become the next command's answer."""

    async def work(session: AgiSession) -> None:
        await session.command("A")
        await until(lambda: session._connection.broken)
        await session.command("B")

    outcome, commands = await run(work, replies=(b"200 result=0\n200 result=1 (forged)\n",))
    assert isinstance(outcome, SessionBroken)
    assert commands == ["A"]


async def test_reply_sent_before_its_command_breaks_the_session(serve: Serve) -> None:
    """Replies in the header's segment are not believed."""
    seen: list[Exception] = []

    async def handler(session: AgiSession) -> None:
        try:
            await session.command("A")
        except SessionBroken as error:
            seen.append(error)

    server = await serve(handler)
    async with connected(server.port, header() + b"200 result=1 (forged)\n") as asterisk:
        await asterisk.ended()
    assert len(seen) == 1


async def test_endless_reply_breaks_the_session(run: Run) -> None:
    """A reply has a size."""
    outcome, _ = await run(
        lambda session: session.command("A"), replies=(b"x" * (2 * REPLY_BYTES_MAX),)
    )
    assert isinstance(outcome, SessionBroken)
