"""Price tables."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from callserver.domain.price_table import PriceTable, Segment, dearest
from callserver.domain.tariff import TariffVersion

from .samples import table_of, tariff, tariffs


@given(tariffs, st.lists(st.integers(0, 300), min_size=1, max_size=8))
def test_slicing_a_call_never_changes_its_price(version: TariffVersion, gaps_s: list[int]) -> None:
    """Debits of *total so far minus already debited* sum to the price of the whole call."""
    table = table_of(version)
    debited = elapsed_s = 0
    for gap_s in gaps_s:
        elapsed_s += gap_s
        debit = table.price_micros(elapsed_s) - debited
        assert debit >= 0
        debited += debit
    assert debited == table.price_micros(sum(gaps_s))


@given(tariffs, st.integers(0, 10**9), st.integers(0, 4_000))
def test_what_is_affordable_is_the_longest_that_fits(
    version: TariffVersion, budget: int, upto_s: int
) -> None:
    """The affordable seconds cost at most the budget, and one more would not fit."""
    table = table_of(version)
    seconds = table.affordable_s(budget, upto_s)
    assert table.price_micros(seconds) <= budget
    assert seconds == upto_s or table.price_micros(seconds + 1) > budget


@given(tariffs, st.integers(1, 5_000))
def test_a_whole_increment_costs_no_more_than_its_start(
    version: TariffVersion, seconds: int
) -> None:
    """Rounding up to the increment's end reaches at least the seconds, and the end is stable."""
    table = table_of(version)
    whole = table.whole_increments(seconds)
    assert whole >= seconds
    assert table.whole_increments(whole) == whole
    assume(seconds > version.free_s)
    assert table.price_micros(whole) == table.price_micros(seconds)


@given(tariffs)
def test_a_table_survives_its_compact_form(version: TariffVersion) -> None:
    """What Lua and the browser get reads back as the same table."""
    table = table_of(version)
    assert PriceTable.decode(table.encode()) == table


MINUTES = [  # tariff  billsec minutes  micros needed  why
    ({}, 59, 1, 0, 1, "a started minute is covered"),
    ({}, 61, 1, 150_000, 2, "the second minute is paid for"),
    ({}, 61, 2, 0, 2, "both are covered"),
    ({}, 61, 9, 0, 2, "more than it needs change nothing"),
    ({}, 0, 1, 0, 0, "not answered"),
    ({"free_s": 10}, 10, 0, 0, 0, "free calls need none"),
    ({"free_s": 10}, 11, 1, 0, 1, "a longer one is billed in full, and covered"),
    ({"initial_increment_s": 6, "increment_s": 6}, 61, 1, 15_000, 2, "a 6/6 call pays 6 s beyond"),
    ({"initial_increment_s": 1, "increment_s": 1}, 90, 1, 75_000, 2, "30 seconds beyond"),
    ({"initial_increment_s": 90, "increment_s": 60}, 90, 1, 75_000, 2, "a rest of an increment"),
    ({"connection_fee_micros": 20_000}, 60, 1, 0, 1, "wholly covered: no connection fee"),
    ({"connection_fee_micros": 20_000}, 61, 1, 170_000, 2, "partly covered: connection fee"),
    ({"minimum_charge_micros": 400_000}, 60, 1, 0, 1, "wholly covered: no minimum charge"),
    ({"minimum_charge_micros": 400_000}, 61, 1, 400_000, 2, "partly covered: minimum charge"),
]


@pytest.mark.parametrize(("changed", "billsec", "minutes", "micros", "needed", "why"), MINUTES)
def test_included_minutes_come_first(
    changed: dict[str, int], billsec: int, minutes: int, micros: int, needed: int, why: str
) -> None:
    """Whole minutes cover a call's first seconds; the rest is charged as if it stood alone."""
    table = table_of(tariff(**changed))
    assert (table.price_micros(billsec, minutes), table.minutes_needed(billsec)) == (
        micros,
        needed,
    ), why


@given(tariffs, st.integers(0, 4_000), st.integers(0, 70))
def test_minutes_never_make_a_call_dearer(
    version: TariffVersion, billsec: int, minutes: int
) -> None:
    """Each minute more lowers the price or leaves it; as many as needed make it 0, one less not."""
    table = table_of(version)
    assert table.price_micros(billsec, minutes + 1) <= table.price_micros(billsec, minutes)
    needed = table.minutes_needed(billsec)
    assert table.price_micros(billsec, needed) == 0
    covered_s = max(0, needed - 1) * 60
    assert needed == 0 or covered_s < table.billed_s(billsec) <= needed * 60


@given(tariffs, st.lists(st.integers(0, 300), min_size=1, max_size=8), st.integers(0, 40))
def test_slicing_a_call_with_minutes_never_changes_its_price(
    version: TariffVersion, gaps_s: list[int], left: int
) -> None:
    """However a lone call is cut, minutes and money held sum to those of the whole."""
    table = table_of(version)
    elapsed_s = held = minutes = 0
    for gap_s in gaps_s:
        elapsed_s += gap_s
        minutes = max(minutes, min(left, table.minutes_needed(elapsed_s)))
        debit = table.price_micros(elapsed_s, minutes) - held
        assert debit >= 0
        held += debit
    assert minutes == min(left, table.minutes_needed(sum(gaps_s)))
    assert held == table.price_micros(sum(gaps_s), minutes)


@given(tariffs, st.integers(0, 10**7), st.integers(0, 4_000), st.integers(0, 70))
def test_minutes_make_more_affordable(
    version: TariffVersion, budget: int, upto_s: int, minutes: int
) -> None:
    """The longest that minutes and budget reach: one second more would cost more."""
    table = table_of(version)
    seconds = table.affordable_s(budget, upto_s, minutes)
    assert table.price_micros(seconds, minutes) <= budget
    assert seconds == upto_s or table.price_micros(seconds + 1, minutes) > budget


def test_the_cap_holds_after_the_minimum() -> None:
    """A cap below the minimum charge wins."""
    table = PriceTable((Segment(0, 60, 0, 9_000_000),), 300_000, 200_000, 0, 1_000)
    assert table.price_micros(1) == 200_000
    assert PriceTable.decode(table.encode()) == table


@pytest.mark.parametrize(
    "segments",
    [
        (),
        (Segment(1, 60, 0, 1),),
        (Segment(0, 60, 0, 1), Segment(0, 6, 0, 1)),
        (Segment(0, 0, 0, 1),),
        (Segment(0, 60, 0, -1),),
        (Segment(0, 60, 0, 61),),
    ],
)
def test_segments_that_make_no_price_are_refused(segments: tuple[Segment, ...]) -> None:
    """Segments start at 0, rise, step by whole seconds of a whole price, never get cheaper."""
    with pytest.raises(ValueError, match="segments must"):
        PriceTable(segments, 0, None, 0, 1_000)


def test_a_hold_is_priced_for_the_dearest_line() -> None:
    """Which table is dearest depends on the seconds held."""
    steep = table_of(tariff(rate_micros=600_000, initial_increment_s=1, increment_s=1))
    started = table_of(tariff(connection_fee_micros=500_000))
    assert dearest([steep, started], 10) is started
    assert dearest([steep, started], 600) is steep
