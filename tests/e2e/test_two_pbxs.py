"""Two Asterisks on one server: one set of books, and two lives."""

import time

import pytest

from callserver.demo.asterisk.calls import CarrierCalls
from tests.e2e import verify
from tests.e2e.bed import Bed
from tests.e2e.business import Party
from tests.e2e.conftest import MakeWorld
from tests.e2e.reference import Terms
from tests.e2e.world import World

pytestmark = pytest.mark.e2e

DID = "4001000001"
SECOND = Terms("0.60", 1, 1)


def both(make_world: MakeWorld, party: Party) -> tuple[World, Bed, Bed]:
    """A world with pbx1 and pbx2."""
    world = make_world(party, more_pbxs=["pbx2"], billing={"slice_s": 6})
    return world, world.bed, world.more_beds[0]


def test_a_call_on_each(make_world: MakeWorld) -> None:
    """At once, on one account: each CDR names its PBX and agrees with that PBX's own line."""
    world, one, two = both(make_world, Party("acme", DID, ("busy", "answers"), SECOND))
    batches: list[CarrierCalls] = [bed.begin(DID, talk_ms=2200) for bed in (one, two)]
    world.wait_answered(2)
    live = {call["pbx"] for call in world.live()}
    print(f"live on: expected pbx1 and pbx2, got {sorted(live)}")
    assert live == {"pbx1", "pbx2"}
    assert [batch.wait(60)[0].ended_by for batch in batches] == ["caller", "caller"]
    rows = world.settled(2)
    assert {row.cdr["pbx"] for row in rows} == {"pbx1", "pbx2"}
    verify.everything(world, rows)


def test_limits_are_shared(make_world: MakeWorld) -> None:
    """A number with one place: a call on pbx1 fills it for pbx2, and its end frees it."""
    world, one, two = both(make_world, Party("acme", DID, ("answers",), SECOND, did_calls_max=1))
    first = one.begin(DID, talk_ms=3000)
    world.wait_answered()
    refused = two.call(DID)
    print(f"on pbx2: expected refused 486, got {refused.outcome} {refused.code}")
    assert (refused.outcome, refused.code) == ("refused", 486)
    first.wait(60)
    world.settled(2)
    assert two.call(DID, talk_ms=1200).outcome == "answered"
    rows = world.settled(3)
    assert [row.cdr["refusal"] for row in rows].count("too_many_calls") == 1
    verify.everything(world, rows)


def test_money_is_shared(make_world: MakeWorld) -> None:
    """A balance for two calls: of two on each PBX, two get through, and it ends at zero."""
    party = Party("poor", DID, ("answers",), Terms("0.15"), balance="0.30")
    world, one, two = both(make_world, party)
    callers = ["13800138001", "13800138002"]
    batches = [bed.begin(DID, callers=callers, talk_ms=1500, rate=50) for bed in (one, two)]
    results = [result for batch in batches for result in batch.wait(60)]
    answered = sum(result.outcome == "answered" for result in results)
    print(f"answered: expected 2, got {answered}")
    assert answered == 2
    rows = world.settled(4)
    assert [row.cdr["refusal"] for row in rows].count("no_credit") == 2
    assert world.available("poor") == 0
    verify.everything(world, rows)


def test_one_is_killed_and_the_other_goes_on(make_world: MakeWorld) -> None:
    """The other's call is extended and ends when its caller hangs up; new calls get through."""
    world, one, two = both(make_world, Party("acme", DID, ("answers",), SECOND))
    lasting = one.begin(DID, talk_ms=16_000)
    began_s = time.monotonic()
    two.begin(DID, talk_ms=60_000)
    world.wait_answered(2)
    time.sleep(2)
    two.asterisk.kill9()
    lived_s = time.monotonic() - began_s
    world.wait_link("pbx2", "down")
    assert world.server.readyz()[0] == 200
    assert one.call(DID, talk_ms=1200).outcome == "answered"
    (result,) = lasting.wait(60)
    print(f"talked: expected 16000 ms, got {result.talk_ms} by {result.ended_by}")
    assert result.ended_by == "caller"
    assert result.talk_ms >= 15_900
    two.asterisk.start()
    world.wait_link("pbx2", "ok")
    rows = world.settled(3)
    estimated = [row for row in rows if row.cdr["estimated"]]
    assert [row.cdr["pbx"] for row in estimated] == ["pbx2"]
    billsec = estimated[0].cdr["billsec"]
    print(f"estimated: expected 1 … {lived_s:.0f} s, got {billsec}")
    assert 1 <= billsec <= lived_s
    assert verify.amount(estimated[0].cdr["fee"]) == SECOND.fee(billsec)
    for row in rows:
        if row.cdr["pbx"] == "pbx1":
            verify.times_agree(row)
            verify.fee_is_by_the_book(world, row)
    verify.balances_add_up(world, rows)
    verify.redis_is_empty(world)
