"""Slices: a running call holds more, by numbers that can be repeated."""

import pytest

from callserver.adapters.redis.client import RedisLink
from callserver.adapters.redis.meter_store import RedisMeterStore
from callserver.domain.meter import AccountMissing, Extension, Held, ShardLost
from callserver.domain.price_table import PriceTable
from tests.adapters.redis.meter_store_samples import (
    ACCOUNT,
    PBX,
    SHARD,
    T0_MS,
    admission,
    per_minute,
    per_second,
    settle,
    store_with,
    total,
)

T0_US = T0_MS * 1000


async def running(
    link: RedisLink, settled_micros: int, table: PriceTable, slice_s: int, **changed: int
) -> tuple[RedisMeterStore, str]:
    """A store with one answered call on an account with so much money."""
    store = await store_with(link, total(settled_micros, **changed))
    call = admission(table=table, slice_s=slice_s)
    assert isinstance(await store.admit(call), Held)
    await store.answer(SHARD, call.token, 1, T0_US, table, T0_MS)
    return store, call.token


async def held_and_available(store: RedisMeterStore) -> tuple[int, int]:
    """The account's hold and what is left beside it."""
    balance = await store.balance(ACCOUNT, T0_US)
    return balance.held_micros, balance.available_micros


async def test_extend_holds_the_price_of_it_all_less_what_is_held(link: RedisLink) -> None:
    """Slices of 30 s at 60/60 hold one minute after the other, not a minute per slice."""
    store, call = await running(link, 1_000_000, per_minute(), 30)
    assert await store.extend(SHARD, call, 2, 30, T0_MS) == Extension(120, 300_000, 60, final=False)
    assert await store.extend(SHARD, call, 3, 30, T0_MS) == Extension(180, 450_000, 60, final=False)
    assert await held_and_available(store) == (450_000, 550_000)


async def test_extend_is_repeated_by_slice_number(link: RedisLink) -> None:
    """The same number again gives the same answer; a lower one grants nothing."""
    store, call = await running(link, 1_000_000, per_second(), 10)
    second = await store.extend(SHARD, call, 2, 10, T0_MS)
    assert second == Extension(20, 200_000, 10, final=False)
    assert await store.extend(SHARD, call, 2, 10, T0_MS) == second
    await store.extend(SHARD, call, 3, 10, T0_MS)
    assert await store.extend(SHARD, call, 2, 10, T0_MS) == Extension(30, 300_000, 0, final=False)
    assert await held_and_available(store) == (300_000, 700_000)


async def test_extend_grants_what_is_left_and_says_it_is_final(link: RedisLink) -> None:
    """0.05 yuan beyond the first slice buy five more seconds."""
    store, call = await running(link, 150_000, per_second(), 10)
    partial = Extension(15, 150_000, 5, final=True)
    assert await store.extend(SHARD, call, 2, 10, T0_MS) == partial
    assert await store.extend(SHARD, call, 2, 10, T0_MS) == partial
    assert await held_and_available(store) == (150_000, 0)


async def test_extend_refused_succeeds_after_a_top_up(link: RedisLink) -> None:
    """A refusal uses up no number, so the same slice is granted once there is money."""
    store, call = await running(link, 100_000, per_second(), 10)
    refused = Extension(10, 100_000, 0, final=True)
    assert [await store.extend(SHARD, call, 2, 10, T0_MS) for _ in range(2)] == [refused] * 2
    meter = await store.meter(SHARD, call)
    assert meter is not None
    assert (meter.slices, meter.final) == (1, True)
    assert await store.apply_entry(ACCOUNT, 2, 500_000, 0)
    assert await store.extend(SHARD, call, 2, 10, T0_MS) == Extension(20, 200_000, 10, final=False)


async def test_extend_never_takes_below_a_lowered_limit(link: RedisLink) -> None:
    """With the credit limit gone nothing more is granted, and nothing is taken back."""
    store, call = await running(link, 0, per_second(), 10, floor_micros=300_000)
    assert not await store.load_account(total(0))
    assert await store.extend(SHARD, call, 2, 10, T0_MS) == Extension(10, 100_000, 0, final=True)
    assert await held_and_available(store) == (100_000, -100_000)


async def test_extend_uses_up_a_dear_first_hold(link: RedisLink) -> None:
    """The hold was for the dearest line; on a cheaper one it lasts for longer, at no new hold."""
    store = await store_with(link, total(100_000))
    call = admission(table=per_second(), slice_s=10)
    await store.admit(call)
    await store.answer(SHARD, call.token, 1, T0_US, per_second(300_000), T0_MS)
    longer = Extension(20, 100_000, 10, final=False)
    assert await store.extend(SHARD, call.token, 2, 10, T0_MS) == longer
    assert await held_and_available(store) == (100_000, 0)


async def test_extend_moves_the_due_time_when_it_grants(link: RedisLink) -> None:
    """A granted slice is looked at when half of it is used; a refused one keeps its claim."""
    store, call = await running(link, 200_000, per_second(), 10)
    await store.extend(SHARD, call, 2, 10, T0_MS + 7)
    assert await store.due(SHARD, PBX, T0_MS + 6, 1, 9) == []
    assert len(await store.due(SHARD, PBX, T0_MS + 7, 100, 9)) == 1
    await store.extend(SHARD, call, 3, 10, T0_MS)
    assert await store.due(SHARD, PBX, T0_MS + 106, 1, 9) == []


async def test_extend_of_a_closed_call_is_none(link: RedisLink) -> None:
    """Nothing is held for a call that has ended."""
    store, call = await running(link, 200_000, per_second(), 10)
    await settle(store, call, 1)
    assert await store.extend(SHARD, call, 2, 10, T0_MS) is None
    assert await held_and_available(store) == (0, 190_000)


async def test_extend_needs_a_trusted_shard_and_a_loaded_account(link: RedisLink) -> None:
    """Without a balance there is nothing to hold against: faults, not refusals."""
    store, call = await running(link, 200_000, per_second(), 10)
    await link.query("DEL", f"{{cs:{SHARD:02d}}}:acct:{ACCOUNT}")
    with pytest.raises(AccountMissing):
        await store.extend(SHARD, call, 2, 10, T0_MS)
    await link.query("DEL", f"{{cs:{SHARD:02d}}}:epoch")
    with pytest.raises(ShardLost):
        await store.extend(SHARD, call, 2, 10, T0_MS)
