"""What the lines of a PBX's CDR file say of a call."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callserver.domain.call import EndSource, HungUpBy
from callserver.domain.pbx_cdr import PbxCdrLine, arrival_of, dialled_digits, end_of, instant_us
from tests.domain.samples import TOKEN

ROW = {
    "token": TOKEN,
    "uniqueid": "1790000000.17",
    "linkedid": "1790000000.16",
    "did": "4001234567",
    "caller": "13800571234",
    "start": "1790000000.000001",
    "answer": "1790000002.500000",
    "end": "1790000063.900000",
    "billsec": "61",
    "duration": "63",
    "disposition": "ANSWERED",
    "cause": "16",
    "channel": "PJSIP/carrier-00000011",
    "dstchannel": "PJSIP/carrier-00000012",
    "lastapp": "Dial",
    "lastdata": "PJSIP/02188886666@carrier,30,U(cs-answered)",
}


def line(**changed: str) -> PbxCdrLine:
    """An answered attempt, unless changed."""
    return PbxCdrLine.parse(list((ROW | changed).values()))


def test_a_line_is_read_to_the_microsecond() -> None:
    """Every column that matters."""
    read = line()
    assert (read.start_us, read.answer_us, read.end_us) == (
        1_790_000_000_000_001,
        1_790_000_002_500_000,
        1_790_000_063_900_000,
    )
    assert (read.token, read.billsec, read.hangup_cause) == (TOKEN, 61, 16)
    assert read.destination == "02188886666"


@pytest.mark.parametrize(
    "changed",
    [
        {"token": ""},
        {"token": "x" * 36},
        {"start": "soon"},
        {"end": "1790000000.xyz"},
        {"billsec": "many"},
        {"cause": "a"},
    ],
)
def test_anything_else_is_refused(changed: dict[str, str]) -> None:
    """Nothing is guessed."""
    with pytest.raises(ValueError, match=r"token|invalid"):
        line(**changed)


@pytest.mark.parametrize("columns", [0, 15, 17])
def test_a_line_has_sixteen_columns(columns: int) -> None:
    """A comma in a caller's name would shift them."""
    with pytest.raises(ValueError, match="16 columns"):
        PbxCdrLine.parse(["x"] * columns)


@pytest.mark.parametrize(
    ("text", "us"),
    [("", 0), ("0.000000", 0), ("1", 1_000_000), ("1.5", 1_500_000), ("1.0000019", 1_000_001)],
)
def test_instants(text: str, us: int) -> None:
    """Empty and zero are never; more than six digits are cut."""
    assert instant_us(text) == us


@given(st.integers(1, 4_000_000_000_000_000))
def test_instants_survive_their_text(us: int) -> None:
    """No float comes near them."""
    assert instant_us(f"{us // 1_000_000}.{us % 1_000_000:06d}") == us


@pytest.mark.parametrize(
    ("lastdata", "digits"),
    [
        ("PJSIP/02188886666@carrier,30,g", "02188886666"),
        ("PJSIP/+8613800138000@x", "+8613800138000"),
        ("PJSIP/alice@carrier", ""),
        ("", ""),
        ("Local/s@somewhere", ""),
    ],
)
def test_the_number_dialled(lastdata: str, digits: str) -> None:
    """Only digits count as one."""
    assert dialled_digits(lastdata) == digits


def test_only_a_dial_dialled() -> None:
    """The last line of a call that nobody answered says Hangup."""
    assert line(lastapp="Hangup", lastdata="17").destination == ""


def _attempts() -> list[PbxCdrLine]:
    first: dict[str, Any] = {
        "start": "1790000000.0",
        "answer": "",
        "end": "1790000001.0",
        "billsec": "0",
        "disposition": "BUSY",
        "cause": "17",
        "lastdata": "PJSIP/02100000001@carrier,20",
    }
    return [line(start="1790000001.0"), line(**first)]


def test_a_call_is_the_sum_of_its_attempts() -> None:
    """In order of time, whatever the order of the file; the answered one gives the answer."""
    end = end_of(_attempts())
    assert (end.answered_us, end.ended_us) == (1_790_000_002_500_000, 1_790_000_063_900_000)
    assert [(a.line, a.result, a.ring_ms) for a in end.attempts] == [
        (1, "BUSY", 1000),
        (2, "ANSWER", 1500),
    ]
    assert (end.rang_us, end.billsec) == (1_790_000_000_000_000, 61)
    assert (end.source, end.hung_up_by, end.destination) == (
        EndSource.CDR_FILE,
        HungUpBy.UNKNOWN,
        "02188886666",
    )


def test_a_call_nobody_answered() -> None:
    """Its last attempt says how it ended; its line is not known."""
    unanswered = [line(answer="", billsec="0", disposition="NO ANSWER", cause="19")]
    end = end_of(unanswered)
    assert (end.answered_us, end.billsec, end.dial_status, end.line) == (0, 0, "NOANSWER", 0)
    never = end_of([line(answer="", lastapp="Hangup", lastdata="", disposition="FAILED")])
    assert (never.attempts, never.rang_us, never.dial_status) == ((), 0, "CHANUNAVAIL")


def test_a_call_arrived_with_its_first_attempt() -> None:
    """The earliest start is the arrival."""
    arrival = arrival_of(_attempts(), "pbx-1")
    assert (arrival.arrived_us, arrival.uniqueid, arrival.linkedid) == (
        1_790_000_000_000_000,
        "1790000000.17",
        "1790000000.16",
    )
    assert (arrival.token, arrival.pbx, arrival.did) == (TOKEN, "pbx-1", "4001234567")
