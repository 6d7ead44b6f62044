"""The demo's business on a real Asterisk."""

from decimal import Decimal
from typing import Any

from callserver.demo.asterisk.instance import CdrLine
from callserver.demo.business import CLINIC_DID, business
from callserver.demo.real_switch import on_trunks, seen_in_cdr_lines

T0_US = 1_790_000_000_000_000


def line(**changed: Any) -> CdrLine:
    """An attempt that was busy, unless changed."""
    given: dict[str, Any] = {
        "token": "t",
        "uniqueid": "1790000000.2",
        "linkedid": "1790000000.2",
        "did": CLINIC_DID,
        "caller": "8613800210001",
        "start_us": T0_US,
        "answer_us": 0,
        "end_us": T0_US + 500_000,
        "billsec": 0,
        "duration": 0,
        "disposition": "BUSY",
        "channel": "PJSIP/carrier-1",
        "dstchannel": "PJSIP/busy-2",
        "lastapp": "Dial",
        "lastdata": "",
    }
    return CdrLine(**(given | changed))


def test_every_line_has_a_trunk_that_reacts() -> None:
    """No number is left on a trunk that Asterisk does not have."""
    trunks = {
        destination.trunk
        for did in on_trunks(business()).dids.values()
        for destination in did.destinations
    }
    assert trunks == {"answers", "busy", "rings"}


def test_the_attempts_of_a_call_are_one_call() -> None:
    """The last line tells how it ended; its fee is reckoned from Asterisk's billsec."""
    answer_us, end_us = T0_US + 1_000_000, T0_US + 4_900_000
    last = line(answer_us=answer_us, end_us=end_us, billsec=3, disposition="ANSWERED")
    facts = seen_in_cdr_lines([line(), last], "13800210001")
    assert (facts.disposition, facts.billsec, facts.fee) == ("answered", 3, Decimal("0.15"))
    assert (facts.answered_ms, facts.ended_ms) == (answer_us // 1000, end_us // 1000)


def test_a_call_that_was_not_answered() -> None:
    """Refused if nothing was dialled; else the file does not say why."""
    assert seen_in_cdr_lines([line()], "").disposition is None
    assert seen_in_cdr_lines([line(dstchannel="")], "").disposition == "refused"


def test_an_answered_call_is_at_least_a_second() -> None:
    """Asterisk drops the fraction, the trade does not give calls away."""
    short = line(answer_us=T0_US, end_us=T0_US + 400_000)
    assert seen_in_cdr_lines([short], "").billsec == 1
