"""Natural months and days in Asia/Shanghai."""

from datetime import date

import pytest

from callserver.domain.billing_month import (
    BadMonth,
    BillingMonth,
    day_start_ms,
    last_day,
    months_between,
    shanghai_day,
    years_later,
)

NOVEMBER = BillingMonth(2026, 11)
EDGE_MS = 1_796_054_400_000  # 2026-12-01T00:00:00+08:00


def test_a_month_begins_and_ends_at_midnight_in_shanghai() -> None:
    """The edge is the next month's first millisecond."""
    assert NOVEMBER.to_ms == EDGE_MS
    assert BillingMonth.of(EDGE_MS - 1) == NOVEMBER
    assert BillingMonth.of(EDGE_MS) == BillingMonth(2026, 12)


def test_months_follow_each_other_over_the_year() -> None:
    """next and previous undo each other, also in December and January."""
    assert BillingMonth(2026, 12).next() == BillingMonth(2027, 1)
    assert BillingMonth(2027, 1).previous() == BillingMonth(2026, 12)
    assert list(map(str, months_between(BillingMonth(2026, 12), BillingMonth(2027, 2)))) == [
        "2026-12",
        "2027-01",
        "2027-02",
    ]


@pytest.mark.parametrize("text", ["2026-13", "2026-00", "26-11", "2026-11-01", "1999-12", ""])
def test_what_is_no_month_is_refused_with_how_to_write_it(text: str) -> None:
    """Only YYYY-MM is read."""
    with pytest.raises(BadMonth, match="2026-11"):
        BillingMonth.parse(text)


def test_a_month_is_read_as_it_is_written() -> None:
    """parse and str are inverse."""
    assert str(BillingMonth.parse("2026-11")) == "2026-11"


def test_a_term_of_years_ends_the_day_before_its_anniversary() -> None:
    """3 years from 2015-02-25 end on 2018-02-24; a leap day's anniversary is 28 February."""
    assert last_day(date(2015, 2, 25), 3) == date(2018, 2, 24)
    assert years_later(date(2024, 2, 29), 1) == date(2025, 2, 28)


def test_a_day_begins_at_midnight_in_shanghai() -> None:
    """The millisecond before is still the day before."""
    start_ms = day_start_ms(date(2026, 12, 1))
    assert start_ms == EDGE_MS
    assert shanghai_day(start_ms - 1) == date(2026, 11, 30)
