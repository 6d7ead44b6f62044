"""The day's calls."""

from importlib.resources import files

import pytest

from callserver.demo import business
from callserver.demo.day import plan_day
from callserver.demo.pbx.script import Reaction
from callserver.domain.caller import normalise
from callserver.domain.number import is_did
from callserver.domain.region import RegionTable


def test_a_seed_gives_the_same_day_again() -> None:
    """And another seed another day."""
    assert plan_day(7, 30, 4) == plan_day(7, 30, 4)
    assert plan_day(7, 30, 4) != plan_day(8, 30, 4)


@pytest.mark.parametrize("seed", range(5))
def test_every_kind_of_call_comes(seed: int) -> None:
    """Answered, overflowing, refused for every reason, given up: none is left to chance."""
    kinds = {planned.kind for planned in plan_day(seed, 12, 4)}
    assert len(kinds) == 12
    assert {"answered", "overflow", "no_credit", "runs_out", "unknown"} <= kinds


@pytest.mark.parametrize(("calls", "rate"), [(0, 4.0), (1, 4.0), (20, 4.0), (200, 40.0)])
def test_as_many_as_asked_at_the_rate_asked(calls: int, rate: float) -> None:
    """The last call comes about calls / rate seconds after the first."""
    day = plan_day(3, calls, rate)
    assert len(day) == calls
    assert all(0 <= planned.at_s < (calls + 1) / rate for planned in day)


def test_callers_are_what_the_server_must_make_of_them() -> None:
    """Every number as presented has the canonical form that the day expects, with a region."""
    regions = RegionTable.from_phone_dat((files("phone") / "phone.dat").read_bytes())
    for planned in plan_day(11, 300, 100):
        caller = normalise(planned.script.caller, None, regions)
        assert caller.number == planned.caller
        assert caller.region or not planned.caller


def test_talks_end_far_from_a_whole_second() -> None:
    """Two clocks on one machine may differ by a little, and a second more would cost."""
    for planned in plan_day(5, 300, 100):
        assert is_did(planned.script.did)
        if planned.script.lines[-1].reaction is Reaction.ANSWERS:
            assert 0.2 < planned.script.talk_s % 1 < 0.8


def test_the_florist_cannot_pay_for_a_minute_and_the_taxi_for_little_more_than_three_seconds() -> (
    None
):
    """The balances that make the refusal and the run-out."""
    rates = {name: version.rate_micros for name, (version,) in business.business().tariffs.items()}
    assert business.TOP_UPS_MICROS["florist"] < rates["minute"]
    assert business.TOP_UPS_MICROS["taxi"] * 60 // rates["fast"] == 3


def test_the_business_holds_together() -> None:
    """Every number has its customer, every customer a provider, a tariff and an account."""
    book = business.business()
    for did in book.dids.values():
        assert business.DID_CUSTOMER[did.number] == did.customer
        assert {line.trunk for line in did.destinations} == {business.TRUNK}
    for customer in book.customers.values():
        assert customer.provider in book.providers
        assert business.CUSTOMER_TARIFF[customer.id] == customer.tariff
    assert business.UNKNOWN_DID not in book.dids
