"""Many at once, little memory, and one slot of a Cluster."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from callserver.adapters.redis.client import RedisLink
from callserver.adapters.redis.embedded import EmbeddedValkey
from callserver.adapters.redis.embedded_probe import ask
from callserver.adapters.redis.meter_replies import METER_FIELDS
from callserver.adapters.redis.meter_store import RedisMeterStore
from callserver.adapters.redis.script import LUA_FOLDER
from callserver.domain.meter import Extension, Held, NotHeld
from callserver.domain.refusal import Refusal
from tests.adapters.redis.meter_store_samples import (
    ACCOUNT,
    PBX,
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


@pytest.fixture
def cluster_node(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    """A one-node Cluster: it refuses any key outside the slot of the declared ones."""
    args = ("--cluster-enabled", "yes", "--cluster-port", "0")
    with EmbeddedValkey(tmp_path / "v", dies_with_parent=True, extra_args=args) as server:
        yield server


async def test_eight_calls_at_once_on_a_balance_that_pays_for_two(valkey: EmbeddedValkey) -> None:
    """Through two links, exactly two are held and nothing goes below zero."""
    links = [RedisLink(valkey.target) for _ in range(2)]
    await asyncio.gather(*(link.start() for link in links))
    await store_with(links[0], total(2 * 750_000 + 149_999))
    stores = [RedisMeterStore(link) for link in links]
    calls = [admission(lines=(("home", 0),)) for _ in range(8)]
    answers = await asyncio.gather(
        *(stores[n % 2].admit(call) for n, call in enumerate(calls) for _ in range(2))
    )
    assert answers.count(Held(1, 300, 750_000, final=False)) == 2 * 2
    assert answers.count(NotHeld(Refusal.NO_CREDIT, 149_999)) == 6 * 2
    assert (await stores[1].balance(ACCOUNT, T0_US)).available_micros == 149_999
    await asyncio.gather(*(link.stop() for link in links))


async def test_calls_that_extend_at_once_share_what_is_left(link: RedisLink) -> None:
    """Eight calls ask for ten more seconds each when thirty-five are left for all."""
    store = await store_with(link, total(800_000 + 350_000))
    calls = [admission(lines=(("home", 0),), table=per_second(), slice_s=10) for _ in range(8)]
    for call in calls:
        await store.admit(call)
    found = await asyncio.gather(
        *(store.extend(SHARD, call.token, 2, 10, T0_MS) for call in calls for _ in range(2))
    )
    granted = [extension.granted_s for extension in found[::2] if extension]
    assert sorted(granted) == [0, 0, 0, 0, 5, 10, 10, 10]
    assert found[::2] == found[1::2]
    assert (await store.balance(ACCOUNT, T0_US)).available_micros == 0


async def test_an_open_meter_takes_at_most_2_kb(link: RedisLink) -> None:
    """Its hash and its share of sets and due times, while it runs and has been extended."""
    store = await store_with(link, total(10**12))
    calls = [admission() for _ in range(1_000)]
    for call in calls:
        await store.admit(call)
        await store.answer(SHARD, call.token, 3, T0_US, per_minute(), T0_MS)
        await store.extend(SHARD, call.token, 2, 300, T0_MS)
    bytes_used = 0
    for kind in ("meter", "calls", "did", "line", "due"):
        for key in await link.query("KEYS", f"{{cs:*}}:{kind}:*"):
            bytes_used += await link.query("MEMORY", "USAGE", key, "SAMPLES", "0")
    assert bytes_used / len(calls) <= 2048
    print(f"{bytes_used / len(calls):.0f} bytes per open meter")


async def test_a_tombstone_is_small(link: RedisLink) -> None:
    """Of a settled call only the figures stay."""
    store = await store_with(link, total())
    call = admission()
    await store.admit(call)
    await settle(store, call.token, 61)
    key = f"{{cs:{SHARD:02d}}}:meter:{call.token}"
    assert await link.query("MEMORY", "USAGE", key, "SAMPLES", "0") <= 256


def test_lua_and_python_name_the_same_fields() -> None:
    """Meters are passed as lists, so both sides must count alike."""
    text = (LUA_FOLDER / "lib" / "meter.lua").read_text("utf-8")
    listed = re.search(r"METER_FIELDS = \{(.*?)\}", text, re.DOTALL)
    assert listed
    assert tuple(re.findall(r"'(\w+)'", listed[1])) == METER_FIELDS


class ClusterLink(RedisLink):
    """Runs scripts on a Cluster's node, which the link itself does not support yet."""

    async def query(self, *args: bytes | str | int) -> object:
        """One command on a connection of its own."""
        texts = [arg.decode() if isinstance(arg, bytes) else str(arg) for arg in args]
        answer = ask(Path(self.target.path), *texts)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def evalsha(self, script, keys, args) -> object:  # type: ignore[no-untyped-def]  # as above
        """The whole text each time."""
        return await self.query("EVAL", script.source, len(keys), *keys, *args)


async def test_every_script_stays_in_one_slot_of_a_cluster(cluster_node: EmbeddedValkey) -> None:
    """A Cluster's node refuses a script that reaches for a key of another slot."""
    ask(cluster_node.socket_path, "CLUSTER", "ADDSLOTSRANGE", "0", "16383")
    link = ClusterLink(cluster_node.target)
    while b"cluster_state:ok" not in await link.query("CLUSTER", "INFO"):
        await asyncio.sleep(0.05)
    store = await store_with(link, total())
    call, past = admission(), admission()
    await store.admit(call)
    assert await store.next_line(SHARD, call.token, 1, call.lines) == 2
    await store.answer(SHARD, call.token, 3, T0_US, per_minute(), T0_MS)
    extended = await store.extend(SHARD, call.token, 2, 60, T0_MS)
    assert extended == Extension(360, 900_000, 60, final=False)
    await store.seen(SHARD, [call.token, past.token], T0_MS)
    assert len(await store.due(SHARD, PBX, T0_MS, 1, 9)) == 1
    meters = await store.open_meters(PBX)
    await store.rebuild_shard(SHARD, "e:2", [total()], meters)
    assert await store.account_meters(ACCOUNT) == meters
    assert await store.apply_entry(ACCOUNT, 2, 1, 0)
    assert not await store.load_account(total())
    for one in (call, past):
        await settle(store, one.token, 61)
    await store.acknowledge(SHARD, [call.token, past.token], T0_MS)
    assert await store.forget(SHARD, T0_MS + 1, 9) == 2
    assert (await store.balance(ACCOUNT, T0_US)).settled_micros == 9_400_001
    assert await left_over(link) == {}
