"""Live calls as the meters have them."""

import io

from callserver.domain.identity import shard_of
from callserver.service.live import LiveCalls, LiveState
from tests.adapters.http.bed import PBX, Bed
from tests.adapters.http.conftest import bed, link, valkey, valkey_server

__all__ = ["bed", "link", "valkey", "valkey_server"]


class _Clock:
    """Moves when told."""

    def __init__(self, at_us: int) -> None:
        self.at_us = at_us

    def now_us(self) -> int:
        return self.at_us


def _live(bed: Bed, clock: _Clock) -> LiveCalls:
    return LiveCalls(bed.store, clock, bed.clocks.offset_us, [PBX])


async def test_the_running_fee_follows_the_clock(bed: Bed) -> None:
    """Whole seconds since the answer, at least one, priced as if the call ended now."""
    await bed.top_up("acme", "10.00")
    plan, token = await bed.ring()
    meter = await bed.answer("acme", token)
    clock = _Clock(meter.answered_us)
    for after_us, duration_s, fee in (
        (-5_000_000, 0, 150_000), (0, 0, 150_000), (59_999_999, 59, 150_000),
        (60_000_000, 60, 150_000), (61_000_000, 61, 300_000),
    ):  # fmt: skip
        clock.at_us = meter.answered_us + after_us
        (call,) = await _live(bed, clock).of_customer("acme")
        assert (call.duration_s, call.running_micros) == (duration_s, fee)
    assert (call.call_id, call.state) == (plan.call_id, LiveState.ANSWERED)


async def test_one_reading_serves_all_who_ask_at_once(bed: Bed) -> None:
    """And is made anew a moment later."""
    await bed.top_up("acme", "10.00")
    clock = _Clock(bed.clock.now_us())
    live = _live(bed, clock)
    await bed.ring()
    first = await live.all()
    await bed.ring()
    assert await live.all() is first
    clock.at_us += 300_000
    assert len(await live.all()) == 2
    clock.at_us -= 3_600_000_000  # a clock that jumps back must not freeze the list
    await bed.ring()
    assert len(await live.all()) == 3


async def test_a_call_is_found_by_its_id(bed: Bed) -> None:
    """With the customer or without."""
    await bed.top_up("acme", "10.00")
    plan, _ = await bed.ring()
    live = _live(bed, _Clock(bed.clock.now_us()))
    for customer in ("acme", None):
        found = await live.find(plan.call_id, customer)
        assert found is not None
        assert found.caller.number == "13800571234"
    assert await live.find(plan.call_id, "cork") is None
    assert await live.find(f"00-{'0' * 32}") is None


async def test_a_plan_that_cannot_be_read_hides_that_call_only(
    bed: Bed, log_text: io.StringIO
) -> None:
    """Another version may have written it; the others are shown."""
    await bed.top_up("acme", "10.00")
    _, token = await bed.ring()
    await bed.link.query("HSET", f"{{cs:{shard_of('acme'):02d}}}:meter:{token}", "plan", "{}")
    kept, _ = await bed.ring()
    shown = await _live(bed, _Clock(bed.clock.now_us())).of_customer("acme")
    assert [call.call_id for call in shown] == [kept.call_id]
    assert "live.unreadable_plan" in log_text.getvalue()
