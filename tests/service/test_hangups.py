"""A call's end, said by its hangup handler, by AMI, or by both in either order."""

import io
from dataclasses import replace

import pytest

from callserver.domain.call import EndSource
from callserver.domain.cdr import Disposition
from callserver.domain.refusal import Refusal
from tests.service.business import ACME, BLOCKED_CALLER, POST, YUAN
from tests.service.stage import Stage
from tests.service.staging import books_template, link, stage, valkey, valkey_server

__all__ = ["books_template", "link", "stage", "valkey", "valkey_server"]


async def test_the_report_settles_at_once(stage: Stage) -> None:
    """61 s at 0.01; AMI's own word after it changes nothing."""
    arrival, _ = await stage.routed()
    answered_us = await stage.answer(arrival)
    stage.clock.pass_s(61)
    await stage.hang_up(arrival, answered_us)
    stage.ami_hangup(arrival)
    await stage.timers_ran_out()
    (cdr,) = await stage.written()
    assert (cdr.billsec, cdr.fee_micros, cdr.end_source) == (61, 600_000 + 10_000, EndSource.REPORT)
    assert cdr.charged_micros == 600_000  # prepaid, and nothing turned the scheduler's wheel
    await stage.assert_nothing_held()
    await stage.assert_books_agree()


async def test_ami_before_the_report_waits_for_it(stage: Stage) -> None:
    """The handler's own instants are the exact ones."""
    arrival, _ = await stage.routed()
    answered_us = await stage.answer(arrival)
    stage.clock.pass_s(5)
    stage.ami_hangup(arrival)
    await stage.hang_up(arrival, answered_us)
    await stage.timers_ran_out()
    (cdr,) = await stage.written()
    assert (cdr.end_source, cdr.billsec) == (EndSource.REPORT, 5)
    await stage.assert_nothing_held()


async def test_without_a_report_ami_settles(stage: Stage, log_text: io.StringIO) -> None:
    """With its own instant, after the wait, once."""
    arrival, _ = await stage.routed()
    await stage.answer(arrival)
    stage.clock.pass_s(7.9)
    stage.ami_hangup(arrival, cause=31)
    stage.ami_hangup(arrival, cause=31)
    assert stage.process.settled == []
    await stage.timers_ran_out()
    (cdr,) = await stage.written()
    assert (cdr.billsec, cdr.end_source, cdr.hangup_cause) == (7, EndSource.AMI_HANGUP, 31)
    assert cdr.disposition is Disposition.ANSWERED
    assert "call.end_not_reported" in log_text.getvalue()
    await stage.assert_nothing_held()


async def test_an_answer_nobody_heard_is_in_the_hangup_event(stage: Stage) -> None:
    """AMI was away at the answer and the report is lost: the channel itself says since when."""
    arrival, _ = await stage.routed()
    stage.clock.pass_s(2)
    answered_us = stage.clock.us
    stage.clock.pass_s(9.4)
    stage.ami_hangup(arrival, line=2, answered_us=answered_us)
    await stage.timers_ran_out()
    (cdr,) = await stage.written()
    assert (cdr.billsec, cdr.fee_micros, cdr.disposition) == (9, 90_000, Disposition.ANSWERED)
    assert (cdr.end_source, cdr.destination) == (EndSource.AMI_HANGUP, "02188880101")
    await stage.assert_nothing_held()
    await stage.assert_books_agree()


async def test_an_unanswered_call_seen_by_ami_costs_nothing(stage: Stage) -> None:
    """It rang, and the caller gave up."""
    arrival, _ = await stage.routed()
    stage.ami_hangup(arrival)
    await stage.timers_ran_out()
    (cdr,) = await stage.written()
    assert (cdr.disposition, cdr.fee_micros) == (Disposition.CANCELLED, 0)
    await stage.assert_nothing_held()


async def test_ami_with_another_uniqueid_settles_nothing(stage: Stage) -> None:
    """The token alone is not enough."""
    arrival, _ = await stage.routed()
    stage.ami_hangup(arrival, uniqueid="1.1")
    await stage.timers_ran_out()
    assert await stage.written() == ()
    assert len(stage.process.in_hand) == 1


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_report_with_another_uniqueid_settles_nothing(
    stage: Stage, log_text: io.StringIO, *, restarted: bool
) -> None:
    """Only a call's own events move its meter, whether in hand or in Redis."""
    arrival, _ = await stage.routed()
    if restarted:
        stage.restart()
    await stage.hang_up(replace(arrival, uniqueid="1.1"), 1)
    assert await stage.written() == ()
    assert await stage.meter(arrival) is not None
    assert "call.identity_mismatch" in log_text.getvalue()


