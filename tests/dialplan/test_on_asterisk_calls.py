"""The dialplan on a real Asterisk 22: lines in turn, and what the hangup handler reports."""

import pytest

from callserver.domain.call import HungUpBy
from callserver.domain.pbx_contract import AgiPath, NextArgs, RouteArgs, Script
from tests.dialplan.conftest import DID, Stage

pytestmark = pytest.mark.e2e


def test_the_route_request_says_who_calls_and_when(stage: Stage) -> None:
    """DID and Uniqueid come in the URL, token, Linkedid, arrival and PBX as arguments."""
    _, report = stage.call(callers=["13800138000"], talk_ms=200)
    (request,) = stage.agi.of("route")
    path = AgiPath.parse(request.header("agi_network_script"))
    args = RouteArgs.parse(request.args)
    (line,) = stage.cdr_lines(report.token, 1)
    assert (path.script, path.did, path.uniqueid) == (Script.ROUTE, DID, line.uniqueid)
    assert (args.token, args.linkedid, args.pbx) == (report.token, line.linkedid, "pbx1")
    assert args.arrived_us == line.start_us
    assert request.header("agi_callerid") == "13800138000"


def test_caller_hangs_up(stage: Stage) -> None:
    """The report agrees to the microsecond with Asterisk's own line, and names the caller."""
    result, report = stage.call(talk_ms=1200)
    (line,) = stage.cdr_lines(report.token, 1)
    assert (result.outcome, result.ended_by) == ("answered", "caller")
    assert (report.answer_us, report.end_us) == (line.answer_us, line.end_us)
    assert report.answered_ms // 1000 == line.billsec == 1
    assert (report.who, report.dial_status, report.hangup_cause) == (HungUpBy.CALLER, "ANSWER", 16)
    assert (report.routed, report.line, report.destination) == (True, 1, "02112345670")
    assert (line.did, line.caller, line.disposition) == (DID, "13800138000", "ANSWERED")


def test_callee_hangs_up(stage: Stage) -> None:
    """The far end's BYE is told from the caller's."""
    stage.trunks = ["hangs-up"]
    result, report = stage.call(talk_ms=None)
    assert (result.outcome, result.ended_by) == ("answered", "callee")
    assert (report.who, report.hangup_cause) == (HungUpBy.CALLEE, 16)
    assert report.answered_ms // 1000 == 1


def test_ringing_is_measured_from_the_dial_to_the_answer(stage: Stage) -> None:
    """CS_RANG is the first dial, ring_ms of the line that answered is its own ringing."""
    stage.trunks = ["busy", "answers"]
    _, report = stage.call(talk_ms=200)
    busy, answered = report.tried
    first, second = stage.cdr_lines(report.token, 2)
    assert report.rang_us == pytest.approx(first.start_us, abs=20_000)
    assert answered.ring_ms * 1000 == pytest.approx(second.answer_us - second.start_us, abs=20_000)
    assert busy.ring_ms < 1000


def test_caller_gives_up_while_it_rings(stage: Stage) -> None:
    """A cancelled call reports CANCEL, no answer, and the line that rang."""
    stage.trunks, stage.ring_s = ["rings_on"], 30
    result, report = stage.call(give_up_ms=700)
    (tried,) = report.tried
    assert result.outcome == "cancelled"
    assert (report.who, report.dial_status, report.answer_us) == (HungUpBy.CALLER, "CANCEL", 0)
    assert (tried.line, tried.result) == (1, "CANCEL")
    assert 500 <= tried.ring_ms <= 5000


NEXT = [  # trunk, status, cause
    ("busy", "BUSY", 17),
    ("congested", "CONGESTION", 34),
    ("unallocated", "CHANUNAVAIL", 1),
    ("rings_on", "NOANSWER", 19),
    ("no-such-trunk", "CHANUNAVAIL", 0),
    ("moved", "BUSY", 0),
]


@pytest.mark.parametrize(("trunk", "status", "cause"), NEXT)
def test_a_line_that_fails_is_followed_by_the_next(
    stage: Stage, trunk: str, status: str, cause: int
) -> None:
    """Busy, congestion, unavailable, no answer, redirection: /next is told, the next line rings."""
    stage.trunks, stage.ring_s = [trunk, "answers"], 1
    result, report = stage.call(talk_ms=200)
    (asked,) = [NextArgs.parse(request.args) for request in stage.agi.of("next")]
    assert result.outcome == "answered"
    assert (asked.token, asked.line, asked.dial_status) == (report.token, 1, status)
    assert [(t.line, t.result) for t in report.tried] == [(1, status), (2, "ANSWER")]
    assert report.tried[0].hangup_cause == cause
    assert (report.line, report.destination) == (2, "02112345671")


ALL_FAIL = [  # trunk, SIP code, cause
    ("busy", 486, 17),
    ("rings_on", 480, 19),
    ("congested", 503, 34),
]


@pytest.mark.parametrize(("trunk", "code", "cause"), ALL_FAIL)
def test_when_all_lines_fail_the_caller_hears_why(
    stage: Stage, trunk: str, code: int, cause: int
) -> None:
    """The last line's failure decides the hang-up cause."""
    stage.trunks, stage.ring_s = [trunk, trunk], 1
    result, report = stage.call()
    assert (result.outcome, result.code, result.cause) == ("refused", code, cause)
    assert (report.who, report.routed, report.line) == (HungUpBy.SYSTEM, True, 0)
    assert [t.line for t in report.tried] == [1, 2]
    assert report.hangup_cause == cause


BAD_DESTINATIONS = ["0211234567&PJSIP/9@answers", "0211234567@answers", "12", "9" * 21, "", "+"]


@pytest.mark.parametrize("destination", BAD_DESTINATIONS)
def test_a_destination_that_is_no_number_is_never_dialled(stage: Stage, destination: str) -> None:
    """The dialplan checks again what stands in Dial, whatever the server says."""
    stage.trunks = ["answers", "answers"]
    stage.agi.answers["route"] = lambda request: {
        **stage.route(request),
        "CS_DEST_1": destination,
    }
    result, report = stage.call(talk_ms=200)
    assert result.outcome == "answered"
    assert [t.result for t in report.tried] == ["CHANUNAVAIL", "ANSWER"]
    (line,) = stage.cdr_lines(report.token, 1)
    assert line.lastdata.startswith("PJSIP/02112345671@answers,")


def test_a_server_that_repeats_itself_is_left_after_twenty_attempts(stage: Stage) -> None:
    """A /next that always names the same line cannot ring it for ever."""
    stage.trunks = ["busy"]
    stage.agi.answers["next"] = lambda _: {"CS_LINE": "1", "CS_NEXT_OK": "1"}
    result, report = stage.call()
    assert result.outcome == "refused"
    assert len(report.tried) == 20


def test_twenty_lines_are_dialled(stage: Stage) -> None:
    """The contract's most lines fit through MSet and the loop."""
    stage.trunks = ["busy"] * 19 + ["answers"]
    result, report = stage.call(talk_ms=200)
    assert result.outcome == "answered"
    assert report.line == 20


NOT_400 = ["40012345678", "400123456", "5001234567", "4001234567%26PJSIP%2f9", "T", "s"]


@pytest.mark.parametrize("did", NOT_400)
def test_only_a_400_number_gets_in(stage: Stage, did: str) -> None:
    """Anything but 400 and seven digits is turned away before a request is made."""
    result = stage.bed.call(did)
    assert result.outcome == "refused"
    assert result.code in (404, 484)
    assert stage.agi.requests == []
