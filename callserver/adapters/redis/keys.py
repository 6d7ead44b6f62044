"""The names of all keys. Those of one shard share a hash tag, so one Cluster slot has them all."""

from callserver.domain.identity import SHARDS

_SHARD = tuple(f"{{cs:{shard:02d}}}:" for shard in range(SHARDS))


def epoch(shard: int) -> str:
    """string: which rebuild the shard comes from; absent where Redis lost it."""
    return _SHARD[shard] + "epoch"


def account(shard: int, name: str) -> str:
    """hash: settled, held, floor (micros), seq."""
    return f"{_SHARD[shard]}acct:{name}"


def calls(shard: int, name: str) -> str:
    """set: tokens of an account's open meters."""
    return f"{_SHARD[shard]}calls:{name}"


def meter(shard: int, token: str) -> str:
    """hash: one call, open or a tombstone."""
    return f"{_SHARD[shard]}meter:{token}"


def did(shard: int, number: str) -> str:
    """set: tokens that have a slot of the DID."""
    return f"{_SHARD[shard]}did:{number}"


def line(shard: int, slot_id: str) -> str:
    """set: tokens that have a slot of the line."""
    return f"{_SHARD[shard]}line:{slot_id}"


def due(shard: int, pbx: str) -> str:
    """zset: tokens of a PBX's open meters by the time (ms) of the next look."""
    return f"{_SHARD[shard]}due:{pbx}"


def outbox(shard: int) -> str:
    """hash: token to a settled call that SQL may not have yet."""
    return _SHARD[shard] + "outbox"


def closed(shard: int) -> str:
    """zset: tokens of tombstones by the time (ms) SQL was known to have them."""
    return _SHARD[shard] + "closed"
