"""Price tables."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from callserver.domain.price_table import PriceTable, Segment, dearest
from callserver.domain.tariff import TariffVersion

from .samples import tariff, tariffs


@given(tariffs, st.lists(st.integers(0, 300), min_size=1, max_size=8))
def test_slicing_a_call_never_changes_its_price(version: TariffVersion, gaps_s: list[int]) -> None:
    """Debits of *total so far minus already debited* sum to the price of the whole call."""
    table = version.compile()
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
    table = version.compile()
    seconds = table.affordable_s(budget, upto_s)
    assert table.price_micros(seconds) <= budget
    assert seconds == upto_s or table.price_micros(seconds + 1) > budget


@given(tariffs, st.integers(1, 5_000))
def test_a_whole_increment_costs_no_more_than_its_start(
    version: TariffVersion, seconds: int
) -> None:
    """Rounding up to the increment's end reaches at least the seconds, and the end is stable."""
    table = version.compile()
    whole = table.whole_increments(seconds)
    assert whole >= seconds
    assert table.whole_increments(whole) == whole
    assume(seconds > version.free_s)
    assert table.price_micros(whole) == table.price_micros(seconds)


@given(tariffs)
def test_a_table_survives_its_compact_form(version: TariffVersion) -> None:
    """What Lua and the browser get reads back as the same table."""
    table = version.compile()
    assert PriceTable.decode(table.encode()) == table


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
    ],
)
def test_segments_that_make_no_price_are_refused(segments: tuple[Segment, ...]) -> None:
    """Segments start at 0, rise, step by a second or more and never get cheaper."""
    with pytest.raises(ValueError, match="segments must"):
        PriceTable(segments, 0, None, 0, 1_000)


def test_a_hold_is_priced_for_the_dearest_line() -> None:
    """Which table is dearest depends on the seconds held."""
    steep = tariff(rate_micros=600_000, initial_increment_s=1, increment_s=1).compile()
    started = tariff(connection_fee_micros=500_000).compile()
    assert dearest([steep, started], 10) is started
    assert dearest([steep, started], 600) is steep
