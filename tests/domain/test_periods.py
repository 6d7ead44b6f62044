"""Periods: the same day of the month, or the month's last, counted from the first day."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callserver.domain.periods import Cycle, months_later, period

LATER = [  # day, months, the same day later
    (date(2026, 1, 31), 1, date(2026, 2, 28)),
    (date(2028, 1, 31), 1, date(2028, 2, 29)),
    (date(2026, 1, 31), 2, date(2026, 3, 31)),
    (date(2026, 1, 31), 3, date(2026, 4, 30)),
    (date(2026, 11, 30), 3, date(2027, 2, 28)),
    (date(2026, 12, 15), 1, date(2027, 1, 15)),
    (date(2028, 2, 29), 12, date(2029, 2, 28)),
    (date(2028, 2, 29), 48, date(2032, 2, 29)),
    (date(2026, 5, 5), 0, date(2026, 5, 5)),
]
DAYS = st.dates(date(2001, 1, 1), date(2060, 12, 31))


@pytest.mark.parametrize(("day", "months", "later"), LATER)
def test_months_later(day: date, months: int, later: date) -> None:
    """Short months end early, and the next long one is whole again."""
    assert months_later(day, months) == later


@given(DAYS, st.sampled_from([Cycle.MONTH, Cycle.YEAR]), st.integers(1, 60), st.integers(1, 9))
def test_periods_follow_each_other(day: date, cycle: Cycle, number: int, anchor: int) -> None:
    """Without a gap and without a day in two of them."""
    this = period(cycle, anchor + number, day, anchor)
    following = period(cycle, anchor + number + 1, day, anchor)
    assert this.last_day is not None
    assert this.last_day + timedelta(days=1) == following.first_day
    assert this.first_day <= this.last_day


def test_once_is_for_ever() -> None:
    """One period without an end."""
    only = period(Cycle.ONCE, 1, date(2026, 1, 31))
    assert (only.first_day, only.last_day) == (date(2026, 1, 31), None)


def test_a_new_anchor_begins_anew() -> None:
    """Period 3 begins on the day it is anchored to."""
    third = period(Cycle.MONTH, 3, date(2026, 3, 10), anchor_number=3)
    assert (third.first_day, third.last_day) == (date(2026, 3, 10), date(2026, 4, 9))
