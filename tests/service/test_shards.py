"""Redis lost something: balances are built anew from SQL, and nobody is let in meanwhile."""

import asyncio
import io
from collections.abc import Callable

import pytest

from callserver.domain.ledger import EntryKind
from callserver.domain.refusal import Refusal
from callserver.ports import StoreUnavailable
from callserver.service.upkeep import RedisUpkeep
from tests.service.business import ACME, MINUTE, POST, YUAN
from tests.service.stage import RUN, Stage
from tests.service.staging import books_template, link, stage, valkey, valkey_server

__all__ = ["books_template", "link", "stage", "valkey", "valkey_server"]


async def test_balances_are_rebuilt_with_the_holds_of_live_calls(stage: Stage) -> None:
    """available = SQL's sum − holds; the call goes on, and is settled against its hold."""
    arrival, _ = await stage.routed()
    answered_us = await stage.answer(arrival)
    await stage.lose_redis()
    await stage.trust()
    balance = await stage.balance()
    assert (balance.settled_micros, balance.held_micros) == (10 * YUAN, 600_000)
    stage.clock.pass_s(30)
    await stage.process.metering.turn()
    assert stage.pbx.timeouts == [(arrival.channel, 90_500)]
    stage.clock.pass_s(40)
    await stage.hang_up(arrival, answered_us)
    (cdr,) = await stage.written()
    assert (cdr.charged_micros, cdr.written_off_micros) == (700_000, 0)
    await stage.assert_nothing_held()
    await stage.assert_books_agree()


async def test_an_extended_hold_is_put_back_whole(stage: Stage) -> None:
    """What Asterisk was told is what is held again."""
    arrival, _ = await stage.routed()
    await stage.answer(arrival)
    stage.clock.pass_s(30)
    await stage.process.metering.turn()
    before = await stage.meter(arrival)
    await stage.lose_redis()
    await stage.trust()
    after = await stage.meter(arrival)
    assert before is not None
    assert after is not None
    assert (after.held_s, after.held_micros, after.slices) == (120, 1_200_000, 2)
    assert (before.held_s, before.slices) == (after.held_s, after.slices)
    assert (await stage.balance()).held_micros == 1_200_000


async def test_the_slot_is_put_back_on_the_line_that_rings(stage: Stage) -> None:
    """The first line was busy: the call has that of the second."""
    arrival, _ = await stage.routed()
    await stage.process.admit.next_line(arrival.token, 1)
    await stage.lose_redis()
    await stage.trust()
    _, second = await stage.routed()
    assert second.line == 1
    meter = await stage.meter(arrival)
    assert meter is not None
    assert meter.line == 2


async def test_an_answer_that_came_while_redis_was_lost_counts(stage: Stage) -> None:
    """The script found no meter; the rebuilt one runs from that instant."""
    arrival, _ = await stage.routed()
    await stage.lose_redis()
    answered_us = await stage.answer(arrival)
    await stage.trust()
    await stage.process.reconciler.once()
    meter = await stage.meter(arrival)
    assert meter is not None
    assert meter.answered_us == answered_us


async def test_what_is_settled_and_not_in_sql_is_kept(stage: Stage) -> None:
    """The process still has it: written first, then summed up; counted once."""
    arrival, _ = await stage.routed()
    answered_us = await stage.answer(arrival)
    stage.clock.pass_s(10)
    await stage.hang_up(arrival, answered_us)
    await stage.lose_redis()
    await stage.trust()
    assert len(await stage.written()) == 1
    assert (await stage.balance()).settled_micros == 10 * YUAN - 100_000
    await stage.assert_books_agree()


async def test_an_outbox_that_survived_is_counted_once(stage: Stage) -> None:
    """Only the epoch is gone (another run of Redis, its data intact)."""
    arrival, _ = await stage.routed()
    answered_us = await stage.answer(arrival)
    stage.clock.pass_s(10)
    await stage.hang_up(arrival, answered_us)
    live, _ = await stage.routed()
    stage.restart()
    await stage.process.rebuilder.check("run-2")
    balance = await stage.balance()
    assert (balance.settled_micros, balance.held_micros) == (10 * YUAN - 100_000, 600_000)
    assert await stage.meter(live) is not None
    await stage.assert_books_agree()


async def test_a_call_spooled_during_the_outage_keeps_its_hold(stage: Stage) -> None:
    """Until it is settled nobody else can spend what it cost."""
    await _leave(stage, "minute", 150_000)
    arrival, _ = await stage.routed(MINUTE)
    answered_us = await stage.answer(arrival)
    stage.clock.pass_s(10)
    stage.meters.away = True
    await stage.hang_up(arrival, answered_us)
    stage.meters.away = False
    await stage.lose_redis()
    await stage.trust()
    assert await stage.refused(MINUTE) is Refusal.NO_CREDIT
    await stage.process.settle.replay()
    (cdr,) = await stage.written()
    assert (cdr.charged_micros, cdr.written_off_micros) == (150_000, 0)
    assert (await stage.balance("minute")).available_micros == 0
    await stage.assert_nothing_held()
    await stage.assert_books_agree()


