"""The life of one call in Redis: admitted, moved, answered, extended, settled."""

import pytest

from callserver.adapters.redis.client import RedisLink
from callserver.adapters.redis.meter_store import RedisMeterStore
from callserver.domain.meter import (
    AccountMissing,
    Held,
    MeterState,
    NotHeld,
    OutboxEntry,
    Settled,
    ShardLost,
)
from callserver.domain.refusal import Refusal
from callserver.ports import MeterStore
from tests.adapters.redis.meter_store_samples import (
    ACCOUNT,
    EPOCH,
    PBX,
    SHARD,
    T0_MS,
    YUAN,
    admission,
    left_over,
    per_minute,
    per_second,
    settle,
    store_with,
    token,
    total,
)

T0_US = T0_MS * 1000


@pytest.fixture
async def store(link: RedisLink) -> RedisMeterStore:
    """A store with the account and its ten yuan."""
    return await store_with(link, total())


async def held_micros(store: MeterStore) -> int:
    """What the account's calls hold."""
    return (await store.balance(ACCOUNT, T0_US)).held_micros


async def slots(link: RedisLink, line: str) -> set[bytes]:
    """Tokens in a line's slots."""
    found: set[bytes] = set(await link.query("SMEMBERS", f"{{cs:{SHARD:02d}}}:line:{line}"))
    return found


async def test_admit_holds_the_first_slice_and_the_first_free_line(
    store: RedisMeterStore, link: RedisLink
) -> None:
    """300 s at 0.15 a minute hold 0.75 yuan; line 1 is taken, then line 2, then 3 for ever."""
    tokens = [token() for _ in range(4)]
    held = [await store.admit(admission(one)) for one in tokens]
    assert held == [Held(line, 300, 750_000, final=False) for line in (1, 2, 3, 3)]
    assert await held_micros(store) == 3 * YUAN
    assert await slots(link, "home") == {tokens[2].encode(), tokens[3].encode()}


async def test_admit_again_gives_the_same_answer_and_moves_nothing(store: RedisMeterStore) -> None:
    """A route request repeated after a lost reply holds no second slice."""
    call = admission()
    first = await store.admit(call)
    assert await store.admit(call) == first
    assert await held_micros(store) == 750_000
    assert (await store.balance(ACCOUNT, T0_US)).live_calls == 1


async def test_admit_rounds_the_slice_up_to_whole_increments(store: RedisMeterStore) -> None:
    """61 s in steps of 60 hold 120 s, for that is what they would cost."""
    assert await store.admit(admission(slice_s=61)) == Held(1, 120, 300_000, final=False)


async def test_admit_holds_what_the_balance_still_buys(link: RedisLink) -> None:
    """With 0.50 yuan three started minutes are left, and the slice is final."""
    store = await store_with(link, total(500_000))
    assert await store.admit(admission()) == Held(1, 180, 450_000, final=True)


async def test_admit_refuses_when_not_even_one_increment_is_paid_for(link: RedisLink) -> None:
    """0.149 yuan don't buy a minute at 0.15."""
    store = await store_with(link, total(149_000))
    assert await store.admit(admission()) == NotHeld(Refusal.NO_CREDIT, 149_000)
    assert not await left_over(link)


async def test_admit_uses_the_credit_limit_down_to_its_end(link: RedisLink) -> None:
    """A postpaid account may go below zero by its floor and no further."""
    store = await store_with(link, total(0, floor_micros=300_000))
    assert await store.admit(admission()) == Held(1, 120, 300_000, final=True)
    assert await store.admit(admission()) == NotHeld(Refusal.NO_CREDIT, 0)


async def test_a_price_of_nothing_needs_no_balance(link: RedisLink) -> None:
    """A free tariff gives the whole slice, also to an account that owes."""
    store = await store_with(link, total(-5))
    free = per_minute(0)
    assert await store.admit(admission(table=free)) == Held(1, 300, 0, final=False)


async def test_limits_refuse_before_lines_and_lines_before_credit(link: RedisLink) -> None:
    """When everything is short the reason is the DID's limit, then the lines, then credit."""
    store = await store_with(link, total(150_000))
    await store.admit(admission(lines=(("desk", 1),), slice_s=60))
    refused = [
        await store.admit(admission(lines=lines, did_calls_max=most))
        for lines, most in (((("desk", 1),), 1), ((("desk", 1),), 2), ((("desk", 2),), 2))
    ]
    assert [answer.refusal for answer in refused if isinstance(answer, NotHeld)] == [
        Refusal.TOO_MANY_CALLS,
        Refusal.LINES_BUSY,
        Refusal.NO_CREDIT,
    ]


