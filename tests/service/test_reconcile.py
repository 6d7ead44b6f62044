"""What Redis says is open against what the PBX says is alive, and its own CDR file."""

import asyncio
import io

import pytest

from callserver.domain.call import EndSource
from callserver.domain.cdr import Disposition
from callserver.domain.meter import MeterState
from callserver.ports import StoreUnavailable
from tests.service.business import POST
from tests.service.stage import Stage
from tests.service.staging import books_template, link, stage, valkey, valkey_server

__all__ = ["books_template", "link", "stage", "valkey", "valkey_server"]


async def _turns(stage: Stage, *apart_s: float) -> None:
    """Reconcile now, and again after each pause."""
    await stage.process.reconciler.once()
    for pause_s in apart_s:
        stage.clock.pass_s(pause_s)
        await stage.process.reconciler.once()


async def test_a_live_call_is_adopted_after_a_restart(stage: Stage) -> None:
    """Taken in hand, its time-out renewed to what is held, and extended as before."""
    arrival, _ = await stage.routed()
    await stage.answer(arrival)
    stage.clock.pass_s(20)
    stage.restart()
    await _turns(stage, 1, 1)
    assert stage.pbx.timeouts == [(arrival.channel, 40_500)]
    assert len(stage.process.in_hand) == 1
    stage.clock.pass_s(8)
    await stage.process.metering.turn()
    assert stage.pbx.timeouts[1:] == [(arrival.channel, 90_500)]


async def test_an_answer_missed_while_away_starts_the_meter(stage: Stage) -> None:
    """The channel list says when it was."""
    arrival, _ = await stage.routed()
    answered_us = stage.clock.us + 2_000_000
    stage.live(arrival, line=2, answered_us=answered_us)
    stage.clock.pass_s(5)
    stage.restart()
    await _turns(stage)
    meter = await stage.meter(arrival)
    assert meter is not None
    assert (meter.state, meter.answered_us, meter.line) == (MeterState.ANSWERED, answered_us, 2)


async def test_an_answer_that_redis_forgot_starts_the_meter_again(stage: Stage) -> None:
    """Redis lost its last second: it has the call ringing, we have it answered."""
    arrival, _ = await stage.routed()
    answered_us = await stage.answer(arrival)
    (key,) = await stage.link.query("KEYS", f"*meter:{arrival.token}")
    await stage.link.query("HSET", key, "state", "held", "answered_us", "0")
    await _turns(stage)
    meter = await stage.meter(arrival)
    assert meter is not None
    assert (meter.state, meter.answered_us) == (MeterState.ANSWERED, answered_us)


async def test_a_ringing_call_stays(stage: Stage) -> None:
    """However long it rings."""
    arrival, _ = await stage.routed()
    await _turns(stage, 5, 5, 5)
    assert await stage.meter(arrival) is not None
    assert stage.pbx.timeouts == []


async def test_a_call_that_is_gone_is_settled_by_its_line(stage: Stage) -> None:
    """With Asterisk's own instants, after a second list without it."""
    arrival, _ = await stage.routed()
    answered_us = await stage.answer(arrival)
    stage.clock.pass_s(12)
    stage.write_cdr_line(arrival, answered_us)
    stage.pbx.channels.clear()
    stage.restart()
    await _turns(stage)
    assert await stage.written() == ()
    await _turns(stage, 2)
    (cdr,) = await stage.written()
    assert (cdr.billsec, cdr.charged_micros, cdr.end_source) == (12, 120_000, EndSource.CDR_FILE)
    await stage.assert_nothing_held()
    await stage.assert_books_agree()


async def test_an_old_line_settles_at_once(stage: Stage) -> None:
    """It ended long before the server came back: nobody else will report it."""
    arrival, _ = await stage.routed()
    answered_us = await stage.answer(arrival)
    stage.clock.pass_s(12)
    stage.write_cdr_line(arrival, answered_us)
    stage.pbx.channels.clear()
    stage.clock.pass_s(60)
    stage.restart()
    await _turns(stage)
    (cdr,) = await stage.written()
    assert (cdr.billsec, cdr.destination) == (12, "02188880100")


