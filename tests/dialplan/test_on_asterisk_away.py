"""The dialplan on a real Asterisk 22: the server is away, frozen, or dies; time-outs."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from callserver.demo.asterisk.folder import AsteriskFolder
from callserver.domain.call import HungUpBy
from callserver.domain.pbx_contract import DialLine, next_reply, route_reply
from tests.dialplan.conftest import DID, Stage
from tests.dialplan.scripted_agi import Answer, ScriptedAgi
from tests.e2e.bed import Bed, Destination

pytestmark = pytest.mark.e2e


def frozen(_: object) -> None:
    """A server that has the connection and says nothing for longer than the dialplan waits."""
    time.sleep(3)


@pytest.mark.parametrize("held_s", [1, 2])
def test_asterisk_ends_the_call_half_a_second_after_the_held_time(
    stage: Stage, held_s: int
) -> None:
    """Asterisk alone ends the call at CS_HELD + 0.5 s, so floored billsec is the held time."""
    stage.held_s = held_s
    result, report = stage.call(talk_ms=None)
    (line,) = stage.cdr_lines(report.token, 1)
    assert (result.ended_by, report.who) == ("callee", HungUpBy.TIMEOUT)
    assert held_s * 1000 + 450 <= report.answered_ms < held_s * 1000 + 900
    assert line.billsec == held_s


def test_the_held_time_runs_from_the_answer(stage: Stage) -> None:
    """Ringing, also of lines that failed, does not eat held seconds."""
    stage.trunks, stage.ring_s, stage.held_s = ["rings_on", "answers"], 2, 1
    _, report = stage.call(talk_ms=None)
    assert 1450 <= report.answered_ms < 1900


def test_without_a_decision_the_last_good_route_is_dialled(stage: Stage) -> None:
    """A server that drops the connection: the fallback connects, for CS_FALLBACK_MAX_S + 0.5 s."""
    stage.call(talk_ms=100)
    stage.agi.answers["route"] = lambda _: {}
    result, report = stage.call(talk_ms=None)
    assert (result.outcome, report.who) == ("answered", HungUpBy.TIMEOUT)
    assert 2450 <= report.answered_ms < 2900
    assert (report.routed, report.line, report.destination) == (None, 0, "02112345670")
    assert [(t.line, t.result) for t in report.tried] == [(0, "ANSWER")]


def test_half_a_decision_is_no_decision(stage: Stage) -> None:
    """Variables without CS_OK, as a server that died between them leaves, are not used."""
    stage.call(talk_ms=100)
    half = {"CS_LINES": "1", "CS_LINE": "1", "CS_HELD": "30"}
    stage.agi.answers["route"] = lambda _: half
    result, report = stage.call(talk_ms=200)
    assert result.outcome == "answered"
    assert report.routed is None


def test_a_frozen_server_holds_the_call_no_longer_than_configured(stage: Stage) -> None:
    """After CS_DECIDE_MAX_S (1 s here) the call goes on by the last good route."""
    stage.call(talk_ms=100)
    stage.agi.answers["route"] = frozen
    began_s = time.monotonic()
    result, report = stage.call(talk_ms=100)
    assert result.outcome == "answered"
    assert report.routed is None
    assert time.monotonic() - began_s < 2.9


def test_a_caller_who_gives_up_on_a_frozen_server_is_reported(stage: Stage) -> None:
    """The hangup handler runs at once, not when the frozen session ends."""
    stage.agi.answers["route"] = frozen
    result, report = stage.call(give_up_ms=300)
    assert result.outcome == "cancelled"
    assert (report.who, report.routed, report.tried) == (HungUpBy.CALLER, None, ())


@pytest.mark.parametrize("trouble", [frozen, lambda _: {}, lambda _: {"CS_LINE": "9"}])
def test_when_next_fails_the_dialplan_dials_on(stage: Stage, trouble: Answer) -> None:
    """Frozen, gone or half an answer: the next line rings all the same."""
    stage.trunks = ["busy", "answers"]
    stage.agi.answers["next"] = trouble
    result, report = stage.call(talk_ms=100)
    assert result.outcome == "answered"
    assert (report.line, report.routed) == (2, True)


def test_next_may_skip_a_line_or_end(stage: Stage) -> None:
    """The server picks any later line; 0 ends the call."""
    stage.trunks = ["busy", "rings_on", "answers"]
    stage.agi.answers["next"] = lambda _: next_reply(3)
    assert [t.line for t in stage.call(talk_ms=100)[1].tried] == [1, 3]
    stage.agi.answers["next"] = lambda _: next_reply(0)
    result, report = stage.call()
    assert (result.outcome, result.code, report.tried[-1].line) == ("refused", 486, 1)


@pytest.fixture
def lonely(asterisk_folder: AsteriskFolder, tmp_path: Path) -> Iterator[tuple[Bed, ScriptedAgi]]:
    """An Asterisk of its own, whose server a test takes away."""
    plan = route_reply([DialLine("02112345670", "answers", 2)], 1, held_s=2)
    with (
        ScriptedAgi({"route": lambda _: plan}) as agi,
        Bed(asterisk_folder, tmp_path, agi.address, {"answers": Destination.answers()}) as bed,
    ):
        yield bed, agi


def test_nothing_at_the_address(lonely: tuple[Bed, ScriptedAgi]) -> None:
    """A live call ends on time, a known number still connects, an unknown one gets cause 38."""
    bed, agi = lonely
    live = bed.begin(DID, talk_ms=None)
    agi.wait_for("route")
    agi.close()
    assert [r.ended_by for r in live.wait()] == ["callee"]
    known = bed.call(DID, talk_ms=100)
    assert known.outcome == "answered"
    unknown = bed.call("4007654321")
    assert (unknown.outcome, unknown.code, unknown.cause) == ("refused", 500, 38)
    lines = bed.wait_cdr_lines(3)
    assert len({line.token for line in lines}) == 3
    assert lines[0].billsec == 2


def test_the_last_good_route_outlives_asterisk(lonely: tuple[Bed, ScriptedAgi]) -> None:
    """It stands in Asterisk's own database, on disk."""
    bed, agi = lonely
    assert bed.call(DID, talk_ms=100).outcome == "answered"
    agi.close()
    bed.asterisk.restart()
    assert bed.call(DID, talk_ms=100).outcome == "answered"