async def test_admit_needs_a_trusted_shard_and_a_loaded_account(link: RedisLink) -> None:
    """A lost shard and an unknown account are faults with names, not refusals."""
    store = RedisMeterStore(link)
    with pytest.raises(ShardLost):
        await store.admit(admission())
    await store.rebuild_shard(SHARD, EPOCH, [], [])
    with pytest.raises(AccountMissing):
        await store.admit(admission())


async def test_a_settled_call_is_not_admitted_again(store: RedisMeterStore) -> None:
    """An old request that arrives late finds the tombstone."""
    call = admission()
    await store.admit(call)
    await settle(store, call.token, 0)
    assert await store.admit(call) == NotHeld(Refusal.FAULT)


async def test_next_line_moves_the_slot_and_repeats_itself(
    store: RedisMeterStore, link: RedisLink
) -> None:
    """The failed line is free for others; the same report again changes nothing."""
    lines = [("desk", 1), ("back", 1), ("home", 0)]
    call = admission()
    await store.admit(call)
    assert [await store.next_line(SHARD, call.token, 1, lines) for _ in range(2)] == [2, 2]
    assert (await slots(link, "desk"), await slots(link, "back")) == (set(), {call.token.encode()})
    assert await store.next_line(SHARD, call.token, 2, lines) == 3
    assert [await store.next_line(SHARD, call.token, 3, lines) for _ in range(2)] == [0, 0]
    assert await slots(link, "home") == set()


async def test_next_line_passes_over_busy_lines_and_never_goes_back(store: RedisMeterStore) -> None:
    """A busy line is left out; the lines before the failed one are not tried again."""
    lines = (("desk", 1), ("back", 1), ("side", 1))
    other, call = admission(lines=(("back", 1),)), admission(lines=lines)
    await store.admit(other)
    await store.admit(call)
    assert await store.next_line(SHARD, call.token, 1, lines) == 3
    assert await store.next_line(SHARD, call.token, 3, lines) == 0


async def test_next_line_catches_up_with_a_dialplan_that_went_on_alone(
    store: RedisMeterStore, link: RedisLink
) -> None:
    """If the report of line 1 was lost, that of line 2 frees line 1's slot all the same."""
    call = admission()
    await store.admit(call)
    assert await store.next_line(SHARD, call.token, 2, call.lines) == 3
    assert await slots(link, "desk") == set()
    assert await store.next_line(SHARD, call.token, 1, call.lines) == 3


async def test_next_line_of_an_unknown_or_closed_call_is_none(store: RedisMeterStore) -> None:
    """There is no slot to move."""
    call = admission()
    assert await store.next_line(SHARD, call.token, 1, call.lines) == 0
    await store.admit(call)
    await settle(store, call.token, 0)
    assert await store.next_line(SHARD, call.token, 1, call.lines) == 0


async def test_answer_starts_the_meter_once(store: RedisMeterStore) -> None:
    """The first instant stands; a second event finds the meter as it is."""
    call, cheap = admission(), per_second()
    await store.admit(call)
    first = await store.answer(SHARD, call.token, 1, T0_US + 5, cheap, T0_MS + 9)
    assert first is not None
    assert (first.state, first.answered_us, first.table) == (MeterState.ANSWERED, T0_US + 5, cheap)
    assert await store.answer(SHARD, call.token, 2, T0_US + 7, per_minute(), T0_MS) == first
    assert await store.meter(SHARD, call.token) == first
    assert first.plan == call.plan


async def test_answer_on_another_line_moves_the_slot(
    store: RedisMeterStore, link: RedisLink
) -> None:
    """The line that speaks is the one that is counted, whatever reports were lost before."""
    call = admission()
    await store.admit(call)
    await store.answer(SHARD, call.token, 2, T0_US, per_minute(), T0_MS)
    assert (await slots(link, "desk"), await slots(link, "back")) == (set(), {call.token.encode()})
    await settle(store, call.token, 1)
    assert not await left_over(link)


async def test_answer_of_an_unknown_or_closed_call_is_none(store: RedisMeterStore) -> None:
    """No meter starts without a hold, and none after its end."""
    call = admission()
    assert await store.answer(SHARD, call.token, 1, T0_US, per_minute(), T0_MS) is None
    await store.admit(call)
    await settle(store, call.token, 0)
    assert await store.answer(SHARD, call.token, 1, T0_US, per_minute(), T0_MS) is None


