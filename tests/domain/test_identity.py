"""Names of calls and accounts."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callserver.domain.identity import (
    SHARDS,
    call_id,
    is_call_id,
    is_slug,
    is_token,
    shard_of,
    token_hash,
)

from .samples import TOKEN


def test_only_a_uuid_in_lower_case_is_a_token() -> None:
    """The dialplan makes `${UUID()}`; everything else is refused."""
    assert is_token(TOKEN)
    for text in ("", TOKEN.upper(), TOKEN[:-1], TOKEN + "\n", "x" * 36, TOKEN + "0"):
        assert not is_token(text)


@pytest.mark.parametrize("text", ["acme", "a", "0", "a-b_c", "a" * 64])
def test_slugs(text: str) -> None:
    """Lower-case letters, digits, hyphen and underscore, up to 64."""
    assert is_slug(text)


@pytest.mark.parametrize("text", ["", "-a", "_a", "A", "a b", "a" * 65, "a\n", "é", "a:b", "a/b"])
def test_what_is_no_slug(text: str) -> None:
    """Nothing that could end a key, a path or a line may name anything."""
    assert not is_slug(text)


@given(st.text())
def test_an_account_has_one_shard(account: str) -> None:
    """The shard is the CRC of the name, 0 … 63."""
    assert shard_of(account) == zlib.crc32(account.encode()) % SHARDS
    assert 0 <= shard_of(account) < SHARDS


def test_a_call_id_shows_the_shard_and_hides_the_token() -> None:
    """The keyed hash needs the key: another key, another name."""
    named = call_id(7, token_hash(TOKEN, b"k" * 32))
    assert is_call_id(named)
    assert named.startswith("07-")
    assert TOKEN not in named
    assert token_hash(TOKEN, b"k" * 32) != token_hash(TOKEN, b"l" * 32)
    assert not is_call_id(named + "\n")
