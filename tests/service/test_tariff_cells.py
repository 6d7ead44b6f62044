"""Cells of tariffs: what they become, and the reason where they can't."""

from datetime import UTC, date, datetime, time

import pytest

from callserver.service import tariff_cells as cells
from callserver.service.import_cells import Number, Raw

GOOD = [
    (cells.money(), Number("1e-3"), 1_000),
    (cells.money(), Number("0_999.5"), 999_500_000),
    (cells.money(), Number("+0.5"), 500_000),
    (cells.money(), 3, 3_000_000),
    (cells.money(), "1000.000000", 1_000_000_000),
    (cells.money(), Number("1.10000000"), 1_100_000),
    (cells.whole(0), "0", 0),
    (cells.whole(1), "3600", 3600),
    (cells.whole(1), Number("6e1"), 60),
    (cells.precision(), "0.010", 10_000),
    (cells.precision(), Number("1e-2"), 10_000),
    (cells.steps(), "6/1", (6, 1)),
    (cells.moment(), date(2026, 1, 1), 1_767_196_800_000),
    (cells.moment(), "2026-01-01", 1_767_196_800_000),
    (cells.moment(), "2025-12-31t16:00:00z", 1_767_196_800_000),
    (cells.moment(), datetime(2026, 1, 1), 1_767_196_800_000),  # noqa: DTZ001  # Shanghai's
    (cells.moment(), datetime(2025, 12, 31, 16, tzinfo=UTC), 1_767_196_800_000),
    (cells.day(), date(2026, 1, 1), date(2026, 1, 1)),
    (cells.day(), "2026-01-01", date(2026, 1, 1)),
    (cells.time_of_day(end=False), "08:30", 30_600),
    (cells.time_of_day(end=False), time(8, 30, 1), 30_601),
    (cells.time_of_day(end=True), "24:00", 86_400),
    (cells.words({"a": "A", "b": "B"}, "it"), ["b", "a", "b"], ("B", "A")),
    (cells.words({"a": "A", "b": "B"}, "it"), " a,b ;a ", ("A", "B")),
    (cells.words({"甲": "A", "乙": "B"}, "it"), "甲，乙、甲；乙", ("A", "B")),
    (cells.digits("[0-9]+", "digits"), "1|22", ("1", "22")),
]
BAD = [
    (cells.money(), Number("1e"), "not an amount"),
    (cells.money(), Number("1e-7"), "at most 6 decimals"),
    (cells.money(), Number("1e999999999"), "not an amount"),
    (cells.money(), Number("nan"), "not an amount"),
    (cells.money(), "1e-3", "not an amount"),
    (cells.money(), "+1", "not an amount"),
    (cells.money(), "1000.000001", "not between"),
    (cells.whole(1), "0", "not between 1 and 3600"),
    (cells.whole(0), "-0", "not a whole number"),
    (cells.whole(0), Number("0.5"), "not a whole number"),
    (cells.precision(), "1e-2", "is not 0.001 or 0.01"),
    (cells.moment(), "20260101", "not a time"),
    (cells.moment(), "2026-01-01T00:00:00+0800", "not a time"),
    (cells.day(), "2026-W01-1", "not a day"),
    (cells.precision(), "1", "1 is not 0.001 or 0.01"),
    (cells.precision(), ["0.01"], "is not 0.001 or 0.01"),
    (cells.steps(), "3601/1", "each 1 to 3600"),
    (cells.steps(), 60, "in quotes"),
    (cells.moment(), 5, "not a time"),
    (cells.day(), "2026-02-30", "not a day"),
    (cells.time_of_day(end=False), time(8, 30, 1, 5), "not a time of day"),
    (cells.time_of_day(end=True), "24:01", "not a time of day"),
    (cells.time_of_day(end=True), 8, "not a time of day"),
    (cells.words({"a": "A"}, "a letter"), "b", "'b' is not a letter; known are A"),
    (cells.words({"a": "A"}, "a letter"), ";", "leave the key out"),
    (cells.words({"a": "A"}, "a letter"), 5, "not a list of texts"),
    (cells.digits("[0-9]+", "digits"), ["1"] * 501, "give 1 to 500"),
]


@pytest.mark.parametrize(("check", "raw", "value"), GOOD)
def test_good_cells(check: cells.Checked, raw: Raw, value: object) -> None:
    """What they become."""
    assert check(raw) == value


@pytest.mark.parametrize(("check", "raw", "reason"), BAD)
def test_bad_cells(check: cells.Checked, raw: Raw, reason: str) -> None:
    """The reason is for people."""
    with pytest.raises(ValueError, match=reason):
        check(raw)
