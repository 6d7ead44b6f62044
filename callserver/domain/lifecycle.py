"""The life of a 400 number [R3]: states, events and guards as one table, judged by the clock.

A record says what was last written. What the clock has made of it since (a reservation that ran
out, a freeze that is over) is worked out at the moment of the request by `judged`, so that no
answer depends on whether a background job came in time.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from callserver.domain.arrears import ARREARS_DAYS
from callserver.domain.billing_month import DAY_MS, shanghai
from callserver.domain.business import NumberState
from callserver.domain.declined import Declined, Reason


class NumberEvent(StrEnum):
    """What happens to a number. IMPORT stands outside the table: a file says how things are."""

    RESERVE = "reserve"
    CANCEL = "cancel"
    PERIOD_ENDED = "period_ended"
    LOCK = "lock"
    DROP = "drop"
    LOCK_ENDED = "lock_ended"
    SUBMIT = "submit"
    REJECT = "reject"
    APPROVE = "approve"
    ACTIVATE = "activate"
    SUSPEND = "suspend"
    RESUME = "resume"
    CLOSE = "close"
    FREEZE_ENDED = "freeze_ended"
    IMPORT = "import"


CLOCK_EVENTS = frozenset(
    {NumberEvent.PERIOD_ENDED, NumberEvent.LOCK_ENDED, NumberEvent.FREEZE_ENDED}
)
HELD = frozenset({NumberState.RESERVED, NumberState.LOCKED, NumberState.REVIEW})
"""States in which an application is on its way."""


class Suspension(StrEnum):
    """Why a number is suspended; several may stand at once."""

    ARREARS = "arrears"
    VIOLATION = "violation"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Periods:
    """How long things last, in milliseconds. Numbers with a long prefix count as special.

    `arrears_days`: overdue before a postpaid customer's number may be suspended for arrears.
    """

    ordinary_ms: int = 3 * DAY_MS
    special_ms: int = 30 * DAY_MS
    freeze_ms: int = 30 * 60_000
    lock_ms: int = 30 * DAY_MS
    long_prefixes: tuple[str, ...] = ("4008",)
    arrears_days: int = ARREARS_DAYS

    def of(self, number: str, *, special: bool) -> int:
        """One reservation period of this number."""
        long = special or number.startswith(self.long_prefixes)
        return self.special_ms if long else self.ordinary_ms


@dataclass(frozen=True, slots=True)
class NumberRecord:
    """A number as it was last written. `until_ms` is when the clock moves it on, if it does.

    `last_provider` and `last_ended_ms` are of the last reservation or lock that came to nothing;
    None once the number has been active since.
    """

    number: str
    state: NumberState
    since_ms: int
    until_ms: int | None = None
    class_name: str = ""
    special: bool = False
    price_micros: int = 0
    provider: str | None = None
    customer: str | None = None
    application: int | None = None
    approved: bool = False
    suspensions: frozenset[Suspension] = frozenset()
    last_provider: str | None = None
    last_ended_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Passed:
    """A step that time alone has taken."""

    event: NumberEvent
    at_ms: int
    before: NumberRecord
    after: NumberRecord


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for. `provider` None: the operator, acting for whoever holds the number.

    `same_tree`: whether the number's `last_provider` is in the asking provider's tree.
    """

    event: NumberEvent
    provider: str | None = None
    customer: str | None = None
    suspension: Suspension | None = None
    same_tree: bool = False


class Guard(StrEnum):
    """What must be true for a transition, beside its state and event."""

    NONE = ""
    TREE_ELIGIBLE = "the provider's tree was not the last to hold it, or one period has passed"
    TIME_UP = "its time is up"
    NOT_APPROVED = "not approved yet"
    APPROVED = "approved"
    NEW_REASON = "not suspended for this reason yet"
    ONLY_REASON = "this is the only reason that stands"
    ONE_OF_SEVERAL = "other reasons stand beside this one"


@dataclass(frozen=True, slots=True)
class Transition:
    """One line of the table."""

    state: NumberState
    event: NumberEvent
    guard: Guard
    to: NumberState


