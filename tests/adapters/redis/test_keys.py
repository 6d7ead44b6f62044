"""Names of keys."""

from callserver.adapters.redis import keys
from callserver.domain.identity import SHARDS


def names(shard: int) -> list[str]:
    """One key of each kind, all about the same id."""
    of_id = (keys.account, keys.calls, keys.meter, keys.did, keys.line, keys.due)
    alone = (keys.epoch, keys.outbox, keys.closed)
    return [name(shard, "x") for name in of_id] + [name(shard) for name in alone]


def test_keys_of_a_shard_share_its_hash_tag_and_nothing_else() -> None:
    """Two decimal digits in braces come first; no two keys are the same."""
    every = [name for shard in range(SHARDS) for name in names(shard)]
    assert len(set(every)) == len(every)
    assert all(name.startswith("{cs:07}:") for name in names(7))
    assert keys.meter(63, "x") == "{cs:63}:meter:x"
