"""The life of a number [R3]: every state with every event, and every edge of time."""

from dataclasses import replace
from itertools import product

import pytest

from callserver.domain.business import NumberState as S
from callserver.domain.declined import Declined, Reason
from callserver.domain.lifecycle import (
    CLOCK_EVENTS,
    TABLE,
    NumberRecord,
    Passed,
    Periods,
    Request,
    Suspension,
    apply,
    judged,
    root_of,
    standing,
)
from callserver.domain.lifecycle import NumberEvent as E

T0 = 1_790_000_000_000
MINUTE, DAY = 60_000, 86_400_000
ORDINARY, LONG, SPECIAL = "4001234569", "4008234569", "4001230888"
PERIODS = Periods()

# Written down once more, by hand, from the rule: where each event leads, when its guard holds.
LEADS_TO = {
    (S.AVAILABLE, E.RESERVE): S.RESERVED,
    (S.RESERVED, E.CANCEL): S.FROZEN,
    (S.RESERVED, E.LOCK): S.LOCKED,
    (S.LOCKED, E.SUBMIT): S.REVIEW,
    (S.LOCKED, E.DROP): S.FROZEN,
    (S.REVIEW, E.REJECT): S.LOCKED,
    (S.REVIEW, E.APPROVE): S.REVIEW,
    (S.REVIEW, E.ACTIVATE): S.ACTIVE,
    (S.ACTIVE, E.SUSPEND): S.SUSPENDED,
    (S.ACTIVE, E.CLOSE): S.FROZEN,
    (S.SUSPENDED, E.SUSPEND): S.SUSPENDED,
    (S.SUSPENDED, E.RESUME): S.ACTIVE,
    (S.SUSPENDED, E.CLOSE): S.FROZEN,
}
BY_CLOCK = {
    (S.RESERVED, E.PERIOD_ENDED): S.FROZEN,
    (S.LOCKED, E.LOCK_ENDED): S.FROZEN,
    (S.FROZEN, E.FREEZE_ENDED): S.AVAILABLE,
}


def number(state: S, **changed: object) -> NumberRecord:
    """A number in a state that its guards allow to leave."""
    given: dict[str, object] = {"number": ORDINARY, "state": state, "since_ms": T0}
    if state is not S.AVAILABLE:
        given |= {"provider": "north", "customer": "acme", "application": 7}
    if state in {S.RESERVED, S.LOCKED, S.FROZEN}:
        given["until_ms"] = T0 + 3 * DAY
    if state is S.SUSPENDED:
        given["suspensions"] = frozenset({Suspension.HOLD})
    return NumberRecord(**given | changed)  # type: ignore[arg-type]  # as a table of keywords


def request_of(event: E, state: S) -> Request:
    """What the number's provider asks for."""
    suspension = None
    if event in {E.SUSPEND, E.RESUME}:
        again = event is E.SUSPEND and state is S.SUSPENDED
        suspension = Suspension.ARREARS if again else Suspension.HOLD
    return Request(event, "north", "acme", suspension)


@pytest.mark.parametrize(("state", "event"), list(product(S, E)), ids=str)
def test_every_state_with_every_event(state: S, event: E) -> None:
    """What the rule does not name is declined, and names the reason."""
    record = number(state, approved=event is E.ACTIVATE)
    leads_to = LEADS_TO.get((state, event))
    if leads_to is None:
        with pytest.raises(Declined) as declined:
            apply(record, request_of(event, state), T0 + 1, PERIODS)
        expected = Reason.STATE_FORBIDS
        if event is E.RESERVE:
            expected = Reason.NUMBER_FROZEN if state is S.FROZEN else Reason.NUMBER_TAKEN
        assert declined.value.reason is expected
        return
    assert apply(record, request_of(event, state), T0 + 1, PERIODS).state is leads_to


def test_the_table_is_the_rule() -> None:
    """No line too many, none too few."""
    assert {(row.state, row.event) for row in TABLE} == LEADS_TO.keys() | BY_CLOCK.keys()
    assert {(row.state, row.event) for row in TABLE if row.event in CLOCK_EVENTS} == BY_CLOCK.keys()


@pytest.mark.parametrize("state", list(S), ids=str)
def test_what_time_does_to_each_state(state: S) -> None:
    """Only a reservation, a lock and a freeze end by themselves."""
    steps = judged(number(state), T0 + 3 * DAY, PERIODS)
    leads_to = {(step.before.state, step.event): step.after.state for step in steps[:1]}
    assert leads_to == {key: to for key, to in BY_CLOCK.items() if key[0] is state}


@pytest.mark.parametrize(
    ("text", "special", "days"),
    [(ORDINARY, False, 3), (LONG, False, 30), (SPECIAL, True, 30), ("4008001888", True, 30)],
)
def test_periods(text: str, special: bool, days: int) -> None:
    """3 × 24 h for ordinary numbers; 30 × 24 h for 4008… and special ones."""
    record = NumberRecord(text, S.AVAILABLE, 0, special=special)
    reserved = apply(record, Request(E.RESERVE, "north"), T0, PERIODS)
    assert (reserved.until_ms, reserved.provider) == (T0 + days * DAY, "north")