async def test_without_a_line_it_is_estimated(stage: Stage, log_text: io.StringIO) -> None:
    """To the last proof of life, in the customer's favour."""
    arrival, _ = await stage.routed()
    await stage.answer(arrival)
    stage.clock.pass_s(10)
    await _turns(stage)
    stage.clock.pass_s(7)
    stage.pbx.channels.clear()
    await _turns(stage, 2.5, 2.5)
    (cdr,) = await stage.written()
    assert (cdr.billsec, cdr.estimated, cdr.disposition) == (10, True, Disposition.ANSWERED)
    assert "call.end_found" in log_text.getvalue()
    await stage.assert_nothing_held()


async def test_one_list_without_it_ends_nothing(stage: Stage) -> None:
    """It is there again in the next: the first one is forgotten."""
    arrival, _ = await stage.routed()
    answered_us = await stage.answer(arrival)
    for _ in range(3):
        stage.pbx.channels.clear()
        await _turns(stage, 1.9)
        stage.live(arrival, answered_us=answered_us)
        await _turns(stage, 1)
    assert await stage.meter(arrival) is not None


async def test_a_failed_list_concludes_nothing(stage: Stage) -> None:
    """However often and long it fails."""
    arrival, _ = await stage.routed()
    await stage.answer(arrival)
    stage.pbx.away = True
    for _ in range(5):
        stage.clock.pass_s(10)
        with pytest.raises(StoreUnavailable):
            await stage.process.reconciler.once()
    assert await stage.meter(arrival) is not None
    assert await stage.written() == ()


async def test_a_new_boot_ends_what_is_gone_at_once(stage: Stage) -> None:
    """No call lives on through a restart of the PBX."""
    arrival, _ = await stage.routed()
    await stage.answer(arrival)
    stage.clock.pass_s(5)
    await _turns(stage)
    stage.pbx.channels.clear()
    stage.pbx.boot = "2026-09-21 09:00:00"
    stage.clock.pass_s(5)
    await _turns(stage)
    (cdr,) = await stage.written()
    assert (cdr.billsec, cdr.estimated) == (5, True)


async def test_a_call_connected_while_away_is_rated_from_its_line(stage: Stage) -> None:
    """Once, however often the file is read, and after a restart too."""
    arrival = stage.arrival()
    answered_us = stage.clock.us + 1_000_000
    stage.clock.pass_s(31)
    stage.write_cdr_line(arrival, answered_us)
    await _turns(stage, 1)
    assert await stage.written() == ()
    await _turns(stage, 5, 5)
    stage.restart()
    await _turns(stage, 5)
    (cdr,) = await stage.written()
    assert (cdr.billsec, cdr.charged_micros, cdr.end_source) == (30, 300_000, EndSource.CDR_FILE)
    await stage.assert_books_agree()


async def test_a_call_reported_in_the_normal_way_is_not_rated_again(stage: Stage) -> None:
    """Its line stands in the file too."""
    arrival, _ = await stage.routed()
    answered_us = await stage.answer(arrival)
    stage.clock.pass_s(5)
    await stage.hang_up(arrival, answered_us)
    stage.write_cdr_line(arrival, answered_us)
    await stage.written()
    await _turns(stage, 6, 6)
    (cdr,) = await stage.written()
    assert cdr.end_source is EndSource.REPORT
    assert (await stage.balance()).settled_micros == 10_000_000 - 50_000


async def test_a_call_still_alive_is_not_rated_by_its_first_attempts(stage: Stage) -> None:
    """One line per attempt: the busy one is written while the next is dialled."""
    arrival = stage.arrival()
    stage.write_cdr_line(arrival, disposition="BUSY")
    stage.live(arrival, line=2)
    await _turns(stage, 6, 6)
    assert await stage.written() == ()
    answered_us = stage.clock.us
    stage.clock.pass_s(9)
    stage.write_cdr_line(arrival, answered_us, start_us=answered_us - 1_000_000)
    stage.pbx.channels.clear()
    await _turns(stage, 6)
    (cdr,) = await stage.written()
    assert (cdr.billsec, [each.result for each in cdr.attempts]) == (9, ["BUSY", "ANSWER"])