_S, _E = NumberState, NumberEvent
TABLE: tuple[Transition, ...] = (
    Transition(_S.AVAILABLE, _E.RESERVE, Guard.TREE_ELIGIBLE, _S.RESERVED),
    Transition(_S.RESERVED, _E.CANCEL, Guard.NONE, _S.FROZEN),
    Transition(_S.RESERVED, _E.PERIOD_ENDED, Guard.TIME_UP, _S.FROZEN),
    Transition(_S.RESERVED, _E.LOCK, Guard.NONE, _S.LOCKED),
    Transition(_S.LOCKED, _E.SUBMIT, Guard.NONE, _S.REVIEW),
    Transition(_S.LOCKED, _E.DROP, Guard.NONE, _S.FROZEN),
    Transition(_S.LOCKED, _E.LOCK_ENDED, Guard.TIME_UP, _S.FROZEN),
    Transition(_S.REVIEW, _E.REJECT, Guard.NONE, _S.LOCKED),
    Transition(_S.REVIEW, _E.APPROVE, Guard.NOT_APPROVED, _S.REVIEW),
    Transition(_S.REVIEW, _E.ACTIVATE, Guard.APPROVED, _S.ACTIVE),
    Transition(_S.ACTIVE, _E.SUSPEND, Guard.NONE, _S.SUSPENDED),
    Transition(_S.SUSPENDED, _E.SUSPEND, Guard.NEW_REASON, _S.SUSPENDED),
    Transition(_S.SUSPENDED, _E.RESUME, Guard.ONE_OF_SEVERAL, _S.SUSPENDED),
    Transition(_S.SUSPENDED, _E.RESUME, Guard.ONLY_REASON, _S.ACTIVE),
    Transition(_S.ACTIVE, _E.CLOSE, Guard.NONE, _S.FROZEN),
    Transition(_S.SUSPENDED, _E.CLOSE, Guard.NONE, _S.FROZEN),
    Transition(_S.FROZEN, _E.FREEZE_ENDED, Guard.TIME_UP, _S.AVAILABLE),
)
_BY_CLOCK = {row.state: row for row in TABLE if row.event in CLOCK_EVENTS}


def judged(record: NumberRecord, now_ms: int, periods: Periods) -> tuple[Passed, ...]:
    """The steps that time has taken since the record was written, the oldest first."""
    steps: list[Passed] = []
    row = _BY_CLOCK.get(record.state)
    while row is not None and record.until_ms is not None and record.until_ms <= now_ms:
        at_ms = record.until_ms
        after = _moved(record, row.to, Request(row.event), at_ms, periods)
        steps.append(Passed(row.event, at_ms, record, after))
        record, row = after, _BY_CLOCK.get(after.state)
    return tuple(steps)


def standing(record: NumberRecord, now_ms: int, periods: Periods) -> NumberRecord:
    """The number as it is now."""
    steps = judged(record, now_ms, periods)
    return steps[-1].after if steps else record


def apply(record: NumberRecord, request: Request, now_ms: int, periods: Periods) -> NumberRecord:
    """The number after the request. `record` is as it stands now (`standing`).

    Raises Declined where the table has no line for it, the line's guard says no, or a provider
    asks that does not hold the number. The clock's own events cannot be asked for.
    """
    declined: Declined | None = None
    for row in TABLE:
        if (row.state, row.event) == (record.state, request.event) and row.guard != Guard.TIME_UP:
            declined = _foreign(record, request) or _GUARDS[row.guard](
                record, request, now_ms, periods
            )
            if declined is None:
                return _moved(record, row.to, request, now_ms, periods)
    raise declined or _no_line(record, request.event)


def root_of(parents: Mapping[str, str | None], provider: str) -> str:
    """The provider at the top of this one's tree: two of one root are of one tree."""
    seen = {provider}
    while (parent := parents.get(provider)) is not None and parent not in seen:
        seen.add(parent)
        provider = parent
    return provider


def _no_line(record: NumberRecord, event: NumberEvent) -> Declined:
    number, state = record.number, record.state
    if event is NumberEvent.RESERVE and state is NumberState.FROZEN:
        return Declined(
            Reason.NUMBER_FROZEN,
            f"{number} was released and is frozen for everybody until {_at(record.until_ms)}.",
        )
    if event is NumberEvent.RESERVE:
        return Declined(Reason.NUMBER_TAKEN, f"{number} is taken; choose another number.")
    return Declined(
        Reason.STATE_FORBIDS, f"{number} is {state.value}: {event.value} is not possible now."
    )


