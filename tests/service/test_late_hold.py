"""The dialplan gave up waiting and dialled by itself, and the hold was made all the same."""

from tests.service.business import MINUTE
from tests.service.stage import Stage
from tests.service.staging import books_template, link, stage, valkey, valkey_server

__all__ = ["books_template", "link", "stage", "valkey", "valkey_server"]


async def test_its_time_out_becomes_that_of_the_hold(stage: Stage) -> None:
    """Asterisk knows of an hour; the account has paid for a minute."""
    arrival, _ = await stage.routed()
    await stage.answer(arrival, line=0)
    assert stage.pbx.timeouts == [(arrival.channel, 60_500)]


async def test_so_it_does_too_where_the_answer_was_missed(stage: Stage) -> None:
    """The events came before the hold: the channel list tells."""
    arrival, _ = await stage.routed(MINUTE)
    stage.live(arrival, line=0, answered_us=stage.clock.us)
    stage.clock.pass_s(10)
    await stage.process.reconciler.once()
    assert stage.pbx.timeouts == [(arrival.channel, 50_500)]


async def test_a_call_routed_in_time_has_its_time_out_already(stage: Stage) -> None:
    """The dialplan set it at the answer."""
    arrival, _ = await stage.routed()
    await stage.answer(arrival)
    assert stage.pbx.timeouts == []