async def test_a_wrong_word_of_ami_does_not_keep_the_right_one_out(stage: Stage) -> None:
    """Another channel's hang-up came first; the call's own settles it."""
    arrival, _ = await stage.routed()
    stage.ami_hangup(arrival, uniqueid="1.1")
    stage.ami_hangup(arrival)
    await stage.timers_ran_out()
    (cdr,) = await stage.written()
    assert cdr.end_source is EndSource.AMI_HANGUP


async def test_a_refused_call_has_a_cdr_too(stage: Stage) -> None:
    """With its reason, for nothing."""
    arrival, _ = await stage.route(ACME, caller_raw=BLOCKED_CALLER)
    await stage.hang_up(arrival, routed=False, refusal=Refusal.BLOCKED, line=0)
    (cdr,) = await stage.written()
    assert (cdr.disposition, cdr.refusal, cdr.charged_micros) == (
        Disposition.REFUSED,
        "blocked",
        0,
    )
    assert cdr.customer == "acme"


async def test_a_call_of_an_unknown_number_has_a_cdr_without_a_customer(stage: Stage) -> None:
    """It reached us, so it is noted."""
    arrival, _ = await stage.route("4009999999")
    await stage.hang_up(arrival, routed=False, refusal=Refusal.UNKNOWN_DID, line=0)
    (cdr,) = await stage.written()
    assert (cdr.customer, cdr.account, cdr.refusal) == (None, None, "unknown_did")


async def test_a_call_the_fallback_connected_is_rated(stage: Stage) -> None:
    """The server was away at its start and is back at its end."""
    arrival = stage.arrival()
    answered_us = stage.clock.us
    stage.clock.pass_s(10)
    await stage.hang_up(arrival, answered_us, routed=False, destination="02188880100", line=0)
    (cdr,) = await stage.written()
    assert (cdr.charged_micros, cdr.destination) == (100_000, "02188880100")
    assert (await stage.balance()).settled_micros == 10 * YUAN - 100_000
    await stage.assert_books_agree()


async def test_a_routed_call_whose_decision_came_too_late_gives_its_hold_back(
    stage: Stage,
) -> None:
    """The dialplan had gone on by itself, so its report says that nobody routed the call."""
    arrival, _ = await stage.routed()
    stage.restart()
    answered_us = stage.clock.us
    stage.clock.pass_s(10)
    await stage.hang_up(arrival, answered_us, routed=False, line=0)
    (cdr,) = await stage.written()
    assert cdr.charged_micros == 100_000
    await stage.assert_nothing_held()


async def test_a_report_after_a_restart_is_settled_by_the_first_plan(stage: Stage) -> None:
    """A tariff changed meanwhile does not reach a call that was admitted before."""
    arrival, _ = await stage.routed()
    answered_us = await stage.answer(arrival)
    stage.restart()
    catalogue = stage.process.catalogue.now
    dearer = replace(catalogue.tariffs["second"][0], rate_micros=60_000_000, version=2)
    stage.process.catalogue.now = replace(catalogue, tariffs={"second": (dearer,)})
    stage.clock.pass_s(10)
    await stage.hang_up(arrival, answered_us)
    (cdr,) = await stage.written()
    assert (cdr.charged_micros, cdr.tariff_version) == (100_000, 1)


async def test_an_answer_that_redis_missed_is_billed_by_ami_too(stage: Stage) -> None:
    """Redis was away when the call was answered, and no report came at its end."""
    arrival, _ = await stage.routed()
    stage.meters.away = True
    with pytest.raises(Exception, match="switched off"):
        await stage.answer(arrival)
    stage.meters.away = False
    stage.clock.pass_s(9)
    stage.ami_hangup(arrival)
    await stage.timers_ran_out()
    (cdr,) = await stage.written()
    assert (cdr.billsec, cdr.fee_micros, cdr.disposition) == (9, 90_000, Disposition.ANSWERED)


async def test_an_unmetered_call_is_billed_by_ami_too(stage: Stage) -> None:
    """Let through without Redis, and no report came at its end."""
    stage.meters.away = True
    arrival, _ = await stage.routed(POST)
    await stage.answer(arrival)
    stage.meters.away = False
    stage.clock.pass_s(9)
    stage.ami_hangup(arrival)
    await stage.timers_ran_out()
    (cdr,) = await stage.written()
    assert (cdr.billsec, cdr.charged_micros) == (9, 90_000)
    await stage.assert_nothing_held()
