"""Plans and ends, and what becomes of them as JSON."""

from dataclasses import replace

import orjson
import pytest

from callserver.domain.band import Band
from callserver.domain.call import CallEnd, EndSource, HungUpBy, Plan
from callserver.domain.call_tariff import CallTariff
from callserver.domain.holidays import HolidayCalendar
from callserver.domain.refusal import Refusal

from .samples import HANGZHOU_MOBILE, T0_US, TOKEN, WITHHELD, end, plan, tariff


def test_a_plan_survives_its_json() -> None:
    """All but the token, which its key carries, comes back."""
    assert Plan.decode(plan().encode(), TOKEN) == plan()


def test_a_plan_with_bands_and_cost_survives_its_json() -> None:
    """All that the price may depend on is in it."""
    band = Band(300_000, 0, 3_600, ("holiday",), caller_prefixes=("138",), name="night")
    version = replace(tariff(), bands=(band,), cap_micros=9_000_000)
    at_ms = T0_US // 1000
    terms = CallTariff.snapshot(version, HANGZHOU_MOBILE, at_ms, 60, HolidayCalendar(), 10_000)
    assert terms.bands
    planned = plan(tariff=terms, cost_tariff=CallTariff.flat(tariff()))
    assert Plan.decode(planned.encode(), TOKEN) == planned


def test_what_a_tariff_does_not_have_takes_no_room() -> None:
    """There are ten thousand live calls in Redis."""
    text = plan().encode()
    assert not [word for word in (b"bands", b"cap", b"day", b"cost") if word in text]


def test_a_plan_of_the_version_before_is_read() -> None:
    """It has the whole tariff version, by other names of the increments, and no cost."""
    raw = orjson.loads(plan().encode())
    terms = raw["tariff"]
    terms["increment_first_s"] = terms.pop("initial_increment_s") + 1
    terms["increment_next_s"] = terms.pop("increment_s") + 2
    terms["effective_from_ms"] = 7
    read = Plan.decode(orjson.dumps(raw), TOKEN).tariff
    assert read is not None
    assert (read.initial_increment_s, read.increment_s, read.bands) == (61, 62, ())


def test_a_refused_plan_survives_its_json() -> None:
    """With nothing known but the arrival."""
    refused = plan(
        caller=WITHHELD,
        account=None,
        customer=None,
        provider=None,
        tariff=None,
        lines=(),
        refusal=Refusal.UNKNOWN_DID,
    )
    assert Plan.decode(refused.encode().decode(), TOKEN) == refused


def test_the_token_is_not_in_the_json() -> None:
    """Nor comes it back unless the reader has it."""
    assert TOKEN.encode() not in plan().encode()
    assert Plan.decode(plan().encode()).arrival.token == ""


def test_a_token_of_another_form_is_left_out_too() -> None:
    """Whatever it looks like in JSON."""
    odd = plan(arrival=replace(plan().arrival, token='to"ken'))
    assert b"ken" not in odd.encode().replace(b"token", b"")
    assert odd.encode() == plan().encode()


def test_a_plan_of_another_version_is_read() -> None:
    """Unknown fields are ignored at every level, missing ones get their defaults."""
    raw = orjson.loads(plan().encode())
    for part in (raw, raw["arrival"], raw["caller"]["region"], raw["tariff"], raw["lines"][0]):
        part["later"] = 1
    for old in ("billing", "did_calls_max", "refusal", "provider"):
        del raw[old]
    assert Plan.decode(orjson.dumps(raw), TOKEN) == plan(did_calls_max=0, provider=None)


def test_a_plan_without_its_arrival_is_no_plan() -> None:
    """What has always been there must be there."""
    raw = orjson.loads(plan().encode())
    del raw["arrival"]
    with pytest.raises(KeyError):
        Plan.decode(orjson.dumps(raw))


@pytest.mark.parametrize(
    ("answered_s", "billsec"),
    [(0.000_001, 1), (0.4, 1), (0.999_999, 1), (1, 1), (1.999_999, 1), (2, 2), (59.999_999, 59)],
)
def test_billsec_drops_the_fraction(answered_s: float, billsec: int) -> None:
    """As Asterisk does, but an answered call is at least one second."""
    length_us = round(answered_s * 1_000_000)
    assert end(answered_us=T0_US, ended_us=T0_US + length_us).billsec == billsec


def test_an_unanswered_call_has_no_billsec() -> None:
    """However long it rang."""
    assert end(answered_us=0).billsec == 0


def test_a_clock_that_ran_backwards_bills_one_second() -> None:
    """Never a negative time."""
    assert end(answered_us=T0_US, ended_us=T0_US - 5_000_000).billsec == 1


def test_an_end_needs_only_what_it_always_had() -> None:
    """An older end has no attempts."""
    old = {
        "ended_us": 2,
        "answered_us": 1,
        "rang_us": 0,
        "dial_status": "ANSWER",
        "hangup_cause": 16,
        "hung_up_by": "caller",
        "source": "report",
    }
    assert CallEnd.from_json(old) == CallEnd(
        2, 1, 0, "ANSWER", 16, HungUpBy.CALLER, EndSource.REPORT
    )
