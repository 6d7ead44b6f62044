"""The meter starts once, is extended in time, and Asterisk is told of it."""

import io

import pytest

from callserver.domain.ledger import EntryKind
from callserver.domain.meter import MeterState
from tests.service.business import ACME, MINUTE, POST, YUAN
from tests.service.stage import Stage
from tests.service.staging import books_template, link, stage, valkey, valkey_server

__all__ = ["books_template", "link", "stage", "valkey", "valkey_server"]


async def _leave(stage: Stage, account: str, micros: int) -> None:
    """Take all but so much out of an account of ten yuan."""
    await stage.real_books.post(
        account, EntryKind.ADJUSTMENT, micros - 10 * YUAN, "leave", "test", ""
    )
    await stage.process.accounts.replay(account)


async def test_the_meter_starts_once(stage: Stage) -> None:
    """DialEnd and BridgeEnter both say it; the first counts."""
    arrival, _ = await stage.routed()
    first_us = await stage.answer(arrival)
    stage.clock.pass_s(1)
    await stage.answer(arrival)
    meter = await stage.meter(arrival)
    assert meter is not None
    assert (meter.state, meter.answered_us) == (MeterState.ANSWERED, first_us)
    assert stage.meters.calls["answer"] == 1


@pytest.mark.parametrize("wrong", [{"uniqueid": "1.1"}, {"pbx": "pbx-2"}])
async def test_another_channel_with_the_token_moves_nothing(
    stage: Stage, wrong: dict[str, str], log_text: io.StringIO
) -> None:
    """Token, PBX and Uniqueid must all agree."""
    arrival, _ = await stage.routed()
    seen = {"pbx": arrival.pbx, "uniqueid": arrival.uniqueid} | wrong
    await stage.process.metering.answered(
        seen["pbx"], arrival.token, arrival.did, seen["uniqueid"], 1, stage.clock.us
    )
    meter = await stage.meter(arrival)
    assert meter is not None
    assert meter.state is MeterState.HELD
    assert "call.identity_mismatch" in log_text.getvalue()


async def test_a_restarted_server_starts_the_meter_of_a_call_it_did_not_route(
    stage: Stage,
) -> None:
    """The call is adopted from Redis at its first event."""
    arrival, _ = await stage.routed()
    stage.restart()
    await stage.answer(arrival)
    meter = await stage.meter(arrival)
    assert meter is not None
    assert meter.state is MeterState.ANSWERED


async def test_events_of_unknown_calls_do_nothing(stage: Stage) -> None:
    """No such DID, no such token."""
    for did in (ACME, "4009999999"):
        await stage.answer(stage.arrival(did))
    assert len(stage.process.in_hand) == 0


async def test_the_hold_is_extended_at_half_the_slice(stage: Stage) -> None:
    """Not a moment before; then Asterisk's end moves to the new hold plus half a second."""
    arrival, _ = await stage.routed()
    await stage.answer(arrival)
    stage.clock.pass_s(29.9)
    await stage.process.metering.turn()
    assert stage.pbx.timeouts == []
    stage.clock.pass_s(0.1)
    await stage.process.metering.turn()
    assert stage.pbx.timeouts == [(arrival.channel, 90_500)]
    assert (await stage.balance()).held_micros == 1_200_000
    stage.clock.pass_s(59.9)
    await stage.process.metering.turn()
    assert len(stage.pbx.timeouts) == 1
    stage.clock.pass_s(0.1)
    await stage.process.metering.turn()
    assert stage.pbx.timeouts[1:] == [(arrival.channel, 90_500)]


async def test_the_time_out_counts_on_the_clock_of_the_pbx(stage: Stage) -> None:
    """A PBX whose clock is an hour behind ends the call at the same moment."""
    stage.pbx.offset_us = 3_600_000_000
    stage.process.reconciler.clocks.set_offset(stage.pbx.name, stage.pbx.offset_us)
    arrival, _ = await stage.routed()
    await stage.answer(arrival)
    stage.clock.pass_s(30)
    await stage.process.metering.turn()
    assert stage.pbx.timeouts == [(arrival.channel, 90_500)]


async def test_a_partial_slice_is_final_until_a_top_up(stage: Stage) -> None:
    """The rest of the balance buys 15 s more; money put in lets the call go on."""
    await _leave(stage, "acme", 750_000)
    arrival, _ = await stage.routed()
    await stage.answer(arrival)
    stage.clock.pass_s(30)
    await stage.process.metering.turn()
    assert stage.pbx.timeouts == [(arrival.channel, 45_500)]
    meter = await stage.meter(arrival)
    assert meter is not None
    assert (meter.held_s, meter.final) == (75, True)
    for _ in range(3):
        stage.clock.pass_s(1)
        await stage.process.metering.turn()
    assert len(stage.pbx.timeouts) == 1
    assert (await stage.balance()).available_micros == 0
    await stage.process.accounts.top_up("acme", YUAN, "op", "test", "")
    stage.clock.pass_s(1)
    await stage.process.metering.turn()
    assert stage.pbx.timeouts[1:] == [(arrival.channel, (135 - 34) * 1000 + 500)]


