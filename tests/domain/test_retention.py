"""Until when callers are kept, and what their calls add up to."""

from datetime import date, datetime

import pytest

from callserver.domain.billing_month import BillingMonth
from callserver.domain.retention import CallerData, CallerDay, by_day, kept_from_ms


@pytest.mark.parametrize(
    ("now", "months", "kept_from"),
    [
        ("2026-11-01T00:00:00+08:00", 6, "2026-05"),
        ("2026-11-30T23:59:59+08:00", 6, "2026-05"),
        ("2026-10-31T23:59:59+08:00", 6, "2026-04"),
        ("2026-03-31T23:59:59+08:00", 6, "2025-09"),
        ("2026-11-15T00:00:00+08:00", 0, "2026-11"),
    ],
)
def test_full_months_are_kept(now: str, months: int, kept_from: str) -> None:
    """Beside the running month, whole Shanghai months."""
    now_ms = int(datetime.fromisoformat(now).timestamp() * 1000)
    assert kept_from_ms(now_ms, months) == BillingMonth.parse(kept_from).from_ms


def call(ended: str, province: str, fee: int) -> CallerData:
    at_ms = int(datetime.fromisoformat(ended).timestamp() * 1000)
    return CallerData(at_ms, "x", "4001234567", "acme", province, "", fee > 0, 1, 60, fee, fee)


def test_calls_add_up_by_day_and_area() -> None:
    """The day is Shanghai's."""
    calls = [
        call("2026-03-01T00:00:00+08:00", "浙江", 5),
        call("2026-03-01T23:59:59+08:00", "浙江", 7),
        call("2026-03-01T23:59:59+08:00", "", 0),
        call("2026-03-02T00:00:00+08:00", "浙江", 1),
    ]
    key = ("4001234567", "acme")
    assert by_day(calls) == [
        CallerDay(date(2026, 3, 1), *key, "浙江", "", 2, 2, 2, 120, 12, 12),
        CallerDay(date(2026, 3, 1), *key, "", "", 1, 0, 1, 60, 0, 0),
        CallerDay(date(2026, 3, 2), *key, "浙江", "", 1, 1, 1, 60, 1, 1),
    ]
    assert by_day([]) == []
