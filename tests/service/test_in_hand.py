"""A call that ended is never taken in hand again, however late a word of it comes."""

import asyncio

import pytest

from callserver.domain.call import EndSource
from callserver.domain.refusal import Refusal
from callserver.service import in_hand
from tests.service.business import POST
from tests.service.stage import Stage
from tests.service.staging import books_template, link, stage, valkey, valkey_server

__all__ = ["books_template", "link", "stage", "valkey", "valkey_server"]


async def test_a_caller_gives_up_while_redis_is_asked(stage: Stage) -> None:
    """The report comes first, the hold after it is a closed call's: nothing stays."""
    arrival = stage.arrival()
    await stage.hang_up(arrival, routed=False)
    answer = await stage.process.admit.route(arrival)
    assert getattr(answer, "refusal", None) is Refusal.FAULT
    await stage.assert_nothing_held()


async def test_a_caller_gives_up_while_redis_is_away(stage: Stage) -> None:
    """The decision to let the call through without a hold comes after its end."""
    stage.meters.away = True
    arrival = stage.arrival(POST)
    await stage.hang_up(arrival, routed=False)
    await stage.process.admit.route(arrival)
    assert len(stage.process.in_hand) == 0
    stage.meters.away = False
    await stage.process.settle.replay()
    assert len(await stage.written()) == 1


async def test_a_call_that_ends_while_meters_are_read_is_not_adopted(stage: Stage) -> None:
    """The reconciler and the scheduler read it open, then its report settles it."""
    arrival, _ = await stage.routed()
    read = await stage.meter(arrival)
    assert read is not None
    await stage.hang_up(arrival)
    stage.process.metering.taken_in_hand(read)
    assert len(stage.process.in_hand) == 0


async def test_an_end_on_disk_is_not_overtaken_by_an_estimate(stage: Stage) -> None:
    """Redis is there, the shard still suspect: the report waits for it, and it is the best word."""
    arrival, _ = await stage.routed()
    answered_us = await stage.answer(arrival)
    stage.clock.pass_s(12)
    stage.process.guard.suspect(set(range(64)))
    await stage.hang_up(arrival, answered_us)
    for _ in range(4):
        await stage.process.reconciler.once()
        stage.clock.pass_s(5)
    assert len(stage.process.spool) == 1
    for shard in range(64):
        stage.process.guard.trust(shard)
    await stage.process.reconciler.once()
    await stage.process.settle.replay()
    (cdr,) = await stage.written()
    assert (cdr.billsec, cdr.end_source) == (12, EndSource.REPORT)
    await stage.assert_nothing_held()


async def test_only_so_many_ended_calls_are_remembered(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest: late words come within seconds."""
    monkeypatch.setattr(in_hand, "ENDED_MOST", 2)
    arrival, _ = await stage.routed()
    calls = stage.process.in_hand
    call = calls.get(arrival.token)
    assert call is not None
    for token in (arrival.token, "b"):
        calls.drop(token)
    calls.put(call)
    assert len(calls) == 0
    calls.drop("c")
    calls.put(call)
    assert len(calls) == 1


async def test_many_calls_end_while_the_reconciler_looks(stage: Stage) -> None:
    """Hang-ups in the middle of its round leave nothing in hand."""
    arrivals = [(await stage.routed(POST))[0] for _ in range(30)]
    stage.restart()
    await asyncio.gather(
        stage.process.reconciler.once(), *(stage.hang_up(arrival) for arrival in arrivals)
    )
    await stage.assert_nothing_held()