def _tree(record: NumberRecord, request: Request, now_ms: int, periods: Periods) -> Declined | None:
    ended_ms = record.last_ended_ms
    if not request.same_tree or ended_ms is None:
        return None
    again_ms = ended_ms + periods.of(record.number, special=record.special)
    if now_ms >= again_ms:
        return None
    return Declined(
        Reason.TREE_HELD_IT_LAST,
        f"{record.number} was last held by this provider's tree, and no tree holds a number for two"
        f" periods in a row: again from {_at(again_ms)}, or once another tree has held it.",
    )


def _at(at_ms: int | None) -> str:
    """An instant for people, in Shanghai."""
    return f"{shanghai(at_ms or 0):%Y-%m-%d %H:%M:%S}"


def _foreign(record: NumberRecord, request: Request) -> Declined | None:
    if request.event is NumberEvent.RESERVE or request.provider in {None, record.provider}:
        return None
    return Declined(
        Reason.NOT_THE_HOLDER, f"{record.number} is not held by provider {request.provider}."
    )


def _not_approved(record: NumberRecord, _r: Request, _now: int, _p: Periods) -> Declined | None:
    if not record.approved:
        return None
    return Declined(Reason.ALREADY_APPROVED, f"{record.number}: approved already; activate it.")


def _approved(record: NumberRecord, _r: Request, _now: int, _p: Periods) -> Declined | None:
    if record.approved:
        return None
    return Declined(
        Reason.NOT_APPROVED, f"{record.number}: its real-name material is not approved yet."
    )


def _new_reason(record: NumberRecord, request: Request, _n: int, _p: Periods) -> Declined | None:
    if request.suspension not in record.suspensions:
        return None
    return Declined(Reason.SUSPENSION_STANDS, f"{record.number} is suspended for that already.")


def _stands(record: NumberRecord, request: Request, *, alone: bool) -> Declined | None:
    stands = request.suspension in record.suspensions
    if stands and alone == (len(record.suspensions) == 1):
        return None
    reasons = ", ".join(sorted(record.suspensions))
    return Declined(
        Reason.NOT_SUSPENDED_FOR_IT, f"{record.number} is suspended for {reasons}, not for that."
    )


_Check = Callable[[NumberRecord, Request, int, Periods], Declined | None]
_GUARDS: Mapping[Guard, _Check] = {
    Guard.NONE: lambda *_: None,
    Guard.TREE_ELIGIBLE: _tree,
    Guard.NOT_APPROVED: _not_approved,
    Guard.APPROVED: _approved,
    Guard.NEW_REASON: _new_reason,
    Guard.ONLY_REASON: lambda record, request, *_: _stands(record, request, alone=True),
    Guard.ONE_OF_SEVERAL: lambda record, request, *_: _stands(record, request, alone=False),
}


def _moved(
    record: NumberRecord, to: NumberState, request: Request, at_ms: int, periods: Periods
) -> NumberRecord:
    """The record after a transition at `at_ms`."""
    new = replace(record, state=to, since_ms=at_ms, until_ms=_until(record, to, at_ms, periods))
    match request.event:
        case _E.RESERVE:
            return replace(new, provider=request.provider)
        case _E.LOCK:
            return replace(new, customer=request.customer)
        case _E.APPROVE:
            return replace(new, approved=True, since_ms=record.since_ms)
        case _E.REJECT:
            return replace(new, approved=False)
        case _E.ACTIVATE:
            return replace(new, approved=False, last_provider=None, last_ended_ms=None)
        case _E.SUSPEND | _E.RESUME:
            since_ms = record.since_ms if to is record.state else at_ms
            changed = frozenset({request.suspension} if request.suspension else ())
            return replace(new, since_ms=since_ms, suspensions=record.suspensions ^ changed)
        case _E.CANCEL | _E.DROP | _E.PERIOD_ENDED | _E.LOCK_ENDED:
            return replace(_free(new), last_provider=record.provider, last_ended_ms=at_ms)
        case _E.CLOSE:
            return replace(_free(new), last_provider=None, last_ended_ms=None)
    return new


def _free(record: NumberRecord) -> NumberRecord:
    return replace(
        record,
        provider=None,
        customer=None,
        application=None,
        approved=False,
        suspensions=frozenset(),
    )


def _until(record: NumberRecord, to: NumberState, at_ms: int, periods: Periods) -> int | None:
    match to:
        case _S.RESERVED:
            return at_ms + periods.of(record.number, special=record.special)
        case _S.LOCKED:
            return at_ms + periods.lock_ms
        case _S.FROZEN:
            return at_ms + periods.freeze_ms
    return None
