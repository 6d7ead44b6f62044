"""Days of calls and misfortunes, each from a seed: one CDR a call, right fees, nothing held."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callserver.adapters.redis.client import RedisLink
from tests.adapters.redis.conftest import link, valkey, valkey_server
from tests.simulation.days import lived, place
from tests.simulation.simulation import Plan
from tests.simulation.verdict import quiet_day_faults

__all__ = ["link", "valkey", "valkey_server"]


@pytest.fixture
async def folder() -> AsyncIterator[Path]:
    """Where a day's files are."""
    async with place() as folder:
        yield folder


@pytest.mark.parametrize("seed", range(1, 5))
async def test_a_day_with_faults(seed: int, folder: Path, link: RedisLink) -> None:
    """Whatever died and whenever, the books are right in the end."""
    day, wrong = await lived(seed, folder, link, Plan())
    print("\n".join([*day.diary, f"again: python -m tests.simulation --seed {seed}"]))
    assert wrong == []


async def test_a_day_without_faults(folder: Path, link: RedisLink) -> None:
    """Nobody who can pay is cut."""
    day, wrong = await lived(1, folder, link, Plan(calls=60, faults=0, unheard=0.0))
    print("\n".join(day.diary))
    assert wrong == []
    assert quiet_day_faults(day) == []
