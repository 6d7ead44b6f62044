"""How often something is paid, and the days on which its periods begin."""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum


class Cycle(StrEnum):
    """How often a fee is due."""

    ONCE = "once"
    MONTH = "month"
    YEAR = "year"

    @property
    def months(self) -> int:
        """Months from one period to the next; 0: there is no next."""
        match self:
            case Cycle.ONCE:
                return 0
            case Cycle.MONTH:
                return 1
            case Cycle.YEAR:
                return 12


@dataclass(frozen=True, slots=True)
class Period:
    """Days in Shanghai, both in it; `last_day` None: it never ends."""

    number: int
    first_day: date
    last_day: date | None


def months_later(day: date, months: int) -> date:
    """The same day of the month `months` (≥ 0) later; the month's last day where it has none.

    January 31 → February 28 (or 29) → March 31: always counted from the first day.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def period(cycle: Cycle, number: int, anchor_day: date, anchor_number: int = 1) -> Period:
    """The period of this number, where period `anchor_number` begins on `anchor_day`.

    Whatever is paid once has only period 1, which never ends.
    """
    if not cycle.months:
        return Period(number, anchor_day, None)
    past = number - anchor_number
    first = months_later(anchor_day, past * cycle.months)
    following = months_later(anchor_day, (past + 1) * cycle.months)
    return Period(number, first, following - timedelta(days=1))
