"""Accounts and shards: entries in order, the outbox, the tombstones, the rebuild."""

import pytest

from callserver.adapters.redis.client import RedisLink
from callserver.adapters.redis.meter_store import RedisMeterStore
from callserver.domain.meter import AccountMissing, Settled, ShardLost
from tests.adapters.redis.meter_store_samples import (
    ACCOUNT,
    EPOCH,
    PBX,
    RUN,
    SHARD,
    T0_MS,
    YUAN,
    admission,
    left_over,
    per_minute,
    settle,
    store_with,
    token,
    total,
)

T0_US = T0_MS * 1000


@pytest.fixture
async def store(link: RedisLink) -> RedisMeterStore:
    """A store with the account and its ten yuan, after one entry."""
    return await store_with(link, total())


async def money(store: RedisMeterStore) -> tuple[int, int, int, int]:
    """settled, held, floor and sequence number of the account."""
    found = await store.balance(ACCOUNT, T0_US)
    return found.settled_micros, found.held_micros, found.floor_micros, found.seq


async def test_entries_apply_in_order_and_once(store: RedisMeterStore) -> None:
    """A gap is reported and moves nothing; an old entry is taken for done."""
    assert not await store.apply_entry(ACCOUNT, 3, 7, 0)
    assert await store.apply_entry(ACCOUNT, 2, -4 * YUAN, 5)
    assert await store.apply_entry(ACCOUNT, 2, -4 * YUAN, 5)
    assert await store.apply_entry(ACCOUNT, 1, 99, 9)
    assert await money(store) == (6 * YUAN, 0, 5, 2)


async def test_entries_need_a_trusted_shard_and_a_loaded_account(
    store: RedisMeterStore, link: RedisLink
) -> None:
    """An entry that finds no account must come again."""
    with pytest.raises(AccountMissing):
        await store.apply_entry("nobody", 1, 1, 0)
    await link.query("DEL", f"{{cs:{SHARD:02d}}}:epoch")
    with pytest.raises(ShardLost):
        await store.apply_entry(ACCOUNT, 2, 1, 0)
    with pytest.raises(ShardLost):
        await store.load_account(total())


async def test_load_account_leaves_the_money_of_one_that_is_there(store: RedisMeterStore) -> None:
    """Only the floor is taken, and only from a reading that is as late as what Redis has."""
    assert not await store.load_account(total(1, floor_micros=8))
    assert not await store.load_account(total(1, floor_micros=9, seq=0))
    assert await money(store) == (10 * YUAN, 0, 8, 1)


async def test_load_account_finds_the_holds_of_open_calls(
    store: RedisMeterStore, link: RedisLink
) -> None:
    """An account that vanished from Redis alone comes back with what its calls hold."""
    call = admission()
    await store.admit(call)
    await link.query("DEL", f"{{cs:{SHARD:02d}}}:acct:{ACCOUNT}")
    assert await store.load_account(total())
    assert await money(store) == (10 * YUAN, 750_000, 0, 1)
    await settle(store, call.token, 1)
    assert await money(store) == (9_850_000, 0, 0, 1)


async def test_outbox_keeps_calls_until_they_are_acknowledged(
    store: RedisMeterStore, link: RedisLink
) -> None:
    """An acknowledged call leaves the outbox; its tombstone stays, and is forgotten in time."""
    tokens = [token() for _ in range(3)]
    for one in tokens:
        await settle(store, one, 61)
    assert len(await store.outbox(SHARD, 2)) == 2
    assert {entry.token for entry in await store.outbox(SHARD, 9)} == set(tokens)
    for at_ms in (T0_MS, T0_MS + 500):
        await store.acknowledge(SHARD, tokens[:2], at_ms)
    assert [entry.token for entry in await store.outbox(SHARD, 9)] == tokens[2:]
    assert not (await settle(store, tokens[0], 61)).first
    assert await store.forget(SHARD, T0_MS, 9) == 0
    assert [await store.forget(SHARD, T0_MS + 1, 1) for _ in range(3)] == [1, 1, 0]
    assert await link.query("EXISTS", f"{{cs:{SHARD:02d}}}:closed") == 0
    await store.acknowledge(SHARD, [], T0_MS)


