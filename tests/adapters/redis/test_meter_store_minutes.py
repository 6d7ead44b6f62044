"""Included minutes: held before money, used first, given back; and what older versions left."""

import pytest

from callserver.adapters.redis import keys
from callserver.adapters.redis.client import RedisLink
from callserver.adapters.redis.meter_store import RedisMeterStore
from callserver.domain.identity import shard_of
from callserver.domain.meter import Extension, Held, NotHeld, OpenMeter, Settled
from callserver.domain.refusal import Refusal
from tests.adapters.redis.meter_store_samples import (
    ACCOUNT,
    EPOCH,
    LINES,
    SHARD,
    T0_MS,
    admission,
    left_over,
    per_minute,
    per_second,
    settle,
    store_with,
    total,
)

T0_US = T0_MS * 1000


async def minutes_of(store: RedisMeterStore) -> tuple[int, int]:
    """The account's minutes, and those held."""
    balance = await store.balance(ACCOUNT, T0_US)
    return balance.minutes, balance.minutes_held


async def admitted(store: RedisMeterStore, **changed: object) -> tuple[str, Held]:
    """A call that may ring."""
    call = admission(lines=LINES[2:], **changed)
    held = await store.admit(call)
    assert isinstance(held, Held)
    return call.token, held


async def test_minutes_connect_where_there_is_no_money(link: RedisLink) -> None:
    """For as long as they cover; not a second longer."""
    store = await store_with(link, total(0, minutes=3))
    _, held = await admitted(store)
    assert held == Held(1, 180, 0, final=True, minutes=3)
    assert await store.admit(admission(lines=LINES[2:])) == NotHeld(Refusal.NO_CREDIT, 0)


async def test_minutes_connect_where_the_balance_is_below_its_floor(link: RedisLink) -> None:
    """What is owed does not take away what is included."""
    store = await store_with(link, total(-1, minutes=1))
    _, held = await admitted(store)
    assert (held.held_s, held.held_micros) == (60, 0)


async def test_money_pays_for_what_minutes_leave(link: RedisLink) -> None:
    """Five minutes asked for, two included."""
    store = await store_with(link, total(minutes=2))
    token, held = await admitted(store)
    assert held == Held(1, 300, 450_000, final=False, minutes=2)
    await store.answer(SHARD, token, 1, T0_US, per_minute(), T0_MS)
    settled = await settle(store, token, 200)
    assert settled == Settled(300_000, 300_000, 0, 240, first=True, minutes=2)
    assert await minutes_of(store) == (0, 0)


async def test_calls_share_minutes_and_return_what_they_leave(link: RedisLink) -> None:
    """Each holds what there is when it asks; the unused ones serve the next."""
    store = await store_with(link, total(minutes=3))
    first, held = await admitted(store, slice_s=120)
    second, also = await admitted(store, slice_s=120)
    assert (held.minutes, also.minutes, also.held_micros) == (2, 1, 150_000)
    assert (await settle(store, first, 30)).minutes == 1
    assert await minutes_of(store) == (2, 1)
    third, last = await admitted(store, slice_s=60)
    assert (last.minutes, last.held_micros) == (1, 0)
    assert (await settle(store, second, 90)).fee_micros == 150_000
    await settle(store, third, 0)
    assert await minutes_of(store) == (1, 0)
    assert await left_over(link) == {}


async def test_a_slice_holds_the_minutes_that_came_free(link: RedisLink) -> None:
    """What money was held already stays until the end; never more is asked for than is due."""
    store = await store_with(link, total(300_000, minutes=1))
    token, held = await admitted(store, slice_s=120)
    assert (held.held_micros, held.minutes) == (150_000, 1)
    await store.answer(SHARD, token, 1, T0_US, per_minute(), T0_MS)
    await store.apply_entry(ACCOUNT, 2, 0, 0, 5)
    got = await store.extend(SHARD, token, 2, 120, T0_MS)
    assert got == Extension(240, 150_000, 120, final=False, minutes=4)
    assert await store.extend(SHARD, token, 2, 120, T0_MS) == got
    settled = await settle(store, token, 240)
    assert (settled.charged_micros, settled.minutes) == (0, 4)
    assert (await store.balance(ACCOUNT, T0_US)).available_micros == 300_000


