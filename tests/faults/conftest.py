"""Worlds that go wrong. `FAULTS=all` takes all of them, else a sample is enough."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.faults.world import FaultWorld


def pytest_configure(config: pytest.Config) -> None:
    """The marker belongs to this folder alone."""
    config.addinivalue_line("markers", "long_run: taken with FAULTS=all only (`make faults`)")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only a long run takes; deselected, so that nothing counts as skipped."""
    if os.environ.get("FAULTS") == "all":
        return
    here = Path(__file__).parent
    long = [i for i in items if here in i.path.parents and i.get_closest_marker("long_run")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[FaultWorld]:
    """A world on SQLite."""
    async with FaultWorld(tmp_path) as world:
        yield world
