"""The dialplan on a real Asterisk 22: what a refused caller gets, and what is forgotten then."""

import pytest

from callserver.domain.call import HungUpBy
from callserver.domain.pbx_contract import refusal_reply
from callserver.domain.refusal import Refusal, hangup_cause
from tests.dialplan.conftest import Stage

pytestmark = pytest.mark.e2e

SIP_CODE_BY_CAUSE = {1: 404, 17: 486, 21: 403, 38: 500}


@pytest.mark.parametrize("reason", list(Refusal))
def test_a_refusal_ends_the_call_with_its_cause(stage: Stage, reason: Refusal) -> None:
    """Each reason has its hang-up cause, no line rings, and the report says it was refused."""
    cause = hangup_cause(reason)
    stage.agi.answers["route"] = lambda _: refusal_reply(reason, cause)
    result, report = stage.call()
    assert (result.outcome, result.code) == ("refused", SIP_CODE_BY_CAUSE[cause])
    assert (result.cause, result.early_media) == (cause, False)
    assert (report.routed, report.who, report.hangup_cause) == (False, HungUpBy.SYSTEM, cause)
    assert (report.tried, report.line, report.answer_us, report.rang_us) == ((), 0, 0, 0)
    (line,) = stage.cdr_lines(report.token, 1)
    assert line.billsec == 0


def test_a_prompt_is_heard_before_the_end_and_never_answered(stage: Stage) -> None:
    """The prompt is early media: 183, no 200, then the refusal."""
    stage.agi.answers["route"] = lambda _: refusal_reply(Refusal.SUSPENDED, 21, "vm-goodbye")
    result, report = stage.call()
    assert (result.outcome, result.code, result.early_media) == ("refused", 403, True)
    assert report.answer_us == 0


def test_a_prompt_that_is_no_file_of_ours_is_not_opened(stage: Stage) -> None:
    """Dots are dropped from a prompt's name, so it stays inside the sounds folder."""
    stage.agi.answers["route"] = lambda _: {
        **refusal_reply(Refusal.BLOCKED, 21),
        "CS_PROMPT": "../../../etc/passwd",
        "CS_OK": "0",
    }
    result, _ = stage.call()
    assert (result.outcome, result.code) == ("refused", 403)
    assert "/../" not in stage.bed.asterisk.log_file.read_text()


def test_a_cause_that_is_none_becomes_38(stage: Stage) -> None:
    """A refusal without a usable cause is a fault of the network."""
    stage.agi.answers["route"] = lambda _: {"CS_REFUSED": "fault", "CS_CAUSE": "x", "CS_OK": "0"}
    result, _ = stage.call()
    assert (result.code, result.cause) == (500, 38)


FORGETS = [  # reason, whether the last good route is forgotten
    (Refusal.UNKNOWN_DID, True),
    (Refusal.SUSPENDED, True),
    (Refusal.NO_CREDIT, True),
    (Refusal.BLOCKED, False),
    (Refusal.LINES_BUSY, False),
    (Refusal.TOO_MANY_CALLS, False),
    (Refusal.FAULT, False),
]


@pytest.mark.parametrize(("reason", "forgotten"), FORGETS)
def test_a_number_that_is_not_served_is_not_served_without_us_either(
    stage: Stage, reason: Refusal, forgotten: bool
) -> None:
    """The route kept for the fallback goes when the number itself is refused."""
    did = f"400765432{FORGETS.index((reason, forgotten))}"
    stage.call(did, talk_ms=100)
    kept = f"/callserver/{did}"
    assert kept in stage.bed.asterisk.cli("database show callserver")
    stage.agi.answers["route"] = lambda _: refusal_reply(reason, hangup_cause(reason))
    stage.call(did)
    assert (kept not in stage.bed.asterisk.cli("database show callserver")) == forgotten