async def test_settle_charges_the_fee_and_gives_everything_back(
    store: RedisMeterStore, link: RedisLink
) -> None:
    """61 s at 60/60 cost 0.30; the rest of the hold, slots and due time are free again."""
    call = admission()
    await store.admit(call)
    await store.answer(SHARD, call.token, 1, T0_US, per_minute(), T0_MS)
    assert await settle(store, call.token, 61) == Settled(300_000, 300_000, 0, 120, first=True)
    assert (await store.balance(ACCOUNT, T0_US)).settled_micros == 9_700_000
    assert not await left_over(link)
    assert await store.meter(SHARD, call.token) is None


async def test_settle_again_gives_the_old_figures(store: RedisMeterStore, link: RedisLink) -> None:
    """A second report, with other seconds, changes neither money nor outbox."""
    call = admission()
    await store.admit(call)
    await settle(store, call.token, 61, payload=b"first")
    again = await settle(store, call.token, 3600, payload=b"second")
    assert again == Settled(300_000, 300_000, 0, 120, first=False)
    assert (await store.balance(ACCOUNT, T0_US)).settled_micros == 9_700_000
    assert await store.outbox(SHARD, 10) == [
        OutboxEntry(SHARD, call.token, Settled(300_000, 300_000, 0, 120, first=True), b"first")
    ]


async def test_settle_writes_off_what_is_beyond_the_hold(store: RedisMeterStore) -> None:
    """A call ended late by a fault is charged its hold; without the cap it pays in full."""
    call, postpaid = admission(), admission()
    for one in (call, postpaid):
        await store.admit(one)
    assert await settle(store, call.token, 301) == Settled(
        900_000, 750_000, 150_000, 360, first=True
    )
    uncapped = await settle(store, postpaid.token, 301, cap_at_hold=False)
    assert uncapped == Settled(900_000, 900_000, 0, 360, first=True)


async def test_settle_uses_the_answering_lines_table(store: RedisMeterStore) -> None:
    """The table fixed at the answer stands against the one the report brings."""
    call = admission()
    await store.admit(call)
    await store.answer(SHARD, call.token, 1, T0_US, per_second(), T0_MS)
    settled = await settle(store, call.token, 7, table=per_minute(9_000_000))
    assert settled == Settled(70_000, 70_000, 0, 7, first=True)


async def test_settle_without_a_meter_charges_the_account(store: RedisMeterStore) -> None:
    """A call connected without us is charged in full, once, with nothing held to cap it."""
    call = token()
    for first in (True, False):
        assert await settle(store, call, 61) == Settled(300_000, 300_000, 0, 120, first=first)
    assert (await store.balance(ACCOUNT, T0_US)).settled_micros == 9_700_000
    assert len(await store.outbox(SHARD, 10)) == 1


async def test_settle_a_refused_call_costs_nothing_but_has_its_cdr(store: RedisMeterStore) -> None:
    """An unknown DID has no account and no tariff; its CDR goes the same way."""
    nothing = Settled(0, 0, 0, 0, first=True)
    assert await settle(store, token(), 0, table=None, account=None) == nothing
    assert [entry.settled for entry in await store.outbox(SHARD, 10)] == [nothing]


async def test_settle_fails_rather_than_lose_a_charge(link: RedisLink) -> None:
    """Without epoch or account nothing is fixed, so that the call can be settled later."""
    store = RedisMeterStore(link)
    call = token()
    with pytest.raises(ShardLost):
        await settle(store, call, 61)
    await store.rebuild_shard(SHARD, EPOCH, [], [])
    with pytest.raises(AccountMissing):
        await settle(store, call, 61)
    assert await store.load_account(total())
    assert (await settle(store, call, 61)).first


async def test_settle_keeps_the_payload_byte_by_byte(store: RedisMeterStore) -> None:
    """Numbers beyond a double, newlines and non-UTF-8 come out as they went in."""
    payload = b'{"n":12345678901234567890}\n\x00\xff 1 2 3\n'
    await settle(store, token(), 0, payload=payload)
    assert [entry.payload for entry in await store.outbox(SHARD, 10)] == [payload]


async def test_set_due_moves_open_meters_only(store: RedisMeterStore, link: RedisLink) -> None:
    """A closed call does not come back to be looked at."""
    call = admission()
    await store.admit(call)
    await store.set_due(SHARD, PBX, call.token, T0_MS)
    assert [one.token for one in await store.due(SHARD, PBX, T0_MS, 1, 9)] == [call.token]
    await settle(store, call.token, 0)
    await store.set_due(SHARD, PBX, call.token, T0_MS)
    assert not await left_over(link)
