"""An Asterisk that plays what a test wants, and clients that are closed after it."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.adapters.ami.clients import Client, Handler
from tests.adapters.ami.scripted_asterisk import SECRET, ScriptedAsterisk

Opened = Callable[..., Awaitable[Client]]


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