EDGES = [  # ms after the reservation, what the number is then, event → what becomes of it
    (3 * DAY - 1000, S.RESERVED, E.LOCK, S.LOCKED),
    (3 * DAY - 1, S.RESERVED, E.LOCK, S.LOCKED),
    (3 * DAY, S.FROZEN, E.LOCK, Reason.STATE_FORBIDS),
    (3 * DAY, S.FROZEN, E.RESERVE, Reason.NUMBER_FROZEN),
    (3 * DAY + 29 * MINUTE + 59_000, S.FROZEN, E.RESERVE, Reason.NUMBER_FROZEN),
    (3 * DAY + 30 * MINUTE - 1, S.FROZEN, E.RESERVE, Reason.NUMBER_FROZEN),
    (3 * DAY + 30 * MINUTE, S.AVAILABLE, E.RESERVE, S.RESERVED),
]


@pytest.mark.parametrize(("after_ms", "state", "event", "becomes"), EDGES)
def test_the_edges_of_a_reservation(after_ms: int, state: S, event: E, becomes: object) -> None:
    """Judged by the clock at the request: nobody else has written anything since."""
    reserved = apply(number(S.AVAILABLE), Request(E.RESERVE, "north"), T0, PERIODS)
    now = standing(reserved, T0 + after_ms, PERIODS)
    assert now.state is state
    asked = Request(event, "north" if event is E.LOCK else "south", "acme")
    try:
        found: object = apply(now, asked, T0 + after_ms, PERIODS).state
    except Declined as declined:
        found = declined.reason
    assert found is becomes


FREEZES = [(29 * MINUTE + 59_000, False), (30 * MINUTE - 1, False), (30 * MINUTE, True)]


@pytest.mark.parametrize("event", [E.CANCEL, E.DROP, E.CLOSE])
@pytest.mark.parametrize(("after_ms", "free"), FREEZES)
def test_a_released_number_is_frozen_for_half_an_hour(event: E, after_ms: int, free: bool) -> None:
    """29:59 refused, 30:00 accepted, to whoever asks and however it was released."""
    state = {E.CANCEL: S.RESERVED, E.DROP: S.LOCKED, E.CLOSE: S.SUSPENDED}[event]
    released = apply(number(state), Request(event, "north"), T0, PERIODS)
    now = standing(released, T0 + after_ms, PERIODS)
    assert (now.state is S.AVAILABLE) == free
    assert (now.provider, now.customer, now.application) == (None, None, None)


def test_time_may_take_two_steps_at_once() -> None:
    """A reservation that ran out long ago froze then, and was free half an hour later."""
    steps = judged(number(S.RESERVED), T0 + 9 * DAY, PERIODS)
    assert [(step.event, step.at_ms) for step in steps] == [
        (E.PERIOD_ENDED, T0 + 3 * DAY),
        (E.FREEZE_ENDED, T0 + 3 * DAY + 30 * MINUTE),
    ]
    assert isinstance(steps[0], Passed)
    assert steps[1].before == steps[0].after


def test_a_lock_waits_as_long_as_configured() -> None:
    """Without real-name material the number is released; a rejection begins the wait anew."""
    periods = replace(PERIODS, lock_ms=5 * DAY)
    locked = apply(number(S.RESERVED), Request(E.LOCK, "north", "acme"), T0, periods)
    assert standing(locked, T0 + 5 * DAY - 1, periods).state is S.LOCKED
    assert standing(locked, T0 + 5 * DAY, periods).state is S.FROZEN
    review = apply(locked, Request(E.SUBMIT, "north"), T0 + DAY, periods)
    assert standing(review, T0 + 99 * DAY, periods).state is S.REVIEW
    back = apply(review, Request(E.REJECT), T0 + 20 * DAY, periods)
    assert back.until_ms == T0 + 25 * DAY


TREE = [  # who asks again, how, ms after the last period ended, may it
    ("same tree, at once", True, 30 * MINUTE, False),
    ("same tree, a second before a period has passed", True, 3 * DAY - 1000, False),
    ("same tree, a period later", True, 3 * DAY, True),
    ("another tree, at once", False, 30 * MINUTE, True),
]


