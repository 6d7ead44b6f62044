"""One cell of an imported file: the kinds of value it may hold, and how each is checked.

A checker returns the value or raises ValueError with the reason, for people.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import TypeVar

from callserver.domain.commission import commission_text
from callserver.domain.identity import is_slug
from callserver.domain.money import parse_yuan, short_yuan
from callserver.domain.number import is_destination, is_did

Raw = str | int | date | time | list[object]
"""What a file gives: TOML also numbers, times and lists, CSV text only. Decimals come as text."""


class Number(str):
    """A number of TOML with a fraction or an exponent, as it is written."""

    __slots__ = ()


Checker = Callable[[Raw], object]
Choice = TypeVar("Choice", bound=StrEnum)

NAME_MAX = 200
_EPOCH = datetime.fromtimestamp(0, UTC)
_INTEGER = re.compile(r"-?\d{1,18}", re.ASCII)
UNPRINTABLE = r"\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
"""Characters that no name has: controls, ends of lines, and what turns a text around."""
_UNPRINTABLE = re.compile(f"[{UNPRINTABLE}]")


def slug(raw: Raw) -> str:
    """An id."""
    found = text(raw)
    if not is_slug(found):
        raise ValueError(
            f"{found!r} is not an id: 1 to 64 of a-z 0-9 _ -, beginning with a letter or digit"
        )
    return found


def text(raw: Raw) -> str:
    """A text as it stands."""
    if not isinstance(raw, str):
        raise ValueError(f"put it in quotes: {raw} is not a text")  # noqa: TRY004  # see above
    return raw


def name(raw: Raw) -> str:
    """A name for people, in any script."""
    found = text(raw).strip()
    if not found or len(found) > NAME_MAX or _UNPRINTABLE.search(found):
        raise ValueError(f"a name has 1 to {NAME_MAX} characters and no control characters")
    return found


def did(raw: Raw) -> str:
    """A 400 number."""
    found = text(raw)
    if not is_did(found):
        raise ValueError(f"{found!r} is not a 400 number: 400 and seven digits")
    return found


def destination(raw: Raw) -> str:
    """What may be dialled."""
    found = text(raw)
    if not is_destination(found):
        raise ValueError(f"{found!r} can't be dialled: 3 to 20 digits, perhaps after a +")
    return found


def commission(raw: Raw) -> str:
    """What a provider earns: `margin` or per cent."""
    return commission_text(text(raw))


def whole(least: int, most: int) -> Checker:
    """A whole number in a range, both ends included."""

    def check(raw: Raw) -> int:
        written = str(raw)
        if isinstance(raw, datetime) or not _INTEGER.fullmatch(written):
            raise ValueError(f"{written!r} is not a whole number")
        if not least <= int(written) <= most:
            raise ValueError(f"{written} is not between {least} and {most}")
        return int(written)

    return check


def money(least_micros: int, most_micros: int) -> Checker:
    """Yuan as decimal text (or a bare TOML number, never a float of ours), in micros."""

    def check(raw: Raw) -> int:
        if isinstance(raw, datetime):
            raise ValueError(f"{raw} is not an amount")  # noqa: TRY004  # see above
        micros = parse_yuan(str(raw))
        if not least_micros <= micros <= most_micros:
            span = f"{short_yuan(least_micros)} and {short_yuan(most_micros)}"
            raise ValueError(f"{raw} yuan is not between {span}")
        return micros

    return check


def one_of(*micros: int) -> Checker:
    """One of a few amounts."""

    def check(raw: Raw) -> int:
        found = None if isinstance(raw, datetime) else parse_yuan(str(raw))
        if found is None or found not in micros:
            raise ValueError(f"{raw} is not {' or '.join(map(short_yuan, micros))}")
        return found

    return check


def choice(kind: type[Choice]) -> Checker:
    """A word of an enumeration."""

    def check(raw: Raw) -> Choice:
        try:
            return kind(text(raw))
        except ValueError:
            raise ValueError(f"{raw!r} is not one of {', '.join(kind)}") from None

    return check


def moment(raw: Raw) -> int:
    """An instant with its offset from UTC, in milliseconds since 1970."""
    try:
        found = raw if isinstance(raw, datetime) else datetime.fromisoformat(text(raw).upper())
    except ValueError:
        raise ValueError(f"{raw!r} is not a time like 2027-01-01T00:00:00+08:00") from None
    if found.tzinfo is None:
        raise ValueError(f"{raw} needs an offset, like 2027-01-01T00:00:00+08:00")
    return (found - _EPOCH) // timedelta(milliseconds=1)