@pytest.mark.parametrize("slice_s", [1, 30, 60, 90, 300, 600])
async def test_slicing_a_lone_call_never_changes_what_it_costs(
    link: RedisLink, slice_s: int
) -> None:
    """Minutes and money used are those of the whole, however it is cut."""
    table = per_minute(initial_increment_s=30, increment_s=6, connection_fee_micros=20_000)
    store = await store_with(link, total(minutes=3))
    token, held = await admitted(store, table=table, slice_s=slice_s)
    await store.answer(SHARD, token, 1, T0_US, table, T0_MS)
    held_s, slice_no = held.held_s, 2
    while held_s < 400:
        extended = await store.extend(SHARD, token, slice_no, slice_s, T0_MS)
        assert extended is not None
        assert extended.held_micros == table.price_micros(extended.held_s, 3)
        held_s, slice_no = extended.held_s, slice_no + 1
    settled = await settle(store, token, 400)
    assert (settled.charged_micros, settled.minutes) == (table.price_micros(400, 3), 3)


async def test_running_fees_are_those_beyond_the_minutes(link: RedisLink) -> None:
    """As the CDR will say."""
    store = await store_with(link, total(minutes=1))
    token, _ = await admitted(store)
    await store.answer(SHARD, token, 1, T0_US, per_minute(), T0_MS)
    assert (await store.balance(ACCOUNT, T0_US + 59_000_000)).running_micros == 0
    balance = await store.balance(ACCOUNT, T0_US + 61_000_000)
    assert (balance.running_micros, balance.available_minutes) == (150_000, 0)


async def test_a_call_connected_without_us_uses_what_is_left(link: RedisLink) -> None:
    """Rated afterwards, minutes first; those that a live call holds are its own."""
    store = await store_with(link, total(minutes=3))
    await admitted(store, slice_s=60)
    settled = await settle(store, "unknown", 170)
    assert (settled.minutes, settled.charged_micros) == (2, 150_000)


@pytest.mark.parametrize(("capped", "minutes", "charged"), [(False, 3, 0), (True, 1, 0)])
async def test_a_call_that_outlived_its_hold(
    link: RedisLink, capped: bool, minutes: int, charged: int
) -> None:
    """After a fault: capped it uses what it held, else all the minutes there are by then."""
    store = await store_with(link, total(minutes=1))
    token, _ = await admitted(store, slice_s=60)
    await store.apply_entry(ACCOUNT, 2, 0, 0, 4)
    settled = await settle(store, token, 180, cap_at_hold=capped)
    assert (settled.minutes, settled.charged_micros) == (minutes, charged)
    assert settled.written_off_micros == (300_000 if capped else 0)


async def test_a_plan_that_lapses_takes_no_minutes_from_a_live_call(link: RedisLink) -> None:
    """The sum goes below zero; nothing more can be held until it is above."""
    store = await store_with(link, total(minutes=2))
    token, _ = await admitted(store, slice_s=120)
    await store.apply_entry(ACCOUNT, 2, 0, 0, -2)
    assert (await settle(store, token, 61)).minutes == 2
    balance = await store.balance(ACCOUNT, T0_US)
    assert (balance.minutes, balance.available_minutes) == (-2, 0)


async def test_a_dearer_answer_holds_more(link: RedisLink) -> None:
    """The line that answered, or its hour, costs more than what is held."""
    store = await store_with(link, total(2_000_000))
    token, _ = await admitted(store, slice_s=60)
    meter = await store.answer(SHARD, token, 1, T0_US, per_minute(900_000), T0_MS)
    assert meter is not None
    assert (meter.held_s, meter.held_micros) == (60, 900_000)
    assert (await store.balance(ACCOUNT, T0_US)).held_micros == 900_000


async def test_a_dearer_answer_takes_minutes_that_came_free(link: RedisLink) -> None:
    """They cost nothing."""
    store = await store_with(link, total(150_000))
    token, _ = await admitted(store, slice_s=60)
    await store.apply_entry(ACCOUNT, 2, 0, 0, 1)
    meter = await store.answer(SHARD, token, 1, T0_US, per_minute(900_000), T0_MS)
    assert meter is not None
    assert (meter.held_s, meter.held_micros, meter.minutes) == (60, 150_000, 1)


