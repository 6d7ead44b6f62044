"""What can be read of live calls: what is due, what is open, what it costs so far."""

import pytest

from callserver.adapters.redis.client import RedisLink
from callserver.adapters.redis.meter_store import RedisMeterStore
from callserver.domain.identity import shard_of
from callserver.domain.meter import AccountMissing, ShardLost
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
OTHER = "other"


@pytest.fixture
async def store(link: RedisLink) -> RedisMeterStore:
    """A store with two accounts in different shards."""
    assert shard_of(OTHER) != SHARD
    return await store_with(link, total(), total(account=OTHER))


async def test_due_meters_are_claimed_until_the_claim_runs_out(store: RedisMeterStore) -> None:
    """Two schedulers don't look at the same call; one that dies leaves it to the other."""
    call = admission(due_ms=T0_MS)
    await store.admit(call)
    assert await store.due(SHARD, PBX, T0_MS - 1, 50, 9) == []
    assert [one.token for one in await store.due(SHARD, PBX, T0_MS, 50, 9)] == [call.token]
    assert await store.due(SHARD, PBX, T0_MS + 49, 50, 9) == []
    assert len(await store.due(SHARD, PBX, T0_MS + 50, 50, 9)) == 1


async def test_due_takes_the_oldest_and_at_most_so_many(store: RedisMeterStore) -> None:
    """A backlog is worked off in order."""
    calls = [admission(due_ms=T0_MS + n) for n in (3, 1, 2)]
    for call in calls:
        await store.admit(call)
    first = await store.due(SHARD, PBX, T0_MS + 9, 50, 2)
    assert [one.token for one in first] == [calls[1].token, calls[2].token]
    assert len(await store.due(SHARD, PBX, T0_MS + 9, 50, 2)) == 1


async def test_nothing_is_due_in_a_lost_shard(store: RedisMeterStore, link: RedisLink) -> None:
    """Its balances can't be trusted, so nothing is held from them."""
    await store.admit(admission(due_ms=T0_MS))
    await link.query("DEL", f"{{cs:{SHARD:02d}}}:epoch")
    assert await store.due(SHARD, PBX, T0_MS, 50, 9) == []


async def test_a_due_entry_without_a_meter_is_cleared(
    store: RedisMeterStore, link: RedisLink
) -> None:
    """A token left behind is not claimed again and again."""
    await link.query("ZADD", f"{{cs:{SHARD:02d}}}:due:{PBX}", T0_MS, "ghost")
    assert await store.due(SHARD, PBX, T0_MS, 50, 9) == []
    assert await link.query("EXISTS", f"{{cs:{SHARD:02d}}}:due:{PBX}") == 0


async def test_open_meters_are_those_of_the_pbx_over_all_shards(store: RedisMeterStore) -> None:
    """Another PBX's calls and closed ones are not among them."""
    mine = admission()
    far = admission(shard=shard_of(OTHER), account=OTHER, did="4007654321")
    elsewhere, closed = admission(pbx="pbx-2"), admission()
    for call in (mine, far, elsewhere, closed):
        await store.admit(call)
    await settle(store, closed.token, 0)
    found = {meter.token: meter.shard for meter in await store.open_meters(PBX)}
    assert found == {mine.token: SHARD, far.token: shard_of(OTHER)}
    account_calls = {meter.token for meter in await store.account_meters(ACCOUNT)}
    assert account_calls == {mine.token, elsewhere.token}


async def test_seen_rises_and_leaves_closed_calls_alone(store: RedisMeterStore) -> None:
    """The last proof of life is the latest one, in whatever order they come."""
    open_call, closed = admission(), admission()
    for call in (open_call, closed):
        await store.admit(call)
    await settle(store, closed.token, 0)
    for at_ms in (T0_MS + 9, T0_MS + 5):
        await store.seen(SHARD, [open_call.token, closed.token, "unknown"], at_ms)
    meter = await store.meter(SHARD, open_call.token)
    assert meter is not None
    assert meter.seen_ms == T0_MS + 9
    assert not (await settle(store, closed.token, 0)).first
    await store.seen(SHARD, [], T0_MS)


async def test_balance_counts_running_fees_of_answered_calls(store: RedisMeterStore) -> None:
    """A ringing call costs nothing yet, an answered one at least its first second."""
    ringing, minutes, seconds = admission(), admission(), admission(table=per_second())
    for call in (ringing, minutes, seconds):
        await store.admit(call)
    await store.answer(SHARD, minutes.token, 1, T0_US, per_minute(), T0_MS)
    await store.answer(SHARD, seconds.token, 1, T0_US + 30_500_000, per_second(), T0_MS)
    balance = await store.balance(ACCOUNT, T0_US + 61_999_999)
    assert balance.running_micros == 300_000 + 310_000
    assert (balance.live_calls, balance.held_micros) == (3, 750_000 * 2 + 3_000_000)
    assert (await store.balance(ACCOUNT, T0_US)).running_micros == 150_000 + 10_000


async def test_running_fees_stay_inside_the_hold(store: RedisMeterStore) -> None:
    """A call whose end has not reached us yet shows at most what is held for it."""
    call = admission(table=per_second(), slice_s=10)
    await store.admit(call)
    await store.answer(SHARD, call.token, 1, T0_US, per_second(), T0_MS)
    balance = await store.balance(ACCOUNT, T0_US + 3_600_000_000)
    assert balance.running_micros == balance.held_micros == 100_000


async def test_balance_of_what_is_not_there_is_a_fault(
    store: RedisMeterStore, link: RedisLink
) -> None:
    """A balance that can't be known is not shown as zero."""
    with pytest.raises(AccountMissing):
        await store.balance("nobody", T0_US)
    await link.query("DEL", f"{{cs:{SHARD:02d}}}:epoch")
    with pytest.raises(ShardLost):
        await store.balance(ACCOUNT, T0_US)
