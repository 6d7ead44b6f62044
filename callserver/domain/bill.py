"""A customer's bill for a month: to date while the month runs, fixed once it is closed."""

from dataclasses import dataclass, replace
from enum import StrEnum

from callserver.domain.ledger import EntryKind
from callserver.domain.minimum import Standing
from callserver.domain.month import MonthLine, Usage, total


class BillState(StrEnum):
    """Where a bill stands. OPEN: to date; OVER: the month is over but not closed; CLOSED: fixed."""

    OPEN = "open"
    OVER = "over"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class BillLine:
    """One number. While the month is not closed, the shortfall is what it would be now."""

    did: str
    usage: Usage
    minimum_micros: int
    standing: Standing
    shortfall_micros: int


@dataclass(frozen=True, slots=True)
class LateLine:
    """What came for one number after its month was closed."""

    month: str
    did: str
    usage: Usage
    shortfall_micros: int


@dataclass(frozen=True, slots=True)
class Movement:
    """Another ledger entry of the month: a top-up, a plan's fee …; calls and shortfalls aside."""

    at_ms: int
    kind: EntryKind
    amount_micros: int
    minutes: int
    reason: str


@dataclass(frozen=True, slots=True)
class FeatureCharge:
    """[R2] A feature's fee, which the provider pays; a reversal has a negative fee."""

    day: str
    did: str
    feature: str
    fee_micros: int


@dataclass(frozen=True, slots=True)
class RunningCall:
    """A call in progress, with its fee if it ended now."""

    call_id: str
    did: str
    started_ms: int
    duration_s: int
    fee_micros: int


@dataclass(frozen=True, slots=True)
class SuddenFee:
    """The month's calls cost more than `factor` times the mean of the months before."""

    fee_micros: int
    mean_micros: int
    factor: int
    raised_ms: int


@dataclass(frozen=True, slots=True)
class Bill:
    """All of it. `running` None: the live calls are not known, for no server was asked.

    `corrections_micros` is what re-rating has changed of the month's calls: `usage` counts it
    already. `minutes_left` are the included minutes left at the end of the month, or now; those
    that live calls hold are among them.
    """

    customer: str
    name: str
    provider: str
    month: str
    state: BillState
    as_of_ms: int
    lines: tuple[BillLine, ...] = ()
    late: tuple[LateLine, ...] = ()
    movements: tuple[Movement, ...] = ()
    features: tuple[FeatureCharge, ...] = ()
    corrections_micros: int = 0
    minutes_left: int = 0
    running: tuple[RunningCall, ...] | None = None
    notice: SuddenFee | None = None

    @property
    def usage(self) -> Usage:
        """All calls of the month."""
        return total(line.usage for line in self.lines)

    @property
    def shortfall_micros(self) -> int:
        """All shortfalls of the month."""
        return sum(line.shortfall_micros for line in self.lines)

    @property
    def late_micros(self) -> int:
        """What late calls cost, and changed of earlier shortfalls."""
        return sum(each.usage.charged_micros + each.shortfall_micros for each in self.late)

    @property
    def plan_micros(self) -> int:
        """Fees of plans (> 0: to pay)."""
        return -sum(each.amount_micros for each in self.movements if each.kind in PLAN_FEES)

    @property
    def running_micros(self) -> int:
        """What the calls in progress cost so far."""
        return sum(call.fee_micros for call in self.running or ())

    @property
    def due_micros(self) -> int:
        """The month's total: calls, shortfalls, late calls and plan fees; calls in progress and
        feature fees, which the provider pays, aside."""
        return (
            self.usage.charged_micros + self.shortfall_micros + self.late_micros + self.plan_micros
        )

    @property
    def is_bare(self) -> bool:
        """Whether there is nothing on it at all: no number, no entry, no minute."""
        return not (self.lines or self.late or self.movements or self.features or self.minutes_left)

    def with_running(self, running: tuple[RunningCall, ...] | None) -> "Bill":
        """With the calls in progress, which belong to the month that runs; other bills as they
        are."""
        return replace(self, running=running) if self.state is BillState.OPEN else self

    def for_customer(self) -> "Bill":
        """Without what is the provider's only."""
        return replace(self, features=())


PLAN_FEES = frozenset({EntryKind.PLAN_FEE})


def bill_line(line: MonthLine) -> BillLine:
    """A month's line as the bill shows it."""
    return BillLine(line.did, line.usage, line.minimum_micros, line.standing, line.shortfall_micros)