async def test_redis_forgetting_a_settlement_charges_once(stage: Stage) -> None:
    """It has the call open again, SQL has it charged."""
    arrival, _ = await stage.routed()
    answered_us = await stage.answer(arrival)
    call = stage.process.in_hand.get(arrival.token)
    assert call is not None
    open_meter = call.as_meter()
    stage.clock.pass_s(10)
    await stage.hang_up(arrival, answered_us)
    await stage.written()
    await stage.lose_redis()
    sums = await stage.real_books.account_sums(["acme"])
    await stage.store.rebuild_shard(open_meter.shard, "run-1:older", [sums["acme"]], [open_meter])
    await stage.process.rebuilder.check("run-2")
    await stage.assert_nothing_held()
    await stage.assert_books_agree()
    assert len(await stage.written()) == 1


async def test_an_unreadable_meter_does_not_keep_a_shard_denied(
    stage: Stage, log_text: io.StringIO
) -> None:
    """It stays, with its hold; the rest is rebuilt."""
    broken, _ = await stage.routed()
    (key,) = await stage.link.query("KEYS", f"*meter:{broken.token}")
    await stage.link.query("HSET", key, "plan", "{}")
    stage.restart()
    await stage.process.rebuilder.check("run-2")
    assert not stage.process.guard.suspects
    assert (await stage.balance()).held_micros == 600_000
    assert "meter.unreadable" in log_text.getvalue()


async def test_without_sql_nothing_is_trusted(stage: Stage) -> None:
    """Prepaid is denied until the sums can be read; postpaid is routed."""
    await stage.lose_redis()
    stage.books.away = True
    with pytest.raises(StoreUnavailable):
        await stage.trust()
    assert await stage.refused(ACME) is Refusal.FAULT
    await stage.routed(POST)
    stage.books.away = False
    await stage.trust()
    await stage.routed(ACME)


async def test_a_top_up_while_lost_is_there_afterwards(stage: Stage) -> None:
    """SQL had it before the sums were read."""
    await stage.lose_redis()
    await stage.process.accounts.top_up("acme", YUAN, "op", "test", "")
    await stage.trust()
    assert (await stage.balance()).settled_micros == 11 * YUAN


async def _leave(stage: Stage, account: str, micros: int) -> None:
    await stage.real_books.post(
        account, EntryKind.ADJUSTMENT, micros - 10 * YUAN, "leave", "test", ""
    )
    await stage.process.accounts.replay(account)


class _Keeping:
    """The upkeep of a stage, running."""

    def __init__(self, stage: Stage) -> None:
        self.trusted = 0
        process = stage.process
        self.upkeep = RedisUpkeep(
            lambda: not stage.meters.away,
            process.guard,
            process.rebuilder,
            process.settle,
            self._trusted,
        )
        self.task = asyncio.create_task(self.upkeep.run())

    def _trusted(self) -> None:
        self.trusted += 1

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.02)
        self.task.cancel()


async def test_another_run_of_redis_is_suspect_at_once(stage: Stage) -> None:
    """From the connection on, until it was looked at."""
    keeping = _Keeping(stage)
    keeping.upkeep.connected(RUN)
    assert len(stage.process.guard.suspects) == 64
    await keeping.until(lambda: not stage.process.guard.suspects and keeping.trusted > 0)
    await stage.routed()


async def test_the_same_run_is_not(stage: Stage) -> None:
    """A link that broke and came back lost nothing."""
    keeping = _Keeping(stage)
    keeping.upkeep.connected(RUN)
    await asyncio.sleep(0)
    while stage.process.guard.suspects:
        await asyncio.sleep(0.02)
    keeping.upkeep.connected(RUN)
    assert not stage.process.guard.suspects
    await keeping.until(lambda: True)


async def test_a_flush_without_a_reconnect_is_noticed(stage: Stage) -> None:
    """Within a few seconds; what ended meanwhile comes off the disk."""
    arrival, _ = await stage.routed()
    keeping = _Keeping(stage)
    keeping.upkeep.connected(RUN)
    await asyncio.sleep(0.2)
    await stage.lose_redis()
    assert await stage.refused(ACME) is Refusal.FAULT
    await stage.hang_up(arrival)
    assert len(stage.process.spool) == 1
    await keeping.until(lambda: len(stage.process.spool) == 0)
    assert len(await stage.written()) == 1
    await stage.assert_nothing_held()


async def test_upkeep_waits_out_sql_and_redis(stage: Stage, log_text: io.StringIO) -> None:
    """Either being away is logged, and met again."""
    stage.books.away = True
    await stage.lose_redis()
    keeping = _Keeping(stage)
    keeping.upkeep.connected("run-2")
    await asyncio.sleep(0.3)
    assert "redis.upkeep_waits" in log_text.getvalue()
    stage.books.away = False
    keeping.upkeep.connected("run-2")
    await keeping.until(lambda: not stage.process.guard.suspects)
