"""An Asterisk that plays what a test wants, and clients that are closed after it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from callserver.adapters.ami.link import AmiLink
from tests.adapters.ami.clients import Client, Handler, Watched
from tests.adapters.ami.scripted_asterisk import SECRET, ScriptedAsterisk

Opened = Callable[..., Awaitable[Client]]
Watch = Callable[..., Awaitable[Watched]]


@pytest.fixture
async def asterisk() -> AsyncIterator[ScriptedAsterisk]:
    """One that listens."""
    async with ScriptedAsterisk() as scripted:
        yield scripted


@pytest.fixture
async def opened(asterisk: ScriptedAsterisk) -> AsyncIterator[Opened]:
    """Open clients of it."""
    clients: list[Client] = []

    async def open_one(
        kind: type[Client], handler: Handler = lambda uniqueid: None, secret: str = SECRET
    ) -> Client:
        clients.append(await kind.open(asterisk.port, handler, secret))
        return clients[-1]

    yield open_one
    for client in clients:
        await client.dispose()


@pytest.fixture
async def watch(asterisk: ScriptedAsterisk) -> AsyncIterator[Watch]:
    """Start a link to the scripted Asterisk."""
    links: list[AmiLink] = []

    async def start(port: int | None = None, **changed: Any) -> Watched:
        watched = Watched(asterisk.port if port is None else port, **changed)
        links.append(watched.link)
        await watched.link.start()
        return watched

    yield start
    for link in links:
        await link.stop()