async def test_lines_are_kept_until_sql_has_the_call(stage: Stage) -> None:
    """Rated, then server and Redis die together before SQL has it: the file is all there is."""
    arrival = stage.arrival()
    answered_us = stage.clock.us
    stage.clock.pass_s(10)
    stage.write_cdr_line(arrival, answered_us)
    stage.clock.pass_s(10)
    await _turns(stage, 1)
    assert await stage.cdrs() == ()
    stage.restart()
    await stage.lose_redis()
    await stage.trust()
    await _turns(stage, 1)
    (cdr,) = await stage.written()
    assert cdr.charged_micros == 100_000
    await stage.assert_books_agree()


async def test_an_ended_call_is_found_again_when_server_and_redis_die(stage: Stage) -> None:
    """Settled by the reconciler from its line, and not yet in SQL."""
    arrival, _ = await stage.routed()
    answered_us = await stage.answer(arrival)
    stage.clock.pass_s(10)
    stage.write_cdr_line(arrival, answered_us)
    stage.pbx.channels.clear()
    stage.restart()
    await _turns(stage, 6)
    assert await stage.meter(arrival) is None
    stage.restart()
    await stage.lose_redis()
    await stage.trust()
    await _turns(stage, 1)
    (cdr,) = await stage.written()
    assert cdr.charged_micros == 100_000
    await stage.assert_nothing_held()
    await stage.assert_books_agree()


async def test_an_unmetered_call_that_nobody_reports_is_rated_from_its_line(stage: Stage) -> None:
    """Let through without Redis; its report and its AMI event were lost."""
    stage.meters.away = True
    arrival, _ = await stage.routed(POST)
    answered_us = await stage.answer(arrival)
    stage.meters.away = False
    stage.clock.pass_s(10)
    stage.write_cdr_line(arrival, answered_us)
    stage.pbx.channels.clear()
    await _turns(stage, 6, 6)
    (cdr,) = await stage.written()
    assert (cdr.charged_micros, cdr.end_source) == (100_000, EndSource.CDR_FILE)
    await stage.assert_nothing_held()


async def test_an_unmetered_call_without_a_line_is_estimated(stage: Stage) -> None:
    """Nothing is forgotten, however little is known."""
    stage.meters.away = True
    arrival, _ = await stage.routed(POST)
    await stage.answer(arrival)
    stage.meters.away = False
    await _turns(stage, 10)
    stage.pbx.channels.clear()
    await _turns(stage, 3, 3)
    (cdr,) = await stage.written()
    assert (cdr.billsec, cdr.estimated) == (10, True)
    await stage.assert_nothing_held()


async def test_an_unreadable_meter_is_left_for_a_person(
    stage: Stage, log_text: io.StringIO
) -> None:
    """The calls beside it are settled; it is not guessed at."""
    broken, _ = await stage.routed()
    good, _ = await stage.routed()
    (key,) = await stage.link.query("KEYS", f"*meter:{broken.token}")
    await stage.link.query("HSET", key, "plan", "{}")
    stage.pbx.channels.clear()
    stage.restart()
    await _turns(stage, 2.5, 2.5)
    (cdr,) = await stage.written()
    assert cdr.uniqueid == good.uniqueid
    assert await stage.meter(broken) is not None
    assert "meter.unreadable" in log_text.getvalue()


async def test_a_rotated_file_is_read_to_its_end(stage: Stage) -> None:
    """The line before the rotation and the one after it are both rated."""
    for _ in range(2):
        arrival = stage.arrival()
        stage.clock.pass_s(5)
        stage.write_cdr_line(arrival, arrival.arrived_us)
        await stage.process.reconciler.once()
        (stage.folder / "callserver.csv").rename(stage.folder / "callserver.csv.1")
    await _turns(stage, 6)
    assert len(await stage.written()) == 2


async def test_reconciling_goes_on_for_ever(stage: Stage, log_text: io.StringIO) -> None:
    """A PBX or store that is away is met again; a wake-up does not wait for the pause."""
    stage.pbx.away = True
    running = asyncio.create_task(stage.process.reconciler.run(60.0))
    await asyncio.sleep(0.05)
    assert "reconcile.waits" in log_text.getvalue()
    stage.pbx.away = False
    arrival = stage.arrival()
    stage.write_cdr_line(arrival, arrival.arrived_us)
    stage.clock.pass_s(30)
    stage.process.reconciler.wake.set()
    async with asyncio.timeout(10):
        while not await stage.written():
            await asyncio.sleep(0.02)
    running.cancel()
