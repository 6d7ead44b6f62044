"""Instants on the command line."""

import pytest

from callserver.cli.instants import instant_text, parse_instant, shown


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-11-22T09:30:00+08:00", 1_795_311_000_000),
        ("2026-11-22T09:30:00", 1_795_311_000_000),
        ("2026-11-22t01:30:00z", 1_795_311_000_000),
        ("2026-11-22 09:30", 1_795_311_000_000),
        ("2026-11-22T01:30:00.125Z", 1_795_311_000_125),
        ("2026-11-22", 1_795_276_800_000),
    ],
)
def test_text_is_read_to_the_millisecond(text: str, at_ms: int) -> None:
    """RFC 3339; without a zone it is Shanghai's time."""
    assert parse_instant(text) == at_ms


def test_what_is_printed_can_be_read_again() -> None:
    """UTC for machines, Shanghai's time for people, and never stays never."""
    assert parse_instant(instant_text(1_795_311_000_125) or "") == 1_795_311_000_125
    assert shown(1_795_311_000_125) == "2026-11-22 09:30:00"
    assert (instant_text(0), shown(0)) == (None, "-")


def test_other_text_is_refused_with_an_example() -> None:
    """The message shows the form."""
    with pytest.raises(ValueError, match="write it like 2026"):
        parse_instant("tomorrow")
