"""From plan, end and settlement to the CDR."""

from dataclasses import replace

import orjson
import pytest

from callserver.domain.band import Band
from callserver.domain.call import Attempt, EndSource, HungUpBy
from callserver.domain.call_tariff import CallTariff
from callserver.domain.cdr import Disposition
from callserver.domain.cdr_builder import (
    build_cdr,
    decode_outcome,
    destination,
    disposition,
    encode_outcome,
    sold_below_cost,
)
from callserver.domain.holidays import HolidayCalendar
from callserver.domain.meter import Settled
from callserver.domain.refusal import Refusal

from .samples import HANGZHOU_MOBILE, T0_US, TOKEN, end, plan, tariff

FEE = Settled(300_000, 300_000, 0, 120, True)
NOTHING = Settled(0, 0, 0, 0, True)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("ANSWER", Disposition.FAILED),  # said to be answered, but never was
        ("NOANSWER", Disposition.NO_ANSWER),
        ("BUSY", Disposition.BUSY),
        ("CONGESTION", Disposition.FAILED),
        ("CHANUNAVAIL", Disposition.FAILED),
        ("CANCEL", Disposition.CANCELLED),
        ("SOMETHING", Disposition.FAILED),
    ],
)
def test_dispositions_of_unanswered_calls(status: str, expected: Disposition) -> None:
    """By Asterisk's dial status."""
    assert disposition(plan(), end(answered_us=0, dial_status=status)) is expected


def test_an_answer_outweighs_the_dial_status() -> None:
    """A call with an instant of answer was answered, whatever else is said of it."""
    assert disposition(plan(), end(dial_status="")) is Disposition.ANSWERED
    assert disposition(plan(refusal=Refusal.FAULT), end()) is Disposition.ANSWERED


def test_the_lines_tell_of_the_minutes() -> None:
    """A call of 61 s, the first minute included."""
    built = build_cdr(plan(), end(), Settled(150_000, 150_000, 0, 120, True, minutes=1))
    assert built.included_minutes == 1
    assert "1 minute included: the first 60 s" in built.fee_lines
    assert "settled at" not in " ".join(built.fee_lines)


def test_lines_that_do_not_lead_to_the_fee_are_not_shown() -> None:
    """The settlement stands."""
    built = build_cdr(plan(), end(), Settled(150_000, 150_000, 0, 120, True))
    assert built.fee_lines == ("settled at 0.15",)


def test_cost_is_that_of_the_line_that_answered() -> None:
    """By the destination's prefix; nothing where nobody answered, unknown without a tariff."""
    band = Band(60_000, destination_prefixes=("0571",))
    version = replace(tariff(rate_micros=100_000), bands=(band,))
    cost = CallTariff.snapshot(version, HANGZHOU_MOBILE, 0, 60, HolidayCalendar())
    priced = plan(cost_tariff=cost)
    assert build_cdr(priced, end(), FEE).cost_micros == 120_000
    assert build_cdr(priced, end(line=1), FEE).cost_micros == 200_000
    assert build_cdr(priced, end(answered_us=0), NOTHING).cost_micros == 0
    assert build_cdr(plan(), end(), FEE).cost_micros is None


BELOW_COST = [  # cost a minute, minutes used, warned
    (150_000, 0, False),
    (150_001, 0, True),
    (150_000, 2, False),
    (150_001, 2, True),
]


@pytest.mark.parametrize(("rate", "minutes", "warned"), BELOW_COST)
def test_sold_below_cost(rate: int, minutes: int, warned: bool) -> None:
    """Minutes were sold with their plan: such a call is compared without them."""
    priced = plan(cost_tariff=CallTariff.flat(tariff(rate_micros=rate, precision_micros=1)))
    fee = 0 if minutes else 300_000
    settled = Settled(fee, fee, 0, 120, True, minutes=minutes)
    assert sold_below_cost(priced, end(), settled) is warned
    assert not sold_below_cost(plan(), end(), settled)


def test_a_refused_call_is_refused() -> None:
    """Whoever hung up."""
    refused = plan(refusal=Refusal.NO_CREDIT, lines=())
    assert disposition(refused, end(answered_us=0, dial_status="")) is Disposition.REFUSED


def test_without_a_dial_status_the_last_attempt_speaks() -> None:
    """And without any attempt, who hung up."""
    tried = (Attempt(1, "", "BUSY", 17, 5),)
    silent = {"answered_us": 0, "dial_status": ""}
    assert disposition(plan(), end(**silent, attempts=tried)) is Disposition.BUSY
    by_caller = end(**silent, hung_up_by=HungUpBy.CALLER)
    assert disposition(plan(), by_caller) is Disposition.CANCELLED
    assert disposition(plan(), end(**silent, hung_up_by=HungUpBy.SYSTEM)) is Disposition.FAILED