@pytest.mark.parametrize(("rate", "held_s"), [(1_200_000, 30), (600_000_000, 1)])
async def test_a_dearer_answer_without_money_is_shortened(
    link: RedisLink, rate: int, held_s: int
) -> None:
    """To what is held, at least a second; it is charged at most that."""
    store = await store_with(link, total(600_000))
    token, held = await admitted(store, table=per_second(), slice_s=60)
    assert held.held_micros == 600_000
    meter = await store.answer(SHARD, token, 1, T0_US, per_second(rate), T0_MS)
    assert meter is not None
    assert (meter.held_s, meter.held_micros) == (held_s, 600_000)
    assert meter == await store.meter(SHARD, token)
    again = await store.answer(SHARD, token, 1, T0_US, per_second(rate), T0_MS)
    assert again == meter
    settled = await settle(store, token, held_s)
    assert settled.charged_micros == 600_000


async def test_minutes_held_survive_the_loss_of_redis(link: RedisLink) -> None:
    """What is held, and what is settled but not yet in SQL, is counted again."""
    store = await store_with(link, total(minutes=9))
    token, _ = await admitted(store, slice_s=120)
    await settle(store, "done", 61)
    meter = await store.meter(SHARD, token)
    assert isinstance(meter, OpenMeter)
    outbox = await link.query("HGETALL", keys.outbox(SHARD))
    await link.query("FLUSHALL")
    await link.query("HSET", keys.outbox(SHARD), *outbox)
    await store.rebuild_shard(SHARD, EPOCH, [total(minutes=9)], [meter])
    assert await minutes_of(store) == (7, 2)
    assert await store.meter(SHARD, token) == meter


async def test_a_loaded_account_has_its_minutes(link: RedisLink) -> None:
    """And those that its open calls hold are held."""
    store = await store_with(link, total(minutes=4))
    await admitted(store, slice_s=60)
    await link.query("DEL", keys.account(SHARD, ACCOUNT))
    assert await store.load_account(total(minutes=4))
    assert await minutes_of(store) == (4, 1)


async def test_what_sql_has_gives_its_minutes_back(link: RedisLink) -> None:
    """A call that Redis has open again is closed without using any."""
    store = await store_with(link, total(minutes=4))
    token, _ = await admitted(store, slice_s=60)
    await store.acknowledge(SHARD, [token], T0_MS)
    assert await minutes_of(store) == (4, 0)


async def test_a_meter_of_an_older_version_settles(link: RedisLink) -> None:
    """It and its account have no field of minutes, its outbox entry neither."""
    store = await store_with(link, total())
    token, _ = await admitted(store)
    await link.query("HDEL", keys.account(SHARD, ACCOUNT), "minutes", "minutes_held")
    await link.query("HDEL", keys.meter(SHARD, token), "minutes")
    assert await store.extend(SHARD, token, 2, 60, T0_MS) == Extension(360, 900_000, 60, False)
    assert await settle(store, token, 61) == Settled(300_000, 300_000, 0, 120, first=True)
    await store.apply_entry(ACCOUNT, 2, 0, 0, 7)
    assert await minutes_of(store) == (7, 0)


@pytest.mark.parametrize("account", [ACCOUNT, "12345"])
async def test_an_outbox_entry_of_an_older_version_counts(link: RedisLink, account: str) -> None:
    """Four figures and the account; an account may look like a figure."""
    shard = shard_of(account)
    store = RedisMeterStore(link)
    old = f"300000 200000 100000 120 {account}\n{{}}"
    await link.query("HSET", keys.outbox(shard), "t", old)
    await store.rebuild_shard(shard, EPOCH, [total(1_000_000, account=account, minutes=5)], [])
    balance = await store.balance(account, T0_US)
    assert (balance.settled_micros, balance.minutes) == (800_000, 5)
    (entry,) = await store.outbox(shard, 9)
    assert entry.settled == Settled(300_000, 200_000, 100_000, 120, first=True)


async def test_a_tombstone_of_an_older_version_answers(link: RedisLink) -> None:
    """With the figures it has."""
    store = await store_with(link, total())
    meter = keys.meter(SHARD, "t")
    await link.query("HSET", meter, "state", "closed", "figures", "9 7 2 60")
    assert await settle(store, "t", 61) == Settled(9, 7, 2, 60, first=False)
