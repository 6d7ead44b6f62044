"""Bands, minutes and caps: compiled, explained and worked out by hand, always the same."""

from hypothesis import given, settings
from hypothesis import strategies as st

from callserver.domain.call_tariff import CallTariff
from callserver.domain.rating import explain
from callserver.domain.tariff import TariffVersion

from .tariff_reference import OFFICIAL, Call, banded, calls, reference

LONGEST_S = 10_800


def terms(version: TariffVersion, call: Call) -> CallTariff:
    """The call's terms, admitted half a minute before the answer."""
    at_ms = call.answered_ms - 30_000
    return CallTariff.snapshot(version, call.caller, at_ms, LONGEST_S, OFFICIAL)


@settings(max_examples=300)
@given(banded(), calls())
def test_compiled_explained_and_by_hand_are_the_same(version: TariffVersion, call: Call) -> None:
    """To the micro-yuan, the second and the minute."""
    expected = reference(version, call, OFFICIAL)
    fixed = terms(version, call)
    rated = explain(fixed, call.destination, call.answered_ms, call.billsec, call.minutes)
    table = fixed.compile(call.destination, call.answered_ms)
    assert (rated.amount_micros, rated.billed_s, rated.minutes_used) == (
        expected.fee,
        expected.billed_s,
        expected.minutes_used,
    )
    assert table.price_micros(call.billsec, call.minutes) == expected.fee
    assert table.billed_s(call.billsec) == expected.billed_s
    assert min(call.minutes, table.minutes_needed(call.billsec)) == expected.minutes_used


@given(banded(), calls(), st.lists(st.integers(0, 900), min_size=1, max_size=8))
def test_slicing_a_banded_call_never_changes_its_price(
    version: TariffVersion, call: Call, gaps_s: list[int]
) -> None:
    """Debits of *total so far minus already debited* are never negative and sum to the whole."""
    table = terms(version, call).compile(call.destination, call.answered_ms)
    debited = elapsed_s = 0
    for gap_s in gaps_s:
        elapsed_s += gap_s
        debit = table.price_micros(elapsed_s) - debited
        assert debit >= 0
        debited += debit
    assert debited == table.price_micros(sum(gaps_s))


@given(banded(), calls())
def test_what_is_charged_adds_up(version: TariffVersion, call: Call) -> None:
    """The stretches at one rate cover the billed seconds without gap, and never touch the free."""
    fixed = terms(version, call)
    rated = explain(fixed, call.destination, call.answered_ms, call.billsec, call.minutes)
    at_s = 0
    for each in rated.charged:
        assert each.from_s == at_s < each.to_s
        at_s = each.to_s
    assert at_s == rated.billed_s
    paid_s = max(0, rated.billed_s - 60 * rated.minutes_used)
    assert sum(each.paid_s for each in rated.charged) == paid_s
