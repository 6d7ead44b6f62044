"""What the server accepts from a PBX, and what it may tell it."""

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callserver.domain.call import Attempt, HungUpBy
from callserver.domain.pbx_contract import (
    AgiPath,
    BadPbxRequest,
    DialLine,
    HangupArgs,
    NextArgs,
    RouteArgs,
    Script,
    next_reply,
    refusal_reply,
    route_reply,
)
from callserver.domain.refusal import Refusal

TOKEN = "51c854e2-999d-4859-b861-e5ce634639f4"
UNIQUEID = "1795364153.0"
ROUTE = [TOKEN, UNIQUEID, "1795364153.528860", "pbx1"]
NEXT = [TOKEN, "pbx1", "1", "BUSY", "17"]
HANGUP = [
    *(TOKEN, "pbx1", UNIQUEID, "1795364162.176400", "1795364164.577902", "1795364165.085728"),
    *("507", "ANSWER", "16", "1:NOANSWER:19:2006;2:ANSWER:16:219", "2", "caller", "1"),
    *("02112345672", "1795364162359", ""),
]
REFUSED = [
    *(TOKEN, "pbx1", UNIQUEID, "1795364498.319920", "0.000000", "1795364498.324673"),
    *("", "", "1", "", "", "system", "0", "", "", "unknown_did"),
]
LINE = DialLine("02188886666", "carrier", 20)


def changed(args: list[str], index: int, value: str) -> list[str]:
    """The arguments with one of them replaced; index from 1 as in the contract."""
    return [*args[: index - 1], value, *args[index:]]


def test_route_as_asterisk_sends_it() -> None:
    """Epoch seconds with microseconds become whole microseconds, exactly."""
    assert RouteArgs.parse(ROUTE) == RouteArgs(TOKEN, UNIQUEID, 1795364153528860, "pbx1")


def test_next_as_asterisk_sends_it() -> None:
    """The failed line, its status and cause; an empty cause is 0."""
    assert NextArgs.parse(NEXT) == NextArgs(TOKEN, "pbx1", 1, "BUSY", 17)
    assert NextArgs.parse(changed(NEXT, 5, "")).hangup_cause == 0


def test_hangup_of_an_answered_call() -> None:
    """Every field of a report from a real Asterisk."""
    assert asdict(HangupArgs.parse(HANGUP)) == {
        "token": TOKEN,
        "pbx": "pbx1",
        "linkedid": UNIQUEID,
        "start_us": 1795364162176400,
        "answer_us": 1795364164577902,
        "end_us": 1795364165085728,
        "answered_ms": 507,
        "dial_status": "ANSWER",
        "hangup_cause": 16,
        "tried": (
            asdict(Attempt(1, "", "NOANSWER", 19, 2006)),
            asdict(Attempt(2, "", "ANSWER", 16, 219)),
        ),
        "line": 2,
        "who": HungUpBy.CALLER,
        "routed": True,
        "destination": "02112345672",
        "rang_us": 1795364162359000,
        "refusal": None,
    }


def test_hangup_of_a_refused_call() -> None:
    """Nothing was dialled: empty fields are zero, none or nothing."""
    report = HangupArgs.parse(REFUSED)
    assert (report.routed, report.refusal, report.who) == (
        False,
        Refusal.UNKNOWN_DID,
        HungUpBy.SYSTEM,
    )
    assert (report.answer_us, report.answered_ms, report.line, report.rang_us) == (0, 0, 0, 0)
    assert (report.tried, report.destination, report.dial_status) == ((), "", "")


def test_hangup_of_a_call_connected_without_us() -> None:
    """An empty outcome is neither routed nor refused."""
    report = HangupArgs.parse(changed(HANGUP, 13, ""))
    assert (report.routed, report.refusal) == (None, None)


BAD_ROUTE = [
    *((1, bad) for bad in ("", TOKEN.upper(), TOKEN[:-1], TOKEN + "\n", "x" * 36)),
    *((2, bad) for bad in ("", "a b", "x\n", "x" * 150)),
    *((3, bad) for bad in ("", "1795364153", "1795364153.5", "-1.000000", "1.0000001", "1e9")),
    *((4, bad) for bad in ("", "PBX", "a,b", "pbx1\n")),
]


@pytest.mark.parametrize(("index", "bad"), BAD_ROUTE)
def test_a_route_request_of_another_form_is_refused(index: int, bad: str) -> None:
    """Whole, and without repeating what was sent."""
    with pytest.raises(BadPbxRequest) as said:
        RouteArgs.parse(changed(ROUTE, index, bad))
    assert TOKEN not in str(said.value)


BAD_NEXT = [(1, "x"), (2, ""), (3, ""), (3, "0"), (3, "21"), (3, "-1"), (4, "busy"), (5, "x")]


