"""A FastAGI server with a handler the test writes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from callserver.adapters.agi.connection import AgiLimits
from callserver.adapters.agi.server import AgiServer, Handler
from callserver.adapters.agi.session import AgiSession
from tests.adapters.agi.asterisk import PATIENCE_S, connected, header

Serve = Callable[..., Awaitable[AgiServer]]
Work = Callable[[AgiSession], Awaitable[Any]]
Run = Callable[..., Awaitable[list[Any]]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start servers on a free port; they are stopped after the test."""
    servers: list[AgiServer] = []

    async def start(handler: Handler, limits: AgiLimits | None = None, **more: Any) -> AgiServer:
        server = AgiServer("127.0.0.1", 0, handler, limits, **more)
        await server.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        await server.stop()


@pytest.fixture
async def run(serve: Serve) -> Run:
    """Do the works one after another in a session, Asterisk giving these replies.

    Returns what each gave, an exception where it raised one; then the commands Asterisk got.
    """

    async def run_one(*works: Work, replies: tuple[bytes, ...] = ()) -> list[Any]:
        outcomes: list[Any] = []

        async def handler(session: AgiSession) -> None:
            for work in works:
                try:
                    outcomes.append(await work(session))
                except Exception as error:
                    outcomes.append(error)

        server = await serve(handler, AgiLimits(reply_s=0.5))
        async with connected(server.port, header()) as asterisk:
            await asterisk.answer(*replies)
            await asterisk.ended()
            return [*outcomes, asterisk.commands]

    return run_one


async def until(true: Callable[[], Any]) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(PATIENCE_S):
        while not true():
            await asyncio.sleep(0.005)
