"""Classes of 400 numbers by how they end, and patterns to search them by."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from callserver.domain.money import BadAmount, parse_yuan, short_yuan
from callserver.domain.number import is_did

_SHAPE = re.compile(r"[A-J0-9]{1,7}", re.ASCII)
_RUN_LEAST = 3
_PATTERN = re.compile(r"[0-9?*]{1,20}", re.ASCII)
_DIGITS = 10


class BadClass(ValueError):
    """The text is not a class of numbers."""


class BadPattern(ValueError):
    """The text is not a pattern to search numbers by."""


class BadRange(ValueError):
    """The text is not a number, nor a range of numbers."""


@dataclass(frozen=True, slots=True)
class NumberClass:
    """Numbers that end in a shape; also the class's name.

    Digits stand for themselves; equal letters for equal digits, different letters for different
    ones; three or more letters that are all different for a run, rising (`ABC`: 123, 789) or
    falling (`CBA`: 321). `price_micros` is for choosing such a number, once.
    """

    shape: str
    special: bool
    price_micros: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """`AAAA special 5000` or `8 ordinary 0`. Raises BadClass."""
        parts = text.split()
        if len(parts) != 3 or parts[1] not in {"special", "ordinary"}:
            raise BadClass(f"{text!r} is not SHAPE special|ordinary YUAN, such as AAA special 1000")
        if not _SHAPE.fullmatch(parts[0]):
            raise BadClass(f"{parts[0]!r} is not a shape: 1 to 7 of A to J and digits")
        try:
            price_micros = parse_yuan(parts[2])
        except BadAmount as wrong:
            raise BadClass(str(wrong)) from None
        if price_micros < 0:
            raise BadClass(f"{parts[2]} is less than nothing")
        return cls(parts[0], parts[1] == "special", price_micros)

    def __str__(self) -> str:
        kind = "special" if self.special else "ordinary"
        return f"{self.shape} {kind} {short_yuan(self.price_micros)}"

    def matches(self, number: str) -> bool:
        """Whether the number ends in this shape."""
        return _ends_in(self.shape, number[-len(self.shape) :])


DEFAULT_CLASSES = tuple(
    NumberClass.parse(text)
    for text in (
        "AAAA special 5000",
        "ABCD special 2000",
        "AAA special 2000",
        "AABB special 1000",
        "ABAB special 1000",
        "ABC special 500",
        "88 special 500",
        "8 ordinary 0",
    )
)
ORDINARY = NumberClass("", special=False)


def class_of(number: str, classes: Sequence[NumberClass]) -> NumberClass:
    """The first class that the number is of; ORDINARY, which has no shape, if of none."""
    return next((each for each in classes if each.matches(number)), ORDINARY)


def _ends_in(shape: str, digits: str) -> bool:
    letters: dict[str, str] = {}
    for sign, digit in zip(shape, digits, strict=True):
        if sign.isdigit():
            if sign != digit:
                return False
        elif letters.setdefault(sign, digit) != digit:
            return False
    if len(letters) >= _RUN_LEAST and len(letters) == len(shape):
        steps = {int(digit) - ord(sign) for sign, digit in letters.items()}
        return len(steps) == 1
    return len(set(letters.values())) == len(letters)


def like(pattern: str) -> str:
    """SQL LIKE's text of a pattern: `*` any digits, `?` one digit. Raises BadPattern."""
    if not _PATTERN.fullmatch(pattern):
        raise BadPattern(f"{pattern!r} is not a pattern: digits, ? for one digit, * for any")
    if "*" not in pattern and len(pattern) != _DIGITS:
        raise BadPattern(f"{pattern!r} has not ten digits; write *{pattern} for an ending")
    return pattern.translate(_TO_LIKE)


_TO_LIKE = str.maketrans({"*": "%", "?": "_"})


def numbers_of(text: str) -> tuple[int, Iterator[str]]:
    """How many and which numbers `4008001000` or `4008001000-4008001999` means. Raises BadRange."""
    first, dash, last = (part.strip() for part in text.partition("-"))
    last = last if dash else first
    if not (is_did(first) and is_did(last)):
        raise BadRange(f"{text!r} is neither a 400 number nor a range 400….-400….")
    if first > last:
        raise BadRange(f"{text!r} ends before it begins")
    return int(last) - int(first) + 1, map(str, range(int(first), int(last) + 1))