async def test_outbox_is_read_whole_when_it_is_long(store: RedisMeterStore) -> None:
    """Beyond what Redis gives at once, no entry is left out and none comes twice."""
    tokens = {token() for _ in range(300)}
    for one in tokens:
        await settle(store, one, 0, payload=b"x" * 100)
    entries = await store.outbox(SHARD, 1_000)
    assert sorted(entry.token for entry in entries) == sorted(tokens)
    assert len(await store.outbox(SHARD, 120)) == 120


async def test_acknowledging_an_open_call_closes_it_without_a_charge(
    store: RedisMeterStore, link: RedisLink
) -> None:
    """SQL has its CDR, so Redis lost the settlement: SQL's sum has the charge already."""
    call = admission()
    await store.admit(call)
    await store.acknowledge(SHARD, [call.token], T0_MS)
    assert await money(store) == (10 * YUAN, 0, 0, 1)
    assert not await left_over(link)
    assert await settle(store, call.token, 61) == Settled(0, 0, 0, 0, first=False)
    assert await store.outbox(SHARD, 9) == []


async def test_shards_without_an_epoch_of_this_run_are_lost(
    store: RedisMeterStore, link: RedisLink
) -> None:
    """A restarted Redis has another run id, so none of its shards is trusted."""
    assert await store.lost_shards(RUN) == []
    await link.query("DEL", "{cs:07}:epoch")
    assert await store.lost_shards(RUN) == [7]
    assert await store.lost_shards("run") == list(range(64))


async def test_rebuild_takes_sqls_sum_less_the_outbox_and_the_open_holds(
    store: RedisMeterStore,
) -> None:
    """Whatever balance Redis had is replaced; what SQL does not have yet is not forgotten."""
    call, settled = admission(), token()
    await store.admit(call)
    await settle(store, settled, 61)
    for _ in range(2):
        await store.rebuild_shard(SHARD, f"{RUN}:2", [total(2 * YUAN, seq=7)], [])
        assert await money(store) == (1_700_000, 750_000, 0, 7)
    assert not (await settle(store, settled, 61)).first


async def test_rebuild_makes_lost_meters_anew(store: RedisMeterStore, link: RedisLink) -> None:
    """After a flush the calls in hand have their hold, slots and due time back."""
    ringing, talking = admission(), admission()
    for call in (ringing, talking):
        await store.admit(call)
    await store.answer(SHARD, talking.token, 2, T0_US, per_minute(), T0_MS)
    before = sorted(await store.open_meters(PBX), key=lambda meter: meter.token)
    await link.query("FLUSHALL")
    for _ in range(2):
        await store.rebuild_shard(SHARD, EPOCH, [total()], before)
        after = sorted(await store.open_meters(PBX), key=lambda meter: meter.token)
        assert after == before
        assert await money(store) == (10 * YUAN, 1_500_000, 0, 1)
    assert (await store.balance(ACCOUNT, T0_US)).running_micros == 150_000  # only one talks
    assert await link.query("SMEMBERS", f"{{cs:{SHARD:02d}}}:line:back") == [talking.token.encode()]
    assert len(await store.due(SHARD, PBX, T0_MS, 1, 9)) == 2
    assert await store.next_line(SHARD, ringing.token, 1, ringing.lines) == 3
    for call in (ringing, talking):
        await settle(store, call.token, 61)
    assert await money(store) == (9_400_000, 0, 0, 1)
    assert not await left_over(link)


async def test_rebuild_trusts_redis_over_what_a_process_remembers(store: RedisMeterStore) -> None:
    """An open meter found is newer than the one passed, and a closed one stays closed."""
    extended, closed = admission(), admission()
    for call in (extended, closed):
        await store.admit(call)
    remembered = await store.open_meters(PBX)
    await store.extend(SHARD, extended.token, 2, 300, T0_MS)
    await settle(store, closed.token, 61)
    await store.rebuild_shard(SHARD, EPOCH, [total()], remembered)
    assert await money(store) == (9_700_000, 1_500_000, 0, 1)
    assert [meter.token for meter in await store.open_meters(PBX)] == [extended.token]
