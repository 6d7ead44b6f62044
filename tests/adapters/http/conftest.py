"""A running API for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callserver.adapters.redis.client import RedisLink
from tests.adapters.http.bed import Bed, open_bed
from tests.adapters.redis.conftest import link, valkey, valkey_server

__all__ = ["link", "valkey", "valkey_server"]


@pytest.fixture
async def bed(tmp_path: Path, link: RedisLink) -> AsyncIterator[Bed]:
    """The API with its usual bounds."""
    async with open_bed(tmp_path, link) as bed:
        yield bed
