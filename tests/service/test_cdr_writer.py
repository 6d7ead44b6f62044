"""Settled calls become rows: in groups, each once, whoever settled them."""

import asyncio
import io

from callserver.adapters.redis import keys
from callserver.domain.identity import shard_of
from callserver.service.cdr_writer import CdrWriter
from tests.service.business import CREDIT_MICROS, POST
from tests.service.stage import Stage
from tests.service.staging import books_template, link, stage, valkey, valkey_server

__all__ = ["books_template", "link", "stage", "valkey", "valkey_server"]


async def _settled(stage: Stage, count: int = 1, seconds: int = 10) -> None:
    """So many calls of so many seconds, settled in Redis."""
    arrivals = [(await stage.routed(POST))[0] for _ in range(count)]
    answered_us = [await stage.answer(arrival) for arrival in arrivals]
    stage.clock.pass_s(seconds)
    for arrival, since_us in zip(arrivals, answered_us, strict=True):
        await stage.hang_up(arrival, since_us)


async def _until_written(stage: Stage, count: int) -> None:
    async with asyncio.timeout(20):
        while len(await stage.cdrs()) < count or await stage.outbox("post"):
            await asyncio.sleep(0.02)


async def test_what_arrives_together_is_committed_together(stage: Stage) -> None:
    """Fifty calls take far fewer transactions, and clear the outbox."""
    await _settled(stage, 50)
    assert await stage.outbox("post") == 50
    writing = asyncio.create_task(stage.process.writer.run())
    await _until_written(stage, 50)
    writing.cancel()
    assert stage.books.calls["write_cdrs"] <= 2
    assert stage.process.writer.waiting == 0
    assert await stage.sql_sum("post") == -50 * 100_000


async def test_sql_away_keeps_everything(stage: Stage, log_text: io.StringIO) -> None:
    """And writes it when SQL is back, without being told."""
    stage.books.away = True
    writer = CdrWriter(stage.books.port, stage.meters.port, stage.clock, sweep_s=0.1)
    object.__setattr__(stage.process.settle, "writer", writer)
    writing = asyncio.create_task(writer.run())
    await _settled(stage, 3)
    await asyncio.sleep(0.1)
    assert (writer.waiting, await stage.outbox("post")) == (3, 3)
    assert "cdr.kept" in log_text.getvalue()
    stage.books.away = False
    await _until_written(stage, 3)
    writing.cancel()
    assert writer.waiting == 0


async def test_a_commit_whose_answer_was_lost_is_written_once(stage: Stage) -> None:
    """The token is unique; the second try finds the row."""
    await _settled(stage)
    stage.books.silent("write_cdrs")
    writer = CdrWriter(stage.books.port, stage.meters.port, stage.clock, sweep_s=0.05)
    sweeping = asyncio.create_task(writer.sweep())
    await _until_written(stage, 1)
    sweeping.cancel()
    assert await stage.sql_sum("post") == -100_000


async def test_redis_away_at_the_acknowledgement(stage: Stage) -> None:
    """SQL has the call; the outbox is cleared by a later sweep, and nothing is charged twice."""
    await _settled(stage)
    stage.meters.silent("acknowledge")
    writing = asyncio.create_task(stage.process.writer.run())
    sweeping = asyncio.create_task(stage.process.writer.sweep())
    await _until_written(stage, 1)
    writing.cancel()
    sweeping.cancel()
    assert (await stage.balance("post")).settled_micros == await stage.sql_sum("post") == -100_000


async def test_the_sweeper_writes_what_a_dead_process_left(stage: Stage) -> None:
    """Settled in Redis and no more: the process died then."""
    await _settled(stage, 3)
    process = stage.restart()
    assert process.writer.waiting == 0
    sweeping = asyncio.create_task(process.writer.sweep())
    await _until_written(stage, 3)
    sweeping.cancel()
    await stage.assert_books_agree()


async def test_an_unreadable_payload_stays(stage: Stage, log_text: io.StringIO) -> None:
    """Money is in it. The calls beside it are written."""
    await _settled(stage)
    outbox = keys.outbox(shard_of("post"))
    await stage.link.query("HSET", outbox, "broken", "0 0 0 0 post\n{}")
    assert len(await stage.written()) == 1
    assert await stage.link.query("HKEYS", outbox) == [b"broken"]
    assert "cdr.unreadable" in log_text.getvalue()


async def test_many_unreadable_payloads_keep_none_waiting(stage: Stage) -> None:
    """However many a broken version left, those behind them are written."""
    outbox = keys.outbox(shard_of("post"))
    for number in range(600):
        await stage.link.query("HSET", outbox, f"broken-{number}", "0 0 0 0 post\n{}")
    await _settled(stage, 5)
    stage.restart()
    assert len(await stage.written()) == 5
    assert await stage.outbox("post") == 600


async def test_more_than_one_batch_is_drained(stage: Stage) -> None:
    """The outbox of a long outage is written in one go."""
    await _settled(stage, 450, seconds=1)
    stage.restart()
    await stage.process.write_cdrs()
    assert await stage.outbox("post") == 0
    assert await stage.sql_sum("post") == -450 * 10_000


async def test_tombstones_are_forgotten_after_an_hour(stage: Stage) -> None:
    """Not before SQL has had the call for as long: until then a late word finds it closed."""
    await _settled(stage)
    await stage.written()
    for passed_s, left in ((3_599, 1), (2, 0)):
        stage.clock.pass_s(passed_s)
        sweeping = asyncio.create_task(stage.process.writer.sweep())
        await asyncio.sleep(0.2)
        sweeping.cancel()
        assert len(await stage.link.query("KEYS", "*meter:*")) == left


async def test_no_transaction_runs_while_the_writer_rests(stage: Stage) -> None:
    """A rebuild must see none in flight."""
    await _settled(stage)
    writing = asyncio.create_task(stage.process.writer.run())
    async with stage.process.writer.resting():
        await asyncio.sleep(0.1)
        assert stage.books.calls["write_cdrs"] == 0
    await _until_written(stage, 1)
    writing.cancel()


async def test_the_balance_of_a_written_call_is_sqls(stage: Stage) -> None:
    """Opening balance less the fees, in both."""
    await _settled(stage, 2, seconds=30)
    await stage.written()
    assert (await stage.balance("post")).settled_micros == -600_000
    assert (await stage.balance("post")).available_micros == CREDIT_MICROS - 600_000
