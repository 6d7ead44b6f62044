"""What a month comes to: usage of numbers, their minimums and shortfalls, and its close."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from callserver.domain.billing_month import BillingMonth
from callserver.domain.declined import Declined, Reason
from callserver.domain.minimum import Service, Standing, shortfall_micros, standing


@dataclass(frozen=True, slots=True)
class Usage:
    """Calls that ended in a month. Talk and billed time in seconds, money in micro-yuan.

    `charged_micros` is the money debited for the calls, re-rating included; `minutes` the included
    minutes they used.
    """

    calls: int = 0
    answered: int = 0
    talk_s: int = 0
    billed_s: int = 0
    fee_micros: int = 0
    charged_micros: int = 0
    minutes: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(*(a + b for a, b in zip(self.figures, other.figures, strict=True)))

    def __sub__(self, other: "Usage") -> "Usage":
        return Usage(*(a - b for a, b in zip(self.figures, other.figures, strict=True)))

    @property
    def figures(self) -> tuple[int, ...]:
        """All of them, in the order of the fields."""
        return (
            self.calls,
            self.answered,
            self.talk_s,
            self.billed_s,
            self.fee_micros,
            self.charged_micros,
            self.minutes,
        )


def total(usages: Iterable[Usage]) -> Usage:
    """Their sum."""
    return Usage(*map(sum, zip(Usage().figures, *(usage.figures for usage in usages), strict=True)))


Key = tuple[str, str]
"""A number and its customer."""


@dataclass(frozen=True, slots=True)
class MonthLine:
    """What one number of one customer came to in a month. Amounts in micro-yuan."""

    did: str
    customer: str
    provider: str
    usage: Usage
    minimum_micros: int
    standing: Standing
    shortfall_micros: int

    @property
    def key(self) -> Key:
        """What it is of."""
        return self.did, self.customer


def line(
    month: BillingMonth,
    key: Key,
    provider: str,
    usage: Usage,
    services: Sequence[Service],
    minimum_micros: int,
) -> MonthLine:
    """The line of a number and customer. `services` are the number's, its customer's among them."""
    mine = [standing(service, month) for service in services if service.customer == key[1]]
    best = Standing.NOT_IN_SERVICE
    for found in mine:  # due if any stretch of service is; else why the last one in it is not
        if best is not Standing.DUE and found is not Standing.NOT_IN_SERVICE:
            best = found
    if minimum_micros == 0:
        best = Standing.NO_MINIMUM
    owed = shortfall_micros(minimum_micros, usage.charged_micros) if best is Standing.DUE else 0
    return MonthLine(key[0], key[1], provider, usage, minimum_micros, best, owed)


class Phase(StrEnum):
    """How far the close of a month has come, in order."""

    CORRECTING = "correcting"
    """What came late for months closed before."""
    NUMBERS = "numbers"
    OTHERS = "others"
    """Numbers that are gone, but had calls."""
    BILLS = "bills"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class MonthClose:
    """A month that is closed or being closed; `cursor` is the last thing done in its phase."""

    month: BillingMonth
    phase: Phase
    cursor: str
    actor: str
    started_ms: int
    closed_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Correction:
    """What came for a number and customer after its month was closed: differences.

    `number` counts them from 1; `posted_in` is the month whose bill shows it.
    """

    month: BillingMonth
    did: str
    customer: str
    provider: str
    number: int
    posted_in: BillingMonth
    usage: Usage
    shortfall_micros: int

    @property
    def key(self) -> Key:
        """What it is of."""
        return self.did, self.customer


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A customer's or provider's part of a month."""

    customer: str | None
    provider: str
    numbers: int
    usage: Usage
    shortfalls: int
    shortfall_micros: int


@dataclass(frozen=True, slots=True)
class MonthReport:
    """A month by customer; `close` None: it was only tried. `corrected_micros` is what late calls
    changed of earlier months' shortfalls, as far as this close found it."""

    month: BillingMonth
    close: MonthClose | None
    rows: tuple[ReportRow, ...]
    corrections: int = 0
    corrected_micros: int = 0

    def by_provider(self) -> tuple[ReportRow, ...]:
        """The same summed for each provider."""
        kept: dict[str, list[ReportRow]] = {}
        for row in self.rows:
            kept.setdefault(row.provider, []).append(row)
        return tuple(_summed(None, provider, kept[provider]) for provider in sorted(kept))

    @property
    def total(self) -> ReportRow:
        """Everything."""
        return _summed(None, "", self.rows)


def _summed(customer: str | None, provider: str, rows: Sequence[ReportRow]) -> ReportRow:
    return ReportRow(
        customer,
        provider,
        sum(row.numbers for row in rows),
        total(row.usage for row in rows),
        sum(row.shortfalls for row in rows),
        sum(row.shortfall_micros for row in rows),
    )


class ReportSums:
    """Sums lines as they come, one row a customer."""

    def __init__(self) -> None:
        self._rows: dict[Key, ReportRow] = {}

    def add(self, lines: Iterable[MonthLine]) -> None:
        """Take more lines in."""
        for each in lines:
            key = (each.provider, each.customer)
            one = ReportRow(
                each.customer,
                each.provider,
                1,
                each.usage,
                int(each.shortfall_micros > 0),
                each.shortfall_micros,
            )
            before = self._rows.get(key)
            summed = _summed(each.customer, each.provider, (before, one)) if before else one
            self._rows[key] = summed

    def rows(self) -> tuple[ReportRow, ...]:
        """By provider and customer."""
        return tuple(self._rows[key] for key in sorted(self._rows))


def closable(
    month: BillingMonth, now_ms: int, last_begun: MonthClose | None, first: BillingMonth | None
) -> None:
    """Raise Declined unless `month` may be closed now: it is over, and next in order.

    `last_begun` is the latest month that is closed or being closed. Where none is, `first` is to be
    closed first: that of the first call or minimum, None where there is neither.
    """
    if now_ms < month.to_ms:
        raise Declined(
            Reason.MONTH_NOT_OVER,
            f"{month} is not over: it ends at midnight before {month.next()}-01 in Shanghai.",
        )
    if last_begun is None:
        if first is not None and first < month:
            raise Declined(
                Reason.MONTH_OUT_OF_ORDER,
                f"There are calls or minimums of {first}:"
                " months are closed in order, close it first.",
            )
        return
    if last_begun.month == month:
        return
    due = last_begun.month.next() if last_begun.phase is Phase.CLOSED else last_begun.month
    if month < due:
        raise Declined(
            Reason.MONTH_OUT_OF_ORDER,
            f"{month} lies before months that are closed; the next is {due}.",
        )
    if month != due:
        raise Declined(Reason.MONTH_OUT_OF_ORDER, f"Months are closed in order: close {due} first.")


def differences(now: Mapping[Key, Usage], known: Mapping[Key, Usage]) -> list[Key]:
    """Numbers and customers whose usage is no longer what was known of it, in order."""
    nothing = Usage()
    return sorted(
        key for key in now.keys() | known.keys() if now.get(key, nothing) != known.get(key, nothing)
    )
