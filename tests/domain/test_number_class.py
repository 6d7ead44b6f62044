"""Classes of numbers by how they end, patterns and ranges."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callserver.domain.number_class import (
    DEFAULT_CLASSES,
    BadClass,
    BadPattern,
    BadRange,
    NumberClass,
    class_of,
    like,
    numbers_of,
)

ENDINGS = [  # number, class, special
    ("4001239999", "AAAA", True),
    ("4001230888", "AAA", True),
    ("4001238088", "88", True),
    ("4001234567", "ABCD", True),
    ("4001230123", "ABCD", True),
    ("4001232123", "ABC", True),
    ("4001239321", "", False),
    ("4001231212", "ABAB", True),
    ("4001231122", "AABB", True),
    ("4001231121", "", False),
    ("4001230138", "8", False),
    ("4008000890", "", False),
    ("4001235901", "", False),  # a run does not go on from 9 to 0
]


@pytest.mark.parametrize(("number", "shape", "special"), ENDINGS)
def test_endings(number: str, shape: str, special: bool) -> None:
    """The first class that fits, of those that ship."""
    found = class_of(number, DEFAULT_CLASSES)
    assert (found.shape, found.special) == (shape, special)


def test_a_falling_run_can_be_a_class() -> None:
    """CBA means 321, 987, …."""
    falling = NumberClass.parse("CBA special 300.50")
    assert falling.matches("4001239321")
    assert not falling.matches("4001239123")
    assert (falling.price_micros, str(falling)) == (300_500_000, "CBA special 300.50")


@pytest.mark.parametrize("each", DEFAULT_CLASSES, ids=str)
def test_a_class_reads_as_it_is_written(each: NumberClass) -> None:
    """The configuration shows what it means."""
    assert NumberClass.parse(str(each)) == each


@pytest.mark.parametrize(
    "text", ["AAA", "AAA rare 5", "AAA special -5", "aaa special 5", "A* special 1", "A special x"]
)
def test_what_is_no_class(text: str) -> None:
    """Shape, kind and price, each as it should be."""
    with pytest.raises(BadClass):
        NumberClass.parse(text)


PATTERNS = [
    ("4008*", "4008123456", True),
    ("4008*", "4001888888", False),
    ("*888", "4001234888", True),
    ("*888", "4008881234", False),
    ("400123456?", "4001234567", True),
    ("*8?8", "4001234858", True),
]


@pytest.mark.parametrize(("pattern", "number", "matches"), PATTERNS)
def test_patterns(pattern: str, number: str, matches: bool) -> None:
    """`*` any digits, `?` one, and the whole number must fit."""
    expression = like(pattern).replace("%", ".*").replace("_", ".")
    assert (re.fullmatch(expression, number) is not None) == matches


@pytest.mark.parametrize("pattern", ["", "888", "4008%", "400_888", "4008'--", "a*"])
def test_what_is_no_pattern(pattern: str) -> None:
    """Too short without a star, and nothing that SQL would take for more than it is."""
    with pytest.raises(BadPattern):
        like(pattern)


@given(st.integers(0, 9_999_990), st.integers(0, 9))
def test_ranges(first: int, more: int) -> None:
    """As many numbers as counted, from the first to the last."""
    text = f"400{first:07d}-400{first + more:07d}"
    count, numbers = numbers_of(text)
    found = list(numbers)
    assert (count, len(found), found[0], found[-1]) == (more + 1, more + 1, text[:10], text[11:])


@pytest.mark.parametrize("text", ["", "400", "4008000001-4008000000", "4008000000-", "a-b"])
def test_what_is_no_range(text: str) -> None:
    """Two 400 numbers in order."""
    with pytest.raises(BadRange):
        numbers_of(text)
