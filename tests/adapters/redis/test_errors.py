"""Error replies, sorted by what they mean for the money."""

import pytest

from callserver.adapters.redis.errors import (
    RedisLoading,
    RedisOutOfMemory,
    ScriptError,
    ScriptMissing,
    ScriptRefused,
    error_from_reply,
)
from callserver.ports import StoreUnavailable

CASES = [
    ("NOSCRIPT No matching script.", ScriptMissing),
    ("LOADING Valkey is loading the dataset in memory", RedisLoading),
    ("OOM command not allowed when used memory > 'maxmemory'.", RedisOutOfMemory),
    ("BUSY Valkey is busy running a script.", ScriptRefused),
    ("MISCONF errors writing to the AOF file", ScriptRefused),
    ("READONLY You can't write against a read only replica.", ScriptRefused),
    ("ERR user_script:1: attempt to index a nil value", ScriptError),
    ("WRONGTYPE Operation against a key", ScriptError),
    ("NOPERM this user has no permissions", ScriptError),
    ("GAP", ScriptError),
]


@pytest.mark.parametrize(("text", "kind"), CASES)
def test_reply_is_sorted(text: str, kind: type[Exception]) -> None:
    """Refused means that nothing has moved; whatever may have moved something is an error."""
    error = error_from_reply(text)
    assert type(error) is kind
    assert (error.code, str(error).strip()) == (text.split()[0], text)
    assert isinstance(error, StoreUnavailable) == (kind is not ScriptError)
