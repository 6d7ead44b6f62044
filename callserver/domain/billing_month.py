"""Natural months and days in Asia/Shanghai, by which everything is billed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Self

SHANGHAI = timezone(timedelta(hours=8))  # no summer time since 1991, so no time zone data needed
FIRST_YEAR, LAST_YEAR = 2000, 2100
DAY_MS = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TEXT = re.compile(r"(\d{4})-(\d{2})", re.ASCII)


class BadMonth(ValueError):
    """The text is not a month such as `2026-11`."""


@dataclass(frozen=True, slots=True, order=True)
class BillingMonth:
    """A natural month in Asia/Shanghai. `str()` gives `2026-11`."""

    year: int
    month: int

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"

    @property
    def from_ms(self) -> int:
        """Its first millisecond, UTC."""
        return day_start_ms(date(self.year, self.month, 1))

    @property
    def to_ms(self) -> int:
        """The first millisecond after it, UTC."""
        return self.next().from_ms

    def next(self) -> Self:
        """The month after."""
        year, month = divmod(self.year * 12 + self.month, 12)
        return type(self)(year, month + 1)

    def previous(self) -> Self:
        """The month before."""
        year, month = divmod(self.year * 12 + self.month - 2, 12)
        return type(self)(year, month + 1)

    @classmethod
    def parse(cls, text: str) -> Self:
        """`2026-11`. Raises BadMonth for anything else, and for years outside 2000 … 2100."""
        found = _TEXT.fullmatch(text)
        year, month = (int(part) for part in found.groups()) if found else (0, 0)
        if not (FIRST_YEAR <= year <= LAST_YEAR and 1 <= month <= 12):
            raise BadMonth(f"{text!r} is not a month; write it like 2026-11.")
        return cls(year, month)

    @classmethod
    def of(cls, at_ms: int) -> Self:
        """The month that an instant (UTC milliseconds) lies in."""
        day = shanghai_day(at_ms)
        return cls(day.year, day.month)


def shanghai(at_ms: int) -> datetime:
    """The wall clock in Shanghai at an instant (UTC milliseconds)."""
    return (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(SHANGHAI)


def shanghai_day(at_ms: int) -> date:
    """The calendar day in Shanghai of an instant (UTC milliseconds)."""
    return shanghai(at_ms).date()


def day_start_ms(day: date) -> int:
    """The day's first millisecond in Shanghai, UTC."""
    return int(datetime(day.year, day.month, day.day, tzinfo=SHANGHAI).timestamp()) * 1000


def years_later(day: date, years: int) -> date:
    """The same day `years` later; 29 February becomes 28 February where there is none."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def last_day(starts: date, years: int) -> date:
    """The last day of a term of whole years: 3 years from 2015-02-25 end on 2018-02-24."""
    return years_later(starts, years) - timedelta(days=1)


def months_between(first: BillingMonth, last: BillingMonth) -> Iterator[BillingMonth]:
    """Every month from `first` to `last`, both included."""
    month = first
    while month <= last:
        yield month
        month = month.next()