@pytest.mark.parametrize("ends", [E.PERIOD_ENDED, E.CANCEL, E.DROP, E.LOCK_ENDED], ids=str)
@pytest.mark.parametrize(("_why", "same_tree", "after_ms", "may"), TREE)
def test_no_tree_holds_a_number_for_two_periods_in_a_row(
    ends: E, _why: str, same_tree: bool, after_ms: int, may: bool
) -> None:
    """Cancelling early, dropping and running out count; the wait begins when the holding ended."""
    record = number(S.RESERVED if ends in {E.CANCEL, E.PERIOD_ENDED} else S.LOCKED)
    if ends in CLOCK_EVENTS:
        ended_ms = record.until_ms or 0
        released = judged(record, ended_ms, PERIODS)[0].after
    else:
        ended_ms = T0 + 5
        released = apply(record, Request(ends, "north"), ended_ms, PERIODS)
    now_ms = ended_ms + after_ms
    free = standing(released, now_ms, PERIODS)
    asked = Request(E.RESERVE, "north", same_tree=same_tree)
    if may:
        assert apply(free, asked, now_ms, PERIODS).state is S.RESERVED
        return
    with pytest.raises(Declined) as declined:
        apply(free, asked, now_ms, PERIODS)
    assert declined.value.reason is Reason.TREE_HELD_IT_LAST


def test_a_period_of_a_long_number_is_long_for_the_rule_too() -> None:
    """4008…: the same tree waits thirty days, not three."""
    record = number(S.AVAILABLE, number=LONG, last_provider="north", last_ended_ms=T0)
    asked = Request(E.RESERVE, "north", same_tree=True)
    with pytest.raises(Declined):
        apply(record, asked, T0 + 30 * DAY - 1, PERIODS)
    assert apply(record, asked, T0 + 30 * DAY, PERIODS).state is S.RESERVED


def test_a_number_that_was_in_use_is_nobodys_last_period() -> None:
    """Activation ends the matter: after its closing, the same tree may reserve it again."""
    record = number(S.REVIEW, approved=True, last_provider="south", last_ended_ms=T0 - 1)
    active = apply(record, Request(E.ACTIVATE), T0, PERIODS)
    closed = apply(active, Request(E.CLOSE, "north"), T0 + DAY, PERIODS)
    free = standing(closed, T0 + 2 * DAY, PERIODS)
    assert (free.state, free.last_provider, free.last_ended_ms) == (S.AVAILABLE, None, None)


@pytest.mark.parametrize(
    ("state", "event"), [key for key in LEADS_TO if key[1] is not E.RESERVE], ids=str
)
def test_only_the_holder_goes_on(state: S, event: E) -> None:
    """Another provider is declined; the operator (nobody in particular) is not."""
    record = number(state, approved=event is E.ACTIVATE)
    asked = request_of(event, state)
    with pytest.raises(Declined) as declined:
        apply(record, replace(asked, provider="south"), T0, PERIODS)
    assert declined.value.reason is Reason.NOT_THE_HOLDER
    assert apply(record, replace(asked, provider=None), T0, PERIODS).state is LEADS_TO[state, event]


def test_opening_needs_approval_and_the_carrier() -> None:
    """Approval alone leaves it under review; the carrier's word alone is declined."""
    review = number(S.REVIEW)
    with pytest.raises(Declined, match="not approved"):
        apply(review, Request(E.ACTIVATE), T0, PERIODS)
    approved = apply(review, Request(E.APPROVE), T0 + 1, PERIODS)
    assert (approved.state, approved.since_ms) == (S.REVIEW, T0)
    with pytest.raises(Declined, match="approved already"):
        apply(approved, Request(E.APPROVE), T0 + 2, PERIODS)
    assert apply(approved, Request(E.ACTIVATE), T0 + 3, PERIODS).state is S.ACTIVE
    assert not apply(approved, Request(E.REJECT), T0 + 3, PERIODS).approved


def test_reasons_of_a_suspension_stack() -> None:
    """Calls come back only when every reason is cleared."""
    record = number(S.ACTIVE)
    for at, reason in enumerate(Suspension, 1):
        record = apply(record, Request(E.SUSPEND, suspension=reason), T0 + at, PERIODS)
        with pytest.raises(Declined, match="for that already"):
            apply(record, Request(E.SUSPEND, suspension=reason), T0 + at, PERIODS)
    assert (record.since_ms, record.suspensions) == (T0 + 1, frozenset(Suspension))
    states = []
    for reason in Suspension:
        record = apply(record, Request(E.RESUME, suspension=reason), T0 + 9, PERIODS)
        states.append(record.state)
    assert states == [S.SUSPENDED, S.SUSPENDED, S.ACTIVE]


def test_a_reason_that_does_not_stand_cannot_be_cleared() -> None:
    """Paying does not lift a violation."""
    record = number(S.SUSPENDED, suspensions=frozenset({Suspension.VIOLATION}))
    with pytest.raises(Declined) as declined:
        apply(record, Request(E.RESUME, suspension=Suspension.ARREARS), T0, PERIODS)
    assert declined.value.reason is Reason.NOT_SUSPENDED_FOR_IT


def test_trees() -> None:
    """Root, siblings and subordinates are one tree; a ring ends somewhere."""
    parents = {"root": None, "a": "root", "b": "root", "leaf": "a", "other": None, "x": "y"}
    assert {root_of(parents, each) for each in ("root", "a", "b", "leaf")} == {"root"}
    assert root_of(parents, "other") == "other"
    assert root_of({"x": "y", "y": "x"}, "x") in {"x", "y"}
