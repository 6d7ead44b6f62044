"""A rebuilt shard has no meter of a call that SQL has already."""

from tests.service.stage import Stage
from tests.service.staging import books_template, link, stage, valkey, valkey_server

__all__ = ["books_template", "link", "stage", "valkey", "valkey_server"]


async def test_a_call_whose_settlement_nobody_heard_of(stage: Stage) -> None:
    """Settled, the answers lost; written by the sweeper; then Redis lost everything."""
    arrival, _ = await stage.routed()
    answered_us = await stage.answer(arrival)
    stage.clock.pass_s(10)
    await stage.process.reconciler.once()
    stage.meters.silent("settle", 2)
    await stage.hang_up(arrival, answered_us)
    await stage.written()
    await stage.lose_redis()
    await stage.trust()
    assert (await stage.balance()).held_micros == 0
    await stage.process.settle.replay()
    for _ in range(4):
        stage.clock.pass_s(3)
        await stage.process.reconciler.once()
    assert len(await stage.written()) == 1
    await stage.assert_nothing_held()
    await stage.assert_books_agree()
