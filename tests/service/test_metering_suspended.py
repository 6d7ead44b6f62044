"""Calls of a number that is suspended meanwhile finish what is held."""

from dataclasses import replace

from callserver.domain.business import NumberState
from tests.service.business import ACME
from tests.service.stage import Stage
from tests.service.staging import books_template, link, stage, valkey, valkey_server

__all__ = ["books_template", "link", "stage", "valkey", "valkey_server"]


def _becomes(stage: Stage, state: NumberState) -> None:
    catalogue = stage.process.catalogue.now
    dids = {**catalogue.dids, ACME: replace(catalogue.dids[ACME], state=state)}
    stage.process.catalogue.now = replace(catalogue, dids=dids)


async def test_nothing_more_is_held_for_a_suspended_number(stage: Stage) -> None:
    """Asterisk's end stays where the hold ends; cleared in time, the call goes on."""
    arrival, _ = await stage.routed()
    await stage.answer(arrival)
    _becomes(stage, NumberState.SUSPENDED)
    stage.clock.pass_s(30)
    await stage.process.metering.turn()
    stage.clock.pass_s(10)
    await stage.process.metering.turn()
    assert stage.pbx.timeouts == []
    _becomes(stage, NumberState.ACTIVE)
    stage.clock.pass_s(10)
    await stage.process.metering.turn()
    assert stage.pbx.timeouts == [(arrival.channel, 70_500)]
