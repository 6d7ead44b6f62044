"""What kind of day a day is in China: workday, weekend or holiday, make-up workdays included."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Self

_SATURDAY = 5


class DayKind(StrEnum):
    """Every day is exactly one of these. A make-up workday (调休) is a workday."""

    WORKDAY = "workday"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"


@dataclass(frozen=True, slots=True)
class Holiday:
    """What the operator says of a day, over the official calendar: a holiday or a workday."""

    day: date
    kind: DayKind
    name: str = ""


def by_weekday(day: date) -> DayKind:
    """Saturday and Sunday are the weekend: all that is known of a year not announced yet."""
    return DayKind.WEEKEND if day.weekday() >= _SATURDAY else DayKind.WORKDAY


@dataclass(frozen=True, slots=True)
class HolidayCalendar:
    """Official days of the years that are known, and the operator's own over them.

    `official` holds only the days that are not what their weekday says: holidays, and workdays on
    a weekend. In years outside `years` a day is what its weekday says, unless overridden.
    """

    official: Mapping[date, DayKind] = field(default_factory=dict)
    years: frozenset[int] = frozenset()
    overrides: Mapping[date, Holiday] = field(default_factory=dict)

    def kind(self, day: date) -> DayKind:
        """What kind of day it is: the operator's word, else the official one, else the weekday."""
        if (own := self.overrides.get(day)) is not None:
            return own.kind
        return self.official.get(day) or by_weekday(day)

    def is_known(self, day: date) -> bool:
        """False where only the weekday speaks: the year's calendar is not known yet."""
        return day in self.overrides or day.year in self.years

    def overridden(self, holidays: Mapping[date, Holiday]) -> Self:
        """This calendar with the operator's days (a catalogue's) over it."""
        return replace(self, overrides=holidays)
