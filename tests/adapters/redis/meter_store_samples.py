"""An account, calls and tariffs for the tests of the meter store, each changed by keyword."""

import uuid
from dataclasses import replace
from typing import Any

from callserver.adapters.redis.client import RedisLink
from callserver.adapters.redis.meter_store import RedisMeterStore
from callserver.domain.call import Line
from callserver.domain.identity import shard_of
from callserver.domain.ledger import AccountSum
from callserver.domain.meter import Admission
from callserver.domain.price_table import PriceTable
from tests.domain import samples

ACCOUNT = "acme"
SHARD = shard_of(ACCOUNT)
PBX = "pbx-1"
DID = "4001234567"
RUN = "run-1"
EPOCH = f"{RUN}:e"
T0_MS = samples.T0_US // 1000
YUAN = 1_000_000
LINES = (("desk", 1), ("back", 1), ("home", 0))


def token() -> str:
    """A new one, as the dialplan makes them."""
    return str(uuid.uuid4())


def per_minute(rate_micros: int = 150_000, **changed: Any) -> PriceTable:
    """0.15 yuan a minute, 60/60, unless changed."""
    return samples.table_of(samples.tariff(rate_micros=rate_micros, **changed))


def per_second(rate_micros: int = 600_000, **changed: Any) -> PriceTable:
    """0.01 yuan a second, 1/1, unless changed."""
    return per_minute(rate_micros, initial_increment_s=1, increment_s=1, **changed)


def total(settled_micros: int = 10 * YUAN, **changed: Any) -> AccountSum:
    """The account as SQL has it: ten yuan, no credit, one entry."""
    given: dict[str, Any] = {"account": ACCOUNT, "floor_micros": 0, "seq": 1}
    return AccountSum(settled_micros=settled_micros, **(given | changed))


def admission(call_token: str = "", **changed: Any) -> Admission:
    """A call to the account's DID with three lines and 300 s slices."""
    call_token = call_token or token()
    lines = changed.get("lines", LINES)
    plan = samples.plan(
        arrival=replace(samples.plan().arrival, token=call_token),
        lines=tuple(Line(slot, "13800138000", "carrier", 20, most) for slot, most in lines),
    )
    given: dict[str, Any] = {
        "shard": SHARD,
        "token": call_token,
        "account": ACCOUNT,
        "pbx": PBX,
        "did": DID,
        "did_calls_max": 0,
        "lines": LINES,
        "table": per_minute(),
        "slice_s": 300,
        "now_ms": T0_MS,
        "due_ms": T0_MS + 180_000,
        "plan": plan.encode(),
    }
    return Admission(**(given | changed))


async def store_with(link: RedisLink, *accounts: AccountSum) -> RedisMeterStore:
    """A store whose shards are all trusted and have these accounts."""
    store = RedisMeterStore(link)
    for shard in range(64):
        mine = [sum_ for sum_ in accounts if shard_of(sum_.account) == shard]
        await store.rebuild_shard(shard, EPOCH, mine, [])
    return store


async def settle(store: RedisMeterStore, call_token: str, billsec: int, **changed: Any) -> Any:
    """End a call of the account."""
    given: dict[str, Any] = {
        "billsec": billsec,
        "table": per_minute(),
        "cap_at_hold": True,
        "account": ACCOUNT,
        "payload": b'{"plan":1}',
    }
    return await store.settle(SHARD, call_token, **(given | changed))


async def left_over(link: RedisLink) -> dict[str, list[bytes]]:
    """What must be empty when every call is closed: holds, slots, due times, open calls."""
    kinds = ("calls", "did", "line", "due")
    left = {kind: await link.query("KEYS", f"{{cs:*}}:{kind}:*") for kind in kinds}
    accounts = await link.query("KEYS", "{cs:*}:acct:*")
    for field in ("held", "minutes_held"):
        fields = [(key, await link.query("HGET", key, field)) for key in accounts]
        left[field] = [key for key, value in fields if value not in (None, b"0")]
    return {kind: found for kind, found in left.items() if found}
