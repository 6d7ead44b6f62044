"""Keys of requests in SQL."""

import asyncio

from callserver.adapters.sql.database import Database, open_database
from callserver.adapters.sql.idempotency import SqlKeys
from tests.adapters.sql.conftest import SetClock


async def test_a_key_stands_for_one_request(database: Database, clock: SetClock) -> None:
    """The same again is known, another refused; another bearer's keys are its own."""
    keys = SqlKeys(database, clock)
    assert await keys.claim_key("provider:north", "k", "a")
    assert await keys.claim_key("provider:north", "k", "a")
    assert not await keys.claim_key("provider:north", "k", "b")
    assert await keys.claim_key("provider:south", "k", "b")


async def test_of_many_at_once_one_kind_wins(url: str, clock: SetClock) -> None:
    """From several connections: all with the winner's digest are let through, no other."""
    databases = [open_database(url) for _ in range(4)]
    books = [SqlKeys(each, clock) for each in databases]
    claims = [books[n % 4].claim_key("admin:", "k", f"digest {n % 5}") for n in range(40)]
    try:
        won = await asyncio.gather(*claims)
    finally:
        for each in databases:
            await each.close()
    assert len({n % 5 for n in range(40) if won[n]}) == 1
    assert sum(won) == 8
