"""Arrears: the edges of days, months and payments."""

from datetime import date

import pytest

from callserver.domain.arrears import owed, paid_at
from callserver.domain.billing_month import BillingMonth, day_start_ms

AUGUST, SEPTEMBER, OCTOBER = (BillingMonth(2026, month) for month in (8, 9, 10))
YUAN = 1_000_000


@pytest.mark.parametrize(
    ("at_ms", "days", "may"),
    [
        (AUGUST.to_ms, 0, False),
        (day_start_ms(date(2026, 9, 30)), 29, False),
        (day_start_ms(date(2026, 10, 1)) - 1, 29, False),
        (day_start_ms(date(2026, 10, 1)), 30, True),
    ],
)
def test_days(at_ms: int, days: int, may: bool) -> None:
    """A month is due at its end in Shanghai; from the 30th whole day on it may be suspended."""
    found = owed(-5 * YUAN, {AUGUST: 5 * YUAN}, at_ms)
    assert found is not None
    assert (found.month, found.days, found.may_suspend) == (AUGUST, days, may)
    assert found.from_day == date(2026, 10, 1)


@pytest.mark.parametrize(
    ("settled", "debits", "micros", "month"),
    [
        (-3, {AUGUST: 5}, 3, AUGUST),  # paid in part
        (-7, {AUGUST: 5, SEPTEMBER: 4}, 7, AUGUST),
        (-4, {AUGUST: 5, SEPTEMBER: 4}, 4, SEPTEMBER),  # August is paid, to the yuan
        (-6, {AUGUST: 5, SEPTEMBER: 4, OCTOBER: 2}, 4, SEPTEMBER),
        (-2, {SEPTEMBER: 4, OCTOBER: 2}, None, None),  # only the running month
        (1, {SEPTEMBER: 4}, None, None),
        (-9, {SEPTEMBER: 4}, 9, SEPTEMBER),  # older than what was read
    ],
)
def test_oldest_first(
    settled: int,
    debits: dict[BillingMonth, int],
    micros: int | None,
    month: BillingMonth | None,
) -> None:
    """Payments pay the oldest month first; the running month is not owed yet."""
    found = owed(settled, debits, OCTOBER.from_ms + 1)
    assert (found and found.micros, found and found.month) == (micros, month)


def test_paid_at() -> None:
    """The payment that reaches the debt counts, never before the suspension."""
    assert paid_at(5, [(10, 3), (20, 2), (30, 9)], 1) == 20
    assert paid_at(5, [(10, 3), (20, 1)], 1) is None
    assert paid_at(5, [(10, 5)], 15) == 15
    assert paid_at(0, [], 7) == 7
