"""A CDR that SQL will never take keeps no other waiting, and fails no server."""

import asyncio
import io

import pytest

from callserver.adapters.redis import keys
from callserver.domain.identity import shard_of
from callserver.ports import StoreUnavailable
from tests.service.business import POST
from tests.service.stage import Stage
from tests.service.staging import books_template, link, stage, valkey, valkey_server

__all__ = ["books_template", "link", "stage", "valkey", "valkey_server"]

OUTBOX = keys.outbox(shard_of("post"))


async def _settled_with_one_bad(stage: Stage, count: int) -> bytes:
    """So many settled calls; the figures of one were damaged to more than SQL's integers hold."""
    for _ in range(count):
        arrival, _ = await stage.routed(POST)
        answered_us = await stage.answer(arrival)
        stage.clock.pass_s(1)
        await stage.hang_up(arrival, answered_us)
    token = arrival.token.encode()
    value: bytes = await stage.link.query("HGET", OUTBOX, token)
    await stage.link.query("HSET", OUTBOX, token, value.replace(b"10000 ", b"9" * 20 + b" ", 1))
    stage.restart()
    return token


async def test_the_others_are_written(stage: Stage, log_text: io.StringIO) -> None:
    """It stays in the outbox, said once, for a person to look at: money is in it."""
    bad = await _settled_with_one_bad(stage, 6)
    for _ in range(2):
        assert len(await stage.written()) == 5
    assert await stage.link.query("HKEYS", OUTBOX) == [bad]
    assert log_text.getvalue().count("cdr.unwritable") == 1
    assert await stage.sql_sum("post") == -5 * 10_000


async def test_writer_and_sweeper_go_on(stage: Stage) -> None:
    """Neither ends: the server would end with it, and again after every restart."""
    await _settled_with_one_bad(stage, 3)
    writer = stage.process.writer
    tasks = [asyncio.create_task(writer.run()), asyncio.create_task(writer.sweep())]
    async with asyncio.timeout(20):
        while len(await stage.cdrs()) < 2:
            await asyncio.sleep(0.02)
    assert not any(task.done() for task in tasks)
    for task in tasks:
        task.cancel()


async def test_a_database_that_is_away_is_no_fault_of_a_cdr(stage: Stage) -> None:
    """Nothing is given up then."""
    await _settled_with_one_bad(stage, 3)
    stage.books.away = True
    with pytest.raises(StoreUnavailable):
        await stage.written()
    stage.books.away = False
    assert len(await stage.written()) == 2