@pytest.mark.parametrize(
    ("line", "dialled", "expected"),
    [
        (1, "", "13800138000"),
        (2, "", "057188886666"),
        (0, "", ""),
        (3, "119", "119"),
        (0, "1", "1"),
    ],
)
def test_destination_is_the_line_that_was_rung(line: int, dialled: str, expected: str) -> None:
    """Of the plan where it had the line, else the digits the PBX reports."""
    assert destination(plan(), end(line=line, destination=dialled)) == expected


def test_a_cdr_of_an_answered_call() -> None:
    """Instants to the millisecond, the fee with its arithmetic, every attempt with its number."""
    tried = (Attempt(1, "", "BUSY", 17, 312), Attempt(2, "", "ANSWER", 16, 1503))
    cdr = build_cdr(plan(), end(attempts=tried), FEE)
    assert (cdr.arrived_ms, cdr.answered_ms) == (T0_US // 1000, T0_US // 1000 + 2_000)
    assert (cdr.rang_ms, cdr.ended_ms) == (T0_US // 1000 + 500, T0_US // 1000 + 63_900)
    assert (cdr.billsec, cdr.billed_s, cdr.fee_micros) == (61, 120, 300_000)
    assert cdr.fee_lines == ("61 s in steps of 60/60 s: 120 s", "120 s × 0.15 / 60 s = 0.30")
    assert [attempt.destination for attempt in cdr.attempts] == ["13800138000", "057188886666"]
    assert (cdr.destination, cdr.disposition) == ("057188886666", Disposition.ANSWERED)
    assert (cdr.tariff, cdr.tariff_version, cdr.refusal) == ("standard", 3, None)
    assert not cdr.estimated


def test_a_cdr_of_a_refused_call_costs_nothing() -> None:
    """It has no fee, no tariff where none was found, and the reason."""
    refused = plan(refusal=Refusal.UNKNOWN_DID, tariff=None, lines=(), account=None)
    ended = end(answered_us=0, rang_us=0, dial_status="", line=0)
    cdr = build_cdr(refused, ended, NOTHING)
    assert (cdr.refusal, cdr.fee_lines, cdr.tariff) == ("unknown_did", (), None)
    assert (cdr.answered_ms, cdr.rang_ms, cdr.billsec) == (0, 0, 0)


def test_what_is_written_off_is_said() -> None:
    """The fee stays the tariff's; the part beyond the hold is not charged."""
    cdr = build_cdr(plan(), end(), Settled(300_000, 150_000, 150_000, 120, True))
    assert cdr.fee_lines[-1] == "0.15 charged, 0.15 beyond the hold written off"


def test_a_settlement_that_differs_stands() -> None:
    """A sum that does not lead to the fee is not shown."""
    cdr = build_cdr(plan(), end(), Settled(450_000, 450_000, 0, 180, False))
    assert cdr.fee_lines == ("settled at 0.45",)
    assert cdr.billed_s == 180


def test_an_estimated_end_is_flagged() -> None:
    """Where nobody saw the call end."""
    assert build_cdr(plan(), end(source=EndSource.ESTIMATED), FEE).estimated


def test_an_outcome_survives_its_payload() -> None:
    """Plan and end come back; the token never goes in."""
    ended = end(attempts=(Attempt(1, "", "BUSY", 17, 312),))
    payload = encode_outcome(plan(), ended)
    assert TOKEN.encode() not in payload
    known, ended_again = decode_outcome(payload)
    assert ended_again == ended
    assert known.call_id == plan().call_id
    assert known.arrival.token == ""
    assert encode_outcome(known, ended_again) == payload


def test_a_payload_of_another_version_is_read() -> None:
    """Unknown fields are ignored, missing ones get their defaults."""
    raw = orjson.loads(encode_outcome(plan(), end(attempts=(Attempt(1, "", "BUSY", 17, 1),))))
    raw["later"] = raw["end"]["later"] = raw["end"]["attempts"][0]["later"] = True
    del raw["end"]["line"]
    _, ended = decode_outcome(orjson.dumps(raw))
    assert ended.line == 0
    assert ended.attempts == (Attempt(1, "", "BUSY", 17, 1),)


@pytest.mark.parametrize("payload", [b"", b"[]", b"{}", b'{"plan":{}}', b"\xff"])
def test_other_payloads_are_refused(payload: bytes) -> None:
    """With an error, never with a made-up call."""
    with pytest.raises((ValueError, KeyError, TypeError)):
        decode_outcome(payload)
