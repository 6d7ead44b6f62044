"""CS_TRIED."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callserver.domain.attempts import ATTEMPTS_MAX, parse_tried, with_destinations
from callserver.domain.call import Attempt

from .samples import plan


def test_each_part_is_an_attempt() -> None:
    """Line, result, cause and milliseconds of ringing, in order."""
    assert parse_tried("1:BUSY:17:312;2:ANSWER:16:1503") == (
        Attempt(1, "", "BUSY", 17, 312),
        Attempt(2, "", "ANSWER", 16, 1503),
    )


@pytest.mark.parametrize(
    "text",
    ["", ";", ";;;", "1:BUSY:17", "x:BUSY:17:1", "1:busy:17:1", "1:BUSY:17:-1", "1:BUSY:17:1:9",
     "1:BUSY:17:1\n", "１:BUSY:17:1", "1:BU SY:17:1", "123:BUSY:17:1"],
)  # fmt: skip
def test_bad_parts_are_dropped(text: str) -> None:
    """What is not an attempt is not made into one."""
    assert parse_tried(text) == ()


def test_good_parts_among_bad_ones_are_kept() -> None:
    """One broken part costs only itself; empty figures count as 0."""
    assert parse_tried("junk;2:NOANSWER::;") == (Attempt(2, "", "NOANSWER", 0, 0),)


@given(st.text(max_size=400))
def test_any_text_is_bounded(text: str) -> None:
    """No text raises or yields more than twenty attempts."""
    assert len(parse_tried(text)) <= ATTEMPTS_MAX


def test_twenty_attempts_at_most() -> None:
    """The list is bounded however long the text."""
    assert len(parse_tried(";".join(["1:BUSY:17:5"] * 50))) == ATTEMPTS_MAX


def test_lines_of_the_plan_give_their_numbers() -> None:
    """An attempt at a line outside the plan stays without a number; a known one is not changed."""
    tried = (
        Attempt(1, "", "BUSY", 17, 1),
        Attempt(0, "", "CHANUNAVAIL", 0, 0),
        Attempt(3, "", "BUSY", 17, 1),
        Attempt(2, "110", "BUSY", 17, 1),
    )
    named = with_destinations(tried, plan().lines)
    assert [attempt.destination for attempt in named] == ["13800138000", "", "", "110"]
