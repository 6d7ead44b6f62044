"""Ordinary calls on a real Asterisk 22: answered, busy, unanswered, refused, many at once."""

from decimal import Decimal

import pytest

from tests.e2e import verify
from tests.e2e.business import SUSPENDED, Party
from tests.e2e.conftest import MakeWorld
from tests.e2e.reference import Terms

pytestmark = pytest.mark.e2e

SIX = Terms("0.12", 6, 6, connection_fee="0.02")


def test_answered_and_the_caller_hangs_up(make_world: MakeWorld) -> None:
    """One answered call: a CDR with Asterisk's own times, a fee by the book, the caller named."""
    world = make_world(Party("acme", "4001000001", ("answers",), SIX))
    result = world.bed.call("4001000001", talk_ms=2300)
    (row,) = world.settled(1)
    assert (result.outcome, result.ended_by) == ("answered", "caller")
    assert (row.cdr["disposition"], row.cdr["hung_up_by"]) == ("answered", "caller")
    assert row.cdr["end_source"] == "report"
    assert row.cdr["caller"]["number"] == "138****8000"
    verify.everything(world, [row])


def test_answered_and_the_callee_hangs_up(make_world: MakeWorld) -> None:
    """The far end's goodbye is told from the caller's."""
    world = make_world(Party("acme", "4001000001", ("hangs-up",), SIX))
    result = world.bed.call("4001000001", talk_ms=None)
    (row,) = world.settled(1)
    assert (result.ended_by, row.cdr["hung_up_by"]) == ("callee", "callee")
    verify.everything(world, [row])


@pytest.mark.parametrize("first", ["busy", "congested", "rings-on"])
def test_the_next_line_is_tried(make_world: MakeWorld, first: str) -> None:
    """Busy, congestion and no answer move on; the CDR lists both attempts."""
    world = make_world(Party("acme", "4001000001", (first, "answers"), SIX, ring_s=2))
    result = world.bed.call("4001000001", talk_ms=1200)
    (row,) = world.settled(1)
    assert result.outcome == "answered"
    tried = [(each["line"], each["result"]) for each in row.cdr["attempts"]]
    expected = {"busy": "BUSY", "congested": "CONGESTION", "rings-on": "NOANSWER"}[first]
    print(f"attempts: expected {expected} then ANSWER, got {tried}")
    assert tried == [(1, expected), (2, "ANSWER")]
    assert row.cdr["destination"] == "02100010002"
    verify.everything(world, [row])


def test_all_lines_busy(make_world: MakeWorld) -> None:
    """The caller hears busy; the CDR is free and says so."""
    world = make_world(Party("acme", "4001000001", ("busy", "busy")))
    result = world.bed.call("4001000001")
    (row,) = world.settled(1)
    assert (result.outcome, result.code) == ("refused", 486)
    assert row.cdr["disposition"] == "busy"
    verify.everything(world, [row])


def test_the_caller_gives_up_while_it_rings(make_world: MakeWorld) -> None:
    """A cancelled call costs nothing and leaves nothing held."""
    world = make_world(Party("acme", "4001000001", ("rings-on",)))
    result = world.bed.call("4001000001", give_up_ms=1200)
    (row,) = world.settled(1)
    assert result.outcome == "cancelled"
    assert (row.cdr["disposition"], row.cdr["hung_up_by"]) == ("cancelled", "caller")
    verify.everything(world, [row])


REFUSALS = [  # who, the refusal, SIP status
    (Party("acme", "4001000001", ("answers",), state=SUSPENDED), "suspended", 403),
    (Party("acme", "4001000001", ("answers",), blocked=("13800138000",)), "blocked", 403),
    (Party("acme", "4001000001", ("answers",), balance="0.10"), "no_credit", 403),
    (Party("other", "4009999999", ("answers",)), "unknown_did", 404),
]


@pytest.mark.parametrize(("party", "refusal", "code"), REFUSALS, ids=[r[1] for r in REFUSALS])
def test_a_refused_call_has_a_free_cdr(
    make_world: MakeWorld, party: Party, refusal: str, code: int
) -> None:
    """Unknown, suspended, blocked and without credit: refused with the right cause, recorded."""
    world = make_world(party)
    result = world.bed.call("4001000001")
    (row,) = world.settled(1)
    print(f"refusal: expected {refusal} {code}, got {row.cdr['refusal']} {result.code}")
    assert (result.outcome, result.code) == ("refused", code)
    assert (row.cdr["disposition"], row.cdr["refusal"]) == ("refused", refusal)
    verify.everything(world, [row])


def test_the_concurrency_limit_of_a_number(make_world: MakeWorld) -> None:
    """Of three calls at once to a number with two places, one hears busy; then there is room."""
    party = Party("acme", "4001000001", ("answers",), SIX, did_calls_max=2)
    world = make_world(party)
    callers = ["13800138001", "13800138002", "13800138003"]
    results = world.bed.calls("4001000001", callers, talk_ms=1500, rate=50)
    assert sorted(each.outcome for each in results) == ["answered", "answered", "refused"]
    world.settled(3)
    assert world.bed.call("4001000001", talk_ms=1000).outcome == "answered"
    rows = world.settled(4)
    assert [row.cdr["refusal"] for row in rows].count("too_many_calls") == 1
    verify.everything(world, rows)


def test_the_concurrency_limit_of_a_line(make_world: MakeWorld) -> None:
    """Lines with one place each: two calls take one each, the third finds all busy."""
    party = Party("acme", "4001000001", ("answers", "answers"), SIX, line_calls_max=1)
    world = make_world(party)
    callers = ["13800138001", "13800138002", "13800138003"]
    world.bed.calls("4001000001", callers, talk_ms=1500, rate=50)
    rows = world.settled(3)
    assert [row.cdr["refusal"] for row in rows].count("lines_busy") == 1
    answered = {row.cdr["destination"] for row in rows if row.cdr["billsec"]}
    assert answered == {"02100010001", "02100010002"}
    verify.everything(world, rows)


def test_sixty_calls_at_once(make_world: MakeWorld) -> None:
    """Sixty calls that overlap: sixty CDRs, each fee by the book, nothing left behind."""
    world = make_world(Party("acme", "4001000001", ("answers",), SIX))
    callers = [f"138{number:08d}" for number in range(60)]
    results = world.bed.calls("4001000001", callers, talk_ms=4000, rate=30)
    rows = world.settled(60)
    answered = sum(each.outcome == "answered" for each in results)
    print(f"SIPp answered: {answered}, CDRs answered: {sum(bool(r.cdr['billsec']) for r in rows)}")
    assert answered == sum(bool(row.cdr["billsec"]) for row in rows) == 60
    verify.everything(world, rows)
    assert world.available("acme") < Decimal(100)
