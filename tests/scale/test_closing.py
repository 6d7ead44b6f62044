"""A month whose close is killed at random ends as one that was left alone."""

import shutil
from pathlib import Path

import pytest

from tests.adapters.sql.conftest import BOTH, postgres
from tests.postgres import TemporaryPostgres
from tests.scale.closing import close, close_killed, left, shortfalls, steps_of
from tests.scale.filling import Size, fill

__all__ = ["postgres"]

SIZE = Size(numbers=300, customers=20, calls=3_000)
KILLS = 3
BATCH = 10


async def two_urls(dialect: str, tmp_path: Path, request: pytest.FixtureRequest) -> tuple[str, str]:
    """Two databases with the same numbers and calls."""
    if dialect == "sqlite":
        await fill(f"sqlite:///{tmp_path}/alone.db", SIZE)
        shutil.copy(tmp_path / "alone.db", tmp_path / "killed.db")
        return f"sqlite:///{tmp_path}/alone.db", f"sqlite:///{tmp_path}/killed.db"
    server: TemporaryPostgres = request.getfixturevalue("postgres")
    urls = [server.url(await server.create_database()) for _ in range(2)]
    for url in urls:
        await fill(url, SIZE)
    return urls[0], urls[1]


@pytest.mark.parametrize("dialect", BOTH)
async def test_a_killed_close_leaves_what_an_undisturbed_one_does(
    dialect: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Killed three times and restarted, at last by two processes at once: the same ledger, lines
    and bills, to the entry's id."""
    alone, killed = await two_urls(dialect, tmp_path, request)
    await close(alone, BATCH)
    runs = await close_killed(killed, BATCH, KILLS, await steps_of(alone), seed=1, together=2)
    assert [each.status for each in runs] == [-9] * KILLS + [0, 0]
    assert await left(killed) == await left(alone)
    count, operations, micros = await shortfalls(killed)
    assert count == operations > 100
    assert micros < 0
