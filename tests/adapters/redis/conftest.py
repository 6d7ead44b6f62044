"""Real Valkeys for the tests: one shared and emptied, and private ones to be maltreated."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from callserver.adapters.redis.client import RedisLink
from callserver.adapters.redis.embedded import EmbeddedValkey
from callserver.adapters.redis.embedded_probe import ask


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    """One Valkey for all tests of this worker; use `valkey`, which is empty."""
    folder = tmp_path_factory.mktemp("valkey")
    with EmbeddedValkey(folder, dies_with_parent=True) as server:
        yield server


@pytest.fixture
def valkey(valkey_server: EmbeddedValkey) -> EmbeddedValkey:
    """A running Valkey without data and without scripts. Stop or freeze a private one instead."""
    ask(valkey_server.socket_path, "FLUSHALL")
    ask(valkey_server.socket_path, "SCRIPT", "FLUSH")
    return valkey_server


@pytest.fixture
async def link(valkey: EmbeddedValkey) -> AsyncIterator[RedisLink]:
    """A ready link to `valkey`."""
    link = RedisLink(valkey.target)
    await link.start()
    yield link
    await link.stop()


@pytest.fixture
def private_valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    """A Valkey of this test alone, which may be killed, frozen and started again."""
    server = EmbeddedValkey(tmp_path / "valkey", dies_with_parent=True)
    with server:
        yield server