@pytest.mark.parametrize(("index", "bad"), BAD_NEXT)
def test_a_next_request_of_another_form_is_refused(index: int, bad: str) -> None:
    """A line is 1 … 20, a status capitals, a cause a number."""
    with pytest.raises(BadPbxRequest):
        NextArgs.parse(changed(NEXT, index, bad))


BAD_HANGUP = [
    *((1, ""), (2, ""), (3, ""), (4, "yesterday"), (5, "1"), (6, ""), (6, "0.000000")),
    *((7, "1.5"), (8, "a"), (9, "٣"), (11, "x"), (12, ""), (12, "me"), (13, "2")),
    *((14, "1&2"), (14, "PJSIP/9"), (15, "1.2")),
]


@pytest.mark.parametrize(("index", "bad"), BAD_HANGUP)
def test_a_hangup_report_of_another_form_is_refused(index: int, bad: str) -> None:
    """Nothing of it is used: the AMI event settles such a call."""
    with pytest.raises(BadPbxRequest):
        HangupArgs.parse(changed(HANGUP, index, bad))


def test_a_refused_call_must_say_why() -> None:
    """With outcome 0 the reason is one of ours."""
    with pytest.raises(BadPbxRequest):
        HangupArgs.parse(changed(REFUSED, 16, "because"))


@pytest.mark.parametrize("kind", [RouteArgs, NextArgs, HangupArgs])
@given(args=st.lists(st.text(max_size=40), max_size=20))
def test_anything_else_is_refused_never_a_fault(
    kind: type[RouteArgs | NextArgs | HangupArgs], args: list[str]
) -> None:
    """Arbitrary text raises BadPbxRequest and nothing else."""
    with pytest.raises(BadPbxRequest):
        kind.parse(args)


def test_the_path_names_script_did_and_uniqueid() -> None:
    """As in agi_network_script."""
    path = AgiPath.parse(f"hangup/4001234567/{UNIQUEID}")
    assert path == AgiPath(Script.HANGUP, "4001234567", UNIQUEID)


BAD_PATHS = [
    *("", "route", "route/4001234567", "other/4001234567/1.1", "route/40012345678/1.1"),
    *("route/5001234567/1.1", "route/4001234567/1.1/x", "route/4001234567/", "/4001234567/1.1"),
    *("route/４001234567/1.1", "route/4001234567/1 1", "route/4001234567\n/1.1"),
]


@pytest.mark.parametrize("path", BAD_PATHS)
def test_a_path_of_another_form_is_refused(path: str) -> None:
    """The DID has to be a 400 number in ASCII digits."""
    with pytest.raises(BadPbxRequest):
        AgiPath.parse(path)


def test_a_decision_sets_its_flag_last() -> None:
    """So that half of it counts for nothing."""
    reply = route_reply([LINE, LINE], line=2, held_s=300)
    assert list(reply)[-1] == "CS_OK"
    assert reply["CS_LINE"] == "2"
    assert (reply["CS_DEST_2"], reply["CS_TRUNK_2"], reply["CS_RING_2"]) == (
        "02188886666",
        "carrier",
        "20",
    )


BAD_DECISIONS = [
    ([], 1, 300),
    ([LINE] * 21, 1, 300),
    ([LINE], 0, 300),
    ([LINE], 2, 300),
    ([LINE], 1, 0),
    ([LINE], 1, 1_000_000),
    ([DialLine("1&2", "carrier", 20)], 1, 300),
    ([DialLine("02188886666", "a/b", 20)], 1, 300),
    ([DialLine("02188886666", "carrier", 0)], 1, 300),
    ([DialLine("02188886666", "carrier", 1000)], 1, 300),
]


@pytest.mark.parametrize(("lines", "line", "held_s"), BAD_DECISIONS)
def test_what_the_dialplan_would_not_dial_is_not_sent(
    lines: list[DialLine], line: int, held_s: int
) -> None:
    """A ValueError here, not a dead call there."""
    with pytest.raises(ValueError, match=r"line|held"):
        route_reply(lines, line, held_s)


def test_a_refusal_and_a_next_line() -> None:
    """Their variables in order, the flag last."""
    assert refusal_reply(Refusal.BLOCKED, 21, "callserver/blocked") == {
        "CS_REFUSED": "blocked",
        "CS_CAUSE": "21",
        "CS_PROMPT": "callserver/blocked",
        "CS_OK": "0",
    }
    assert next_reply(0) == {"CS_LINE": "0", "CS_NEXT_OK": "1"}


@pytest.mark.parametrize("prompt", ["../x", "a b", "a,b", "x" * 101])
def test_a_prompt_outside_the_sounds_folder_is_not_sent(prompt: str) -> None:
    """Nor one that would break the reply."""
    with pytest.raises(ValueError, match="prompt"):
        refusal_reply(Refusal.FAULT, 38, prompt)


@pytest.mark.parametrize("line", [-1, 21])
def test_a_next_line_out_of_range_is_not_sent(line: int) -> None:
    """0 … 20."""
    with pytest.raises(ValueError, match="line"):
        next_reply(line)