async def test_a_refused_slice_moves_nothing(stage: Stage) -> None:
    """Asterisk ends the call at the first hold."""
    await _leave(stage, "minute", 150_000)
    arrival, _ = await stage.routed(MINUTE)
    await stage.answer(arrival)
    for _ in range(10):
        stage.clock.pass_s(6)
        await stage.process.metering.turn()
    assert stage.pbx.timeouts == []
    assert (await stage.balance("minute")).available_micros == 0


async def test_a_time_out_that_could_not_be_told_is_told_again(stage: Stage) -> None:
    """Once a second, until AMI is back; nothing more is held meanwhile."""
    arrival, _ = await stage.routed()
    await stage.answer(arrival)
    stage.pbx.away = True
    stage.clock.pass_s(30)
    await stage.process.metering.turn()
    stage.clock.pass_s(1)
    await stage.process.metering.turn()
    assert stage.pbx.timeouts == []
    assert (await stage.balance()).held_micros == 1_200_000
    stage.pbx.away = False
    stage.clock.pass_s(1)
    await stage.process.metering.turn()
    assert stage.pbx.timeouts == [(arrival.channel, 88_500)]
    stage.clock.pass_s(1)
    await stage.process.metering.turn()
    assert len(stage.pbx.timeouts) == 1


async def test_a_grant_whose_answer_was_lost_still_moves_the_time_out(stage: Stage) -> None:
    """Asked again under the same number it is the same grant."""
    arrival, _ = await stage.routed()
    await stage.answer(arrival)
    stage.meters.silent("extend")
    stage.clock.pass_s(30)
    await stage.process.metering.turn()
    assert stage.pbx.timeouts == [(arrival.channel, 90_500)]
    assert (await stage.balance()).held_micros == 1_200_000


async def test_a_grant_lost_twice_is_found_at_the_next_look(stage: Stage) -> None:
    """Even where no more money is left to ask for, the end moves to what is held."""
    await _leave(stage, "acme", 1_200_000)
    arrival, _ = await stage.routed()
    await stage.answer(arrival)
    stage.meters.silent("extend", 2)
    stage.clock.pass_s(30)
    with pytest.raises(Exception, match="lost"):
        await stage.process.metering.turn()
    for _ in range(60):
        stage.clock.pass_s(1)
        await stage.process.metering.turn()
    assert stage.pbx.timeouts
    channel, after_ms = stage.pbx.timeouts[0]
    assert channel == arrival.channel
    assert after_ms > 1_000


async def test_no_call_is_longer_than_the_longest(stage: Stage) -> None:
    """At call_max_s nothing more is held."""
    arrival, _ = await stage.routed(POST)
    await stage.answer(arrival)
    longest_s = 100
    object.__setattr__(stage.process.metering.policy, "call_max_s", longest_s)
    try:
        for _ in range(30):
            stage.clock.pass_s(3)
            await stage.process.metering.turn()
    finally:
        object.__setattr__(stage.process.metering.policy, "call_max_s", 14_400)
    meter = await stage.meter(arrival)
    assert meter is not None
    assert meter.held_s == longest_s
    assert [after_ms for _, after_ms in stage.pbx.timeouts] == [70_500]


async def test_a_call_that_ended_is_let_go(stage: Stage) -> None:
    """Closed in Redis by somebody else: no more slices, nothing in hand."""
    arrival, _ = await stage.routed()
    await stage.answer(arrival)
    call = stage.process.in_hand.get(arrival.token)
    await stage.hang_up(arrival, 1)
    assert call is not None
    stage.process.in_hand.put(call)
    stage.clock.pass_s(300)
    await stage.process.metering.turn()
    assert stage.pbx.timeouts == []


async def test_one_unreadable_meter_does_not_stop_the_others(
    stage: Stage, log_text: io.StringIO
) -> None:
    """Another version may have written it; the call beside it is extended."""
    broken, _ = await stage.routed()
    good, _ = await stage.routed()
    for arrival in (broken, good):
        await stage.answer(arrival)
    (key,) = await stage.link.query("KEYS", f"*meter:{broken.token}")
    await stage.link.query("HSET", key, "plan", "{}")
    stage.restart()
    stage.clock.pass_s(30)
    await stage.process.metering.turn()
    assert [channel for channel, _ in stage.pbx.timeouts] == [good.channel]
    assert "meter.unreadable" in log_text.getvalue()


async def test_ringing_calls_are_left_to_ring(stage: Stage) -> None:
    """Looked at now and then, never extended."""
    await stage.routed()
    stage.clock.pass_s(181)
    await stage.process.metering.turn()
    assert stage.meters.calls["extend"] == 0
    assert (await stage.balance()).held_micros == 600_000
