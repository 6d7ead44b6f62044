"""Secrets of API tokens."""

import pytest

from callserver.domain.api_token import SECRET_BYTES, digest_of, secret_of


def test_a_secret_is_text_for_a_header() -> None:
    """With a prefix by which scanners find leaked ones, and nothing that needs quoting."""
    secret = secret_of(bytes(range(SECRET_BYTES)))
    assert secret == "cs_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"


def test_a_short_secret_is_refused() -> None:
    """It could be guessed."""
    with pytest.raises(ValueError, match="32 random bytes"):
        secret_of(b"short")


def test_the_digest_is_sha256() -> None:
    """What is kept can't be turned back."""
    assert digest_of("abc").startswith("ba7816bf8f01cfea")
    assert len(digest_of("abc")) == 64
