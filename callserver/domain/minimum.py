"""[R1] The monthly minimum of a number: what it is, how it changes, when it is due.

A minimum is kept with what it was last *based* on, an amount at a rate, so that every figure is
computed from that exact fraction and never from a rounded one. In the trade's words that is the
minimum at rate 0.3: `base = amount × 0.3 / rate`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from callserver.domain.billing_month import BillingMonth
from callserver.domain.business import NumberState
from callserver.domain.declined import Declined, Reason
from callserver.domain.money import half_up, short_yuan

BASE_RATE_MICROS = 300_000  # 0.3 yuan a minute
FEN_MICROS = 10_000
_IN_SERVICE = frozenset({NumberState.ACTIVE, NumberState.SUSPENDED})
MINIMUM_MICROS_MAX = 1_000_000_000_000  # a million yuan a month


class MinimumChange(StrEnum):
    """Why there is a new version of a minimum."""

    RAISE = "raise"
    """Set for the first time, or raised; it re-bases the minimum."""
    FOLLOW = "follow"
    """Lowered in proportion, because the rate went down before the number was in use."""


@dataclass(frozen=True, slots=True)
class Terms:
    """A minimum of `amount_micros` a month, agreed at `rate_micros` a minute.

    `based_micros` at `based_rate_micros` is the exact fraction all figures come from.
    """

    amount_micros: int
    rate_micros: int
    based_micros: int
    based_rate_micros: int

    def at(self, rate_micros: int) -> int:
        """The minimum at another rate by the formula, half-up to 0.01 yuan: micros."""
        return formula_micros(self.based_micros, self.based_rate_micros, rate_micros)

    @property
    def base_micros(self) -> int:
        """The minimum at rate 0.3, to 0.01 yuan: for people; nothing is computed from it."""
        return self.at(BASE_RATE_MICROS)

    @property
    def minutes(self) -> Fraction:
        """The minutes it buys: the formula leaves them as they are."""
        return Fraction(self.based_micros, self.based_rate_micros)


def formula_micros(amount_micros: int, at_rate_micros: int, rate_micros: int) -> int:
    """A minimum of `amount_micros` at one rate (> 0), at another: 100 at 0.3 is 50 at 0.15.

    Half-up to 0.01 yuan: 43.33 at 0.13.
    """
    return half_up(amount_micros * rate_micros, at_rate_micros, FEN_MICROS)


def raised(
    now: Terms | None,
    asked_micros: int,
    rate_micros: int,
    *,
    in_use: bool,
    confirmed: bool,
    at_rate_micros: int | None = None,
) -> Terms | None:
    """The terms after somebody asked for a minimum; None: it is that already.

    `now` None: there was none. `rate_micros` is the number's rate today; what is asked for is said
    at that rate or at `at_rate_micros` (the base's 0.3, say), and then computed by the formula.
    `in_use`: whether the number has ever been active. Raises Declined: a raise that nobody
    confirmed, a minimum lower than it may be, an amount that is no whole fen, a number without a
    rate.
    """
    _check(asked_micros, rate_micros)
    asked = Terms(0, rate_micros, asked_micros, at_rate_micros or rate_micros)
    wanted_micros = asked.at(rate_micros)
    _check(wanted_micros, rate_micros)  # the formula may make much of little
    if now is None:
        now = Terms(0, rate_micros, 0, rate_micros)
    if wanted_micros == now.amount_micros:
        return None
    least = _least(now, rate_micros, in_use=in_use)
    if wanted_micros < least:
        raise Declined(Reason.MINIMUM_LOWERED, _why_not_lower(least, in_use=in_use))
    if wanted_micros > now.amount_micros and not confirmed:
        raise Declined(
            Reason.CONFIRMATION_NEEDED,
            f"From {short_yuan(now.amount_micros)} to {short_yuan(wanted_micros)} yuan a month:"
            " once raised it cannot be lowered. Confirm it to go on.",
        )
    # Re-based on what was asked for, unless that buys no more minutes than before: after a rate
    # that went up and a raise there, a later cut would lose the raises from before.
    base = now if now.based_micros and wanted_micros <= now.at(rate_micros) else asked
    return Terms(wanted_micros, rate_micros, base.based_micros, base.based_rate_micros)


def followed(now: Terms, rate_micros: int, *, in_use: bool) -> Terms | None:
    """The terms after the rate went down, for a number not yet in use; None: nothing follows."""
    least = _least(now, rate_micros, in_use=in_use)
    if least >= now.amount_micros:
        return None
    return Terms(least, rate_micros, now.based_micros, now.based_rate_micros)


def _least(now: Terms, rate_micros: int, *, in_use: bool) -> int:
    """The lowest the minimum may be."""
    if in_use or rate_micros >= now.rate_micros:
        return now.amount_micros
    return min(now.amount_micros, now.at(rate_micros))


def _check(wanted_micros: int, rate_micros: int) -> None:
    if not 0 <= wanted_micros <= MINIMUM_MICROS_MAX or wanted_micros % FEN_MICROS:
        raise Declined(
            Reason.MINIMUM_MALFORMED,
            f"A minimum is 0 to {short_yuan(MINIMUM_MICROS_MAX)} yuan, in whole 0.01 yuan.",
        )
    if rate_micros <= 0:
        raise Declined(
            Reason.MINIMUM_NEEDS_RATE, "The number has no rate yet: give it a tariff first."
        )


def _why_not_lower(least_micros: int, *, in_use: bool) -> str:
    if in_use:
        return (
            f"The number is in use: its minimum of {short_yuan(least_micros)} yuan"
            " may be raised, never lowered, whatever its rate does."
        )
    return (
        f"The lowest it may be is {short_yuan(least_micros)} yuan: a minimum is lowered only"
        " in proportion to a rate that went down."
    )


@dataclass(frozen=True, slots=True)
class MinimumVersion:
    """One change of a number's minimum, in force from the start of `from_month`.

    `seq` counts the number's versions from 1; the last is what holds, or will. `in_use`: whether
    the number had been active by then.
    """

    did: str
    seq: int
    from_month: BillingMonth
    terms: Terms
    change: MinimumChange
    in_use: bool
    operation_id: str
    actor: str
    reason: str
    created_ms: int


@dataclass(frozen=True, slots=True)
class MinimumWish:
    """What somebody asks for a number's minimum to be; see `raised`."""

    did: str
    amount_micros: int
    operation_id: str
    confirmed: bool = False
    at_rate_micros: int | None = None
    reason: str = ""


class Standing(StrEnum):
    """Whether a number owes its minimum for a month, and if not, why."""

    DUE = "due"
    NO_MINIMUM = "no_minimum"
    NOT_IN_SERVICE = "not_in_service"
    """It was not active at any moment of the month."""
    ACTIVATION_MONTH = "activation_month"
    SUSPENDED = "suspended"
    """Suspended for the full calendar month."""


@dataclass(frozen=True, slots=True)
class Service:
    """A stretch of a number's life with one customer: from its activation to its end.

    Instants are UTC milliseconds; `active_from_ms` 0: longer than anybody kept note; `to_ms` None:
    it goes on. `suspensions` are half-open and in order; an end of None: still suspended.
    """

    customer: str
    active_from_ms: int
    to_ms: int | None = None
    suspensions: Sequence[tuple[int, int | None]] = ()


@dataclass(frozen=True, slots=True)
class Happened:
    """A step in a number's history: when, to which state, and whose it was then."""

    at_ms: int
    to_state: NumberState
    customer: str | None


def services(history: Iterable[Happened]) -> list[Service]:
    """A number's stretches of service, from its history in order; each ends where the next begins.

    A number that changes hands without leaving service is activated for its new customer.
    """
    found: list[Service] = []
    customer: str | None = None
    since_ms = 0
    suspensions: list[tuple[int, int | None]] = []

    def end(at_ms: int | None) -> None:
        if customer is not None:
            found.append(Service(customer, since_ms, at_ms, tuple(suspensions)))
        suspensions.clear()

    for step in history:
        now = step.customer if step.to_state in _IN_SERVICE else None
        if now != customer:
            end(step.at_ms)
            customer, since_ms = now, step.at_ms
        is_open = bool(suspensions) and suspensions[-1][1] is None
        if now is not None and step.to_state is NumberState.SUSPENDED and not is_open:
            suspensions.append((step.at_ms, None))
        elif now is not None and step.to_state is NumberState.ACTIVE and is_open:
            suspensions[-1] = (suspensions[-1][0], step.at_ms)
    end(None)
    return found


def standing(service: Service, month: BillingMonth) -> Standing:
    """Whether the minimum is due for the month, the minimum itself aside.

    The activation month is exempt, and so are full calendar months of suspension; a month in
    which the number was active for a moment, and not only just activated, is not.
    """
    from_ms, to_ms = month.from_ms, month.to_ms
    if service.active_from_ms >= to_ms:
        return Standing.NOT_IN_SERVICE
    if service.to_ms is not None and service.to_ms <= from_ms:
        return Standing.NOT_IN_SERVICE
    if service.active_from_ms >= from_ms:
        return Standing.ACTIVATION_MONTH
    end_ms = to_ms if service.to_ms is None else min(service.to_ms, to_ms)
    covered_ms = from_ms
    for since_ms, until_ms in service.suspensions:
        if since_ms <= covered_ms:
            covered_ms = end_ms if until_ms is None else max(covered_ms, until_ms)
    return Standing.SUSPENDED if covered_ms >= end_ms else Standing.DUE


def shortfall_micros(minimum_micros: int, debited_micros: int) -> int:
    """What the month still owes: max(0, minimum − money debited for calls)."""
    return max(0, minimum_micros - debited_micros)
