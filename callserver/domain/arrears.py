"""What a customer owes from closed months, and when its numbers may be suspended for it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from callserver.domain.billing_month import BillingMonth, shanghai_day

ARREARS_DAYS = 30
RESTORE_MS = 48 * 3_600_000
"""Within so long of the payment a number must be back."""


@dataclass(frozen=True, slots=True)
class Owed:
    """Debt of closed months: `micros` > 0, its oldest unpaid `month`, `days` ≥ 0 overdue.

    `from_day` is the first day in Shanghai on which numbers may be suspended for it.
    """

    micros: int
    month: BillingMonth
    days: int
    from_day: date
    may_suspend: bool


@dataclass(frozen=True, slots=True)
class Overdue:
    """A customer in arrears, with its numbers in service. `owed` None: prepaid, out of money."""

    customer: str
    settled_micros: int
    owed: Owed | None
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ToRestore:
    """A number still suspended for arrears although they were paid at `paid_ms`."""

    number: str
    customer: str
    paid_ms: int
    left_ms: int

    @property
    def late(self) -> bool:
        """The 48 hours are over."""
        return self.left_ms < 0


def owed(
    settled_micros: int, debits: Mapping[BillingMonth, int], now_ms: int, days: int = ARREARS_DAYS
) -> Owed | None:
    """What is owed from closed months; None: nothing.

    `debits` (≥ 0) holds the running month and the latest closed ones. Credits pay the oldest debit
    first, so what is unpaid are the newest: no more months are needed than cover the debt. Where
    they do not, the debt is dated to the oldest given.
    """
    running = BillingMonth.of(now_ms)
    micros = -settled_micros - debits.get(running, 0)
    if micros <= 0:
        return None
    month, rest = running.previous(), micros
    for each in sorted((key for key in debits if key < running and debits[key]), reverse=True):
        month, rest = each, rest - debits[each]
        if rest <= 0:
            break
    due, today = shanghai_day(month.to_ms), shanghai_day(now_ms)
    from_day = due + timedelta(days=days)
    return Owed(micros, month, (today - due).days, from_day, today >= from_day)


def earliest_day(now_ms: int, days: int = ARREARS_DAYS) -> date:
    """The first day for what is spent in the running month."""
    return shanghai_day(BillingMonth.of(now_ms).to_ms) + timedelta(days=days)


def paid_at(
    target_micros: int, credits: Iterable[tuple[int, int]], suspended_ms: int
) -> int | None:
    """When credits (instant, micros; in order) reached the target, at the earliest the suspension.

    None: they have not.
    """
    total = 0
    if target_micros <= 0:
        return suspended_ms
    for at_ms, micros in credits:
        total += micros
        if total >= target_micros:
            return max(at_ms, suspended_ms)
    return None


def late_first(found: Iterable[ToRestore]) -> Sequence[ToRestore]:
    """The least time left first."""
    return sorted(found, key=lambda each: (each.left_ms, each.number))
