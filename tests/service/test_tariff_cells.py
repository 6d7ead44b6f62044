"""Cells of tariffs: what they become, and the reason where they can't."""

from datetime import UTC, date, datetime, time

import pytest

from callserver.service import tariff_cells as cells
from callserver.service.import_cells import Raw

GOOD = [
    (cells.money(0, 10**9), "1e-3", 1_000),
    (cells.money(0, 10**9), "0_999.5", 999_500_000),
    (cells.money(0, 10**9), "+0.5", 500_000),
    (cells.money(0, 10**9), 3, 3_000_000),
    (cells.precision(), "0.010", 10_000),
    (cells.precision(), "1e-2", 10_000),
    (cells.steps(60), "6/1", (6, 1)),
    (cells.moment(), date(2026, 1, 1), 1_767_196_800_000),
    (cells.moment(), "2026-01-01", 1_767_196_800_000),
    (cells.moment(), datetime(2026, 1, 1), 1_767_196_800_000),  # noqa: DTZ001  # Shanghai's
    (cells.moment(), datetime(2025, 12, 31, 16, tzinfo=UTC), 1_767_196_800_000),
    (cells.day(), date(2026, 1, 1), date(2026, 1, 1)),
    (cells.day(), "2026-01-01", date(2026, 1, 1)),
    (cells.time_of_day(end=False), "08:30", 30_600),
    (cells.time_of_day(end=False), time(8, 30, 1), 30_601),
    (cells.time_of_day(end=True), "24:00", 86_400),
    (cells.words({"a": "A", "b": "B"}, "it"), ["b", "a", "b"], ("B", "A")),
    (cells.words({"a": "A", "b": "B"}, "it"), " a,b ;a ", ("A", "B")),
    (cells.digits("[0-9]+", "digits"), "1|22", ("1", "22")),
]
BAD = [
    (cells.money(0, 10**9), "1e", "not an amount"),
    (cells.money(0, 10**9), "1e-7", "at most 6 decimals"),
    (cells.money(0, 10**9), "1e999999999", "not an amount"),
    (cells.money(0, 10**9), "nan", "not an amount"),
    (cells.precision(), "1", "1 is not 0.001 or 0.01"),
    (cells.precision(), ["0.01"], "is not 0.001 or 0.01"),
    (cells.steps(60), "61/1", "each 1 to 60"),
    (cells.steps(60), 60, "in quotes"),
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
