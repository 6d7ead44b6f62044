"""The names a call and an account go by."""

import hashlib
import re
import zlib

SHARDS = 64
_TOKEN = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_CALL_ID = re.compile(r"[0-6][0-9]-[0-9a-f]{32}")


def is_token(text: str) -> bool:
    """Whether the text is a token as the dialplan makes it (`${UUID()}`, 36 characters)."""
    return _TOKEN.fullmatch(text) is not None


def is_slug(text: str) -> bool:
    """Whether the text may name a customer, provider, tariff, PBX or trunk."""
    return _SLUG.fullmatch(text) is not None


def is_call_id(text: str) -> bool:
    """Whether the text has the form of a call_id."""
    return _CALL_ID.fullmatch(text) is not None


def shard_of(text: str) -> int:
    """The shard (0 … 63) of an account id, or of a token where no account is known."""
    return zlib.crc32(text.encode()) % SHARDS


def token_hash(token: str, key: bytes) -> str:
    """32 hex digits that identify a call without revealing its secret token."""
    return hashlib.blake2b(token.encode(), key=key, digest_size=16).hexdigest()


def call_id(shard: int, hashed: str) -> str:
    """What people and APIs see: the shard, then the token's hash."""
    return f"{shard:02d}-{hashed}"
