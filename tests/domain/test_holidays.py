"""Kinds of day: official, make-up, overridden, and years nobody has announced."""

from datetime import date

import pytest

from callserver.domain.holidays import DayKind, Holiday, HolidayCalendar, by_weekday
from callserver.start_files import load_calendar

OFFICIAL = load_calendar()
WORKDAY, WEEKEND, HOLIDAY = DayKind

DAYS = [  # day, kind, why
    ("2026-10-01", HOLIDAY, "National Day, a Thursday"),
    ("2026-10-03", HOLIDAY, "a Saturday of the holiday is a holiday, not a weekend"),
    ("2026-10-07", HOLIDAY, "its last day"),
    ("2026-10-08", WORKDAY, "the day after"),
    ("2026-10-10", WORKDAY, "a Saturday worked for it"),
    ("2026-10-11", WEEKEND, "the Sunday after it is free again"),
    ("2026-09-20", WORKDAY, "a Sunday worked before it"),
    ("2026-02-14", WORKDAY, "a Saturday worked before Spring Festival"),
    ("2026-02-15", HOLIDAY, "Spring Festival's first free day"),
    ("2026-11-21", WEEKEND, "a Saturday"),
    ("2026-11-23", WORKDAY, "a Monday"),
    ("2024-02-29", WORKDAY, "a leap day"),
    ("2027-01-01", WORKDAY, "not announced: a Friday, whatever everybody knows"),
    ("2027-02-06", WEEKEND, "not announced: a Saturday"),
    ("2003-10-01", WORKDAY, "before the calendar begins"),
]


@pytest.mark.parametrize(("day", "kind", "why"), DAYS)
def test_the_official_calendar(day: str, kind: DayKind, why: str) -> None:
    """Holidays and make-up workdays from 2004 to 2026, weekdays beyond."""
    found = date.fromisoformat(day)
    assert OFFICIAL.kind(found) is kind, why
    assert OFFICIAL.is_known(found) is (2004 <= found.year <= 2026)


def test_the_operators_word_goes_first() -> None:
    """A holiday or a workday of theirs, over what is official and over what is unknown."""
    spring = Holiday(date(2027, 2, 6), HOLIDAY, "春节")
    worked = Holiday(date(2026, 10, 1), WORKDAY)
    own = OFFICIAL.overridden({each.day: each for each in (spring, worked)})
    assert own.kind(spring.day) is HOLIDAY
    assert own.is_known(spring.day)
    assert not own.is_known(date(2027, 2, 7))
    assert own.kind(worked.day) is WORKDAY
    assert own.kind(date(2026, 10, 2)) is HOLIDAY


def test_without_a_calendar_weekdays_decide() -> None:
    """An empty one knows no year."""
    week = [date(2026, 10, day) for day in range(5, 12)]
    assert [by_weekday(day) for day in week] == [WORKDAY] * 5 + [WEEKEND] * 2
    assert [HolidayCalendar().kind(day) for day in week] == [WORKDAY] * 5 + [WEEKEND] * 2
    assert not HolidayCalendar().is_known(week[0])
