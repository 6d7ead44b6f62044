"""Live calls, and one call live or finished."""

import asyncio

from callserver.adapters.http import models
from callserver.domain.call import Plan
from tests.adapters.http.bed import Bed
from tests.adapters.sql.samples import cdr

LIVE = "/v1/calls?state=live"


async def test_live_calls_show_state_duration_and_running_fee(bed: Bed) -> None:
    """The newest first; a ringing call has no answer and costs nothing yet."""
    await bed.top_up("acme", "10.00")
    answered, token = await bed.ring()
    await bed.answer("acme", token, before_us=61_500_000)
    ringing, _ = await bed.ring()
    reply = await bed.ask(LIVE, "acme")
    shown = models.LiveCalls.model_validate(reply.json)
    first, second = shown.calls
    assert (first.call_id, first.state, first.answered_at) == (ringing.call_id, "ringing", None)
    assert (first.running_fee.amount, first.duration_seconds) == ("0.000000", 0)
    assert (second.call_id, second.state) == (answered.call_id, "answered")
    assert (second.running_fee.amount, second.duration_seconds) == ("0.300000", 61)
    assert (second.held_seconds, second.held.amount) == (300, "0.750000")
    assert (second.did, second.destination, second.line) == ("4001234567", "057188886666", 1)
    assert shown.total == 2


async def test_a_pbx_whose_clock_differs_is_corrected(bed: Bed) -> None:
    """A call's instants are its PBX's; what is shown is ours."""
    await bed.top_up("acme", "10.00")
    _, token = await bed.ring()
    await bed.answer("acme", token, before_us=3_600_000_000)  # the PBX is an hour behind
    bed.clocks.set_offset("pbx-1", 3_600_000_000)
    (call,) = (await bed.ask(LIVE, "acme")).json["calls"]
    assert call["duration_seconds"] < 60
    assert call["running_fee"]["amount"] == "0.150000"


async def test_only_the_customer_sees_the_caller_in_full(bed: Bed) -> None:
    """NOC, provider and admin see a masked number, the customer's own token the whole one."""
    await bed.top_up("acme", "10.00")
    await bed.ring()
    for who in ("admin", "noc", "north"):
        (call,) = (await bed.ask(LIVE, who)).json["calls"]
        assert (call["caller"]["number"], call["caller"]["masked"]) == ("138****1234", True)
    (call,) = (await bed.ask(LIVE, "acme")).json["calls"]
    assert (call["caller"]["number"], call["caller"]["masked"]) == ("13800571234", False)
    assert call["caller"]["region"] == {"province": "浙江", "city": "杭州", "area_code": "0571"}


async def test_everybody_sees_only_their_own_live_calls(bed: Bed) -> None:
    """A provider sees its whole tree's, the NOC and admin everybody's."""
    for account in ("acme", "bolt", "cork"):
        await bed.top_up(account, "10.00")
        await bed.ring(account)
    seen = {}
    for who in ("admin", "noc", "north", "south", "acme", "cork"):
        reply = await bed.ask(LIVE, who)
        seen[who] = sorted(call["customer"] for call in reply.json["calls"])
    everybody = ["acme", "bolt", "cork"]
    assert seen == {
        "admin": everybody,
        "noc": everybody,
        "north": ["acme", "bolt"],
        "south": ["cork"],
        "acme": ["acme"],
        "cork": ["cork"],
    }


async def test_live_calls_are_filtered_by_did_and_cut_at_the_limit(bed: Bed) -> None:
    """`total` counts what the limit cut off."""
    await bed.top_up("acme", "10.00")
    for did in ("4001234567", "4001234567", "4007654321"):
        await bed.ring(did=did)
    reply = await bed.ask(f"{LIVE}&did=4001234567&limit=1", "acme")
    assert (len(reply.json["calls"]), reply.json["total"]) == (1, 2)


async def test_state_must_be_live(bed: Bed) -> None:
    """Whoever looks for finished calls is told where they are."""
    for path in ("/v1/calls", "/v1/calls?state=ended", f"{LIVE}&stat=1", f"{LIVE}&state=live"):
        reply = await bed.ask(path)
        assert (reply.status, reply.json["code"]) == (400, "bad_value")
    assert "/v1/cdrs" in (await bed.ask("/v1/calls")).json["detail"]


async def test_one_call_is_live_and_later_ended(bed: Bed) -> None:
    """The same address answers from the first ring on."""
    await bed.top_up("acme", "10.00")
    plan, _ = await bed.ring()
    for who in ("acme", "north", "noc"):
        reply = await bed.ask(f"/v1/calls/{plan.call_id}", who)
        shown = models.Call.model_validate(reply.json)
        assert (shown.state, shown.cdr) == ("ringing", None)
    await _end(bed, plan)
    shown = models.Call.model_validate((await bed.ask(f"/v1/calls/{plan.call_id}", "acme")).json)
    assert (shown.state, shown.live) == ("ended", None)
    assert shown.cdr is not None
    assert shown.cdr.fee.amount == "0.300000"


async def test_a_call_between_its_end_and_sql_is_waited_for(bed: Bed) -> None:
    """For some milliseconds a call is neither live nor written."""
    call_id = f"07-{'e' * 32}"
    asking = asyncio.create_task(bed.ask(f"/v1/calls/{call_id}", "acme"))
    await asyncio.sleep(0.03)
    await bed.books.write_cdrs([cdr(call_id=call_id, token_hash="e" * 32)])
    assert (await asking).json["state"] == "ended"


async def test_a_foreign_call_is_not_found_like_a_missing_one(bed: Bed) -> None:
    """The answers don't differ by a byte."""
    await bed.top_up("acme", "10.00")
    plan, _ = await bed.ring()
    finished = cdr()
    await bed.books.write_cdrs([finished])
    replies = [
        await bed.ask(f"/v1/calls/{call_id}", "cork")
        for call_id in (plan.call_id, finished.call_id, f"07-{'0' * 32}", "nonsense")
    ]
    assert {reply.status for reply in replies} == {404}
    assert len({reply.text for reply in replies}) == 1
    assert (await bed.ask(f"/v1/calls/{plan.call_id}", "south")).status == 404


async def _end(bed: Bed, plan: Plan) -> None:
    await bed.books.write_cdrs([cdr(call_id=plan.call_id, token_hash=plan.token_hash)])
