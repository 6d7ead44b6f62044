"""PostgreSQL's own faults: a server that is away, or goes away."""

import asyncio

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

from callserver.adapters.sql import migrate
from callserver.adapters.sql.books import open_books
from callserver.adapters.sql.database import Database, database_url, open_database
from callserver.adapters.sql.postgres import PostgresDatabase
from callserver.ports import OutcomeUnknown, StoreUnavailable
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.samples import cdr
from tests.postgres import TemporaryPostgres

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.parametrize("dialect", ["postgresql"], indirect=True),
]


async def test_a_server_that_goes_and_comes_back(dialect: str, clock: SetClock) -> None:
    """Unavailable while it is away, at work again without a restart of ours; nothing is lost."""
    assert dialect == "postgresql"
    with TemporaryPostgres() as server:
        await migrate.upgrade(server.url())
        async with open_books(server.url(), clock) as books:
            first, second = cdr(), cdr()
            await books.write_cdrs([first])
            server.stop(keep_data=True)
            with pytest.raises((StoreUnavailable, OutcomeUnknown)):
                await books.write_cdrs([second])
            with pytest.raises(StoreUnavailable):
                await books.account_sums()
            server.start()
            written = 0
            for _ in range(20):  # each connection of the pool may have to find out
                try:
                    written = await books.write_cdrs([first, second])
                    break
                except StoreUnavailable:
                    await asyncio.sleep(0.1)
            assert written == 1
            assert await books.known_tokens([first.token_hash, second.token_hash]) == {
                first.token_hash,
                second.token_hash,
            }


@pytest.mark.parametrize(
    "host", ["host=/nonexistent", "host=127.0.0.1&port=1"], ids=["no socket", "refused"]
)
async def test_no_server_is_unavailable(dialect: str, host: str) -> None:
    """Whichever way it is not there."""
    away = open_database(f"{dialect}://nobody@/nothing?{host}")
    for attempt in (away.read, away.write):
        with pytest.raises(StoreUnavailable):
            await attempt(lambda connection: None)
    await away.close()


async def test_no_such_database_is_unavailable(dialect: str, postgres: TemporaryPostgres) -> None:
    """The operator may still create it."""
    assert dialect == "postgresql"
    missing = open_database(postgres.url("missing"))
    with pytest.raises(StoreUnavailable):
        await missing.read(lambda connection: None)
    await missing.close()


async def test_a_connection_cut_in_the_middle_is_unavailable(database: Database) -> None:
    """Nothing has moved, and the next unit of work gets a new connection."""

    def cut(connection: Connection) -> None:
        connection.execute(text("UPDATE catalogue_version SET version = 9"))
        connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    with pytest.raises(StoreUnavailable):
        await database.write(cut)
    query = text("SELECT version FROM catalogue_version")
    assert await database.read(lambda connection: connection.execute(query).scalar()) == 0


async def test_errors_name_no_rows(database: Database) -> None:
    """PostgreSQL's detail would quote the row, and a row may hold a caller's number."""

    def deadlock(connection: Connection) -> None:
        connection.execute(
            text("DO $$ BEGIN RAISE EXCEPTION '13800138000' USING ERRCODE = '40P01'; END $$")
        )

    with pytest.raises(StoreUnavailable) as fault:
        await database.write(deadlock)
    assert "13800138000" not in str(fault.value)
    assert "40P01" in str(fault.value)


async def test_more_work_than_connections_waits_its_turn(url: str) -> None:
    """Forty units of work on two connections all end."""
    small = PostgresDatabase(database_url(url), connections=2)
    query = text("SELECT pg_sleep(0.01)")
    await asyncio.gather(
        *(small.read(lambda connection: connection.execute(query).all()) for _ in range(40))
    )
    await small.close()
    assert make_url(url).database
