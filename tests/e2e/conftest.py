"""Every scenario gets a world of its own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from callserver.demo.asterisk.folder import AsteriskFolder
from tests.e2e.bed.fixtures import asterisk_folder
from tests.e2e.business import Party
from tests.e2e.world import World

__all__ = ["asterisk_folder"]

MakeWorld = Callable[..., World]


@pytest.fixture
def make_world(asterisk_folder: AsteriskFolder, tmp_path: Path) -> Iterator[MakeWorld]:
    """Starts a world for these parties; ended after the test."""
    with ExitStack() as stack:

        def make(*parties: Party, **options: Any) -> World:
            return stack.enter_context(
                World(asterisk_folder, tmp_path / "world", list(parties), **options)
            )

        yield make
