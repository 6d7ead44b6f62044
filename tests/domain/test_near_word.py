"""What somebody may have meant."""

import pytest

from callserver.domain.near_word import did_you_mean

KNOWN = ("http", "health", "history")


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("htpp", "; did you mean 'http'?"),
        ("HTTP", "; did you mean 'http'?"),
        ("helth", "; did you mean 'health'?"),
        ("zzz", ""),
        ("", ""),
        ("h\n'; --", ""),
    ],
)
def test_only_a_close_word_is_offered(word: str, said: str) -> None:
    """Whatever was typed; it is not repeated."""
    assert did_you_mean(word, KNOWN) == said


def test_nothing_known_is_near_nothing() -> None:
    """An empty catalogue offers nothing."""
    assert did_you_mean("http", ()) == ""
