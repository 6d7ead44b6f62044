"""When a month's fees are sudden."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callserver.domain.sudden_fee import sudden

YUAN = 1_000_000
CASES = [  # the month, the three before, the mean if it is sudden
    (500, (100, 100, 100), None),
    (501, (100, 100, 100), 100),
    (500.01, (100, 100, 100), 100),
    (501, (300, 0, 0), 100),
    (0, (0, 0, 0), None),
    (1, (0, 0, 0), 0),
    (501, (100, 100), None),
    (501, (), None),
]


@pytest.mark.parametrize(("fee", "before", "mean"), CASES)
def test_above_five_times_the_mean_of_three_months(
    fee: float, before: tuple[int, ...], mean: int | None
) -> None:
    """Exactly five times is not above it; a month without calls counts as zero; fewer than three
    months before tell nothing."""
    expected = None if mean is None else mean * YUAN
    assert sudden(round(fee * 100) * 10_000, [each * YUAN for each in before]) == expected


@given(st.integers(0, 10**12), st.lists(st.integers(0, 10**12), min_size=3, max_size=3))
def test_nothing_is_rounded_in_the_comparison(fee: int, before: list[int]) -> None:
    """To the micro-yuan: fee × 3 > 5 × sum."""
    assert (sudden(fee, before) is not None) == (fee * 3 > 5 * sum(before))
