"""The same calls with PostgreSQL as the truth."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.e2e import verify
from tests.e2e.business import Party
from tests.e2e.conftest import MakeWorld
from tests.e2e.reference import Terms
from tests.postgres import TemporaryPostgres

pytestmark = [pytest.mark.e2e, pytest.mark.postgres]

ACME = Party("acme", "4001000001", ("busy", "answers"), Terms("0.60", 1, 1))


@pytest.fixture
def postgres() -> Iterator[TemporaryPostgres]:
    """A server of this test's own, so that it can be stopped."""
    with TemporaryPostgres() as server:
        yield server


def database(server: TemporaryPostgres) -> str:
    """URL of a new empty database."""
    return server.url(asyncio.run(server.create_database()))


def test_calls_are_rated_and_recorded(make_world: MakeWorld, postgres: TemporaryPostgres) -> None:
    """Overflow, an answer, a CDR with its ledger entry: as on SQLite."""
    world = make_world(ACME, database_url=database(postgres))
    callers = [f"1380013800{number}" for number in range(5)]
    world.bed.calls("4001000001", callers, talk_ms=1500, rate=20)
    verify.everything(world, world.settled(5))


def test_the_server_is_killed_in_the_middle(
    make_world: MakeWorld, postgres: TemporaryPostgres
) -> None:
    """The restarted server settles what ended meanwhile, from Asterisk's line."""
    world = make_world(ACME, database_url=database(postgres))
    calls = world.bed.begin("4001000001", talk_ms=2_000)
    world.wait_answered()
    world.server.kill9()
    calls.wait(60)
    world.start_server()
    verify.everything(world, world.settled(1))


def test_the_database_is_away_while_a_call_ends(
    make_world: MakeWorld, postgres: TemporaryPostgres
) -> None:
    """The call goes on, its CDR waits in Redis and is written once the database is back."""
    world = make_world(ACME, database_url=database(postgres))
    calls = world.bed.begin("4001000001", talk_ms=3_000)
    world.wait_answered()
    postgres.stop(keep_data=True)
    (result,) = calls.wait(60)
    assert result.ended_by == "caller"
    postgres.start()
    verify.everything(world, world.settled(1, timeout_s=40))
