"""Cells of tariffs: checkers that can also say in JSON Schema what they take.

Like those of `import_cells`, each returns the value or raises ValueError with the reason.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from callserver.domain.billing_month import SHANGHAI
from callserver.domain.money import parse_yuan, short_yuan
from callserver.service import import_cells as cells
from callserver.service.import_cells import Number, Raw

Schema = Mapping[str, Any]

LIST_MAX = 500
_AMOUNT = r"^0{0,6}(?:1000(?:\.0{1,6})?|[0-9]{1,3}(?:\.[0-9]{1,6})?)$"
_AMOUNT_MICROS_MAX = 1_000_000_000  # what _AMOUNT ends at
_UP_TO_3600 = r"[1-9][0-9]{0,2}|[12][0-9]{3}|3[0-5][0-9]{2}|3600"
_TOML_FLOAT = re.compile(r"\+?\d[\d_]*(?:\.\d[\d_]*)?(?:[eE][+-]?\d{1,2})?", re.ASCII)
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?"
_MONTH_AND_DAY = (
    r"(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    r"|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|[12][0-9]))"
)
_DAY = rf"(?!0000)[0-9]{{4}}-{_MONTH_AND_DAY}"
_OFFSET = r"[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9]"
_MOMENT = rf"^{_DAY}(?:[Tt ]{_CLOCK}(?:\.[0-9]+)?(?:{_OFFSET})?)?$"
_APART = r"\s,;|，、；"
_SEPARATORS = re.compile(f"[{_APART}]+")
_STEPS = rf"^({_UP_TO_3600})/({_UP_TO_3600})$"
_PRECISION = r"^0+\.0(?:10{0,4}|010{0,3})$"
_NAME = rf"^\s*(?=\S)[^{cells.UNPRINTABLE}]{{1,200}}?\s*$"


@dataclass(frozen=True, slots=True)
class Checked:
    """A checker and the JSON Schema of what it takes."""

    check: Callable[[Raw], object]
    schema: Schema

    def __call__(self, raw: Raw) -> object:
        """The value. Raises ValueError."""
        return self.check(raw)


def slug() -> Checked:
    """An id."""
    return Checked(cells.slug, {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]{0,63}$"})


def name() -> Checked:
    """A name for people."""
    return Checked(cells.name, {"type": "string", "pattern": _NAME})


def whole(least: int) -> Checked:
    """A whole number from 0 or 1 to 3600; also as text, or as a number such as `60.0`."""
    pattern = rf"^0*(?:{_UP_TO_3600}{'|0' if least == 0 else ''})$"
    within = cells.whole(least, 3600)

    def check(raw: Raw) -> object:
        found = within(_plain(raw))
        _in_form(raw, pattern, f"{raw!r} is not a whole number")
        return found

    schema = {
        "anyOf": [
            {"type": "integer", "minimum": least, "maximum": 3600},
            {"type": "string", "pattern": pattern},
        ]
    }
    return Checked(check, schema)


def money() -> Checked:
    """Yuan as decimal text or as a number, 0 to 1000, at most six decimals; in micros."""
    within = cells.money(0, _AMOUNT_MICROS_MAX)

    def check(raw: Raw) -> object:
        found = within(_plain(raw))
        _in_form(raw, _AMOUNT, f"{raw!r} is not an amount; write it like 12.50")
        return found

    numbers = {"type": "number", "minimum": 0, "maximum": 1000}
    return Checked(check, {"anyOf": [numbers, {"type": "string", "pattern": _AMOUNT}]})


def _in_form(raw: Raw, pattern: str, otherwise: str) -> None:
    """A text must be as the schema says. Raises ValueError."""
    if isinstance(raw, str) and not isinstance(raw, Number) and not re.fullmatch(pattern, raw):
        raise ValueError(otherwise)


def _plain(raw: Raw) -> Raw:
    """Decimal text of a number, without what only TOML has: exponent, underscores, plus."""
    if not isinstance(raw, Number) or not _TOML_FLOAT.fullmatch(raw):
        return raw
    whole, _, fraction = format(Decimal(raw.replace("_", "")), "f").partition(".")
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole


def precision() -> Checked:
    """What a fee is rounded to: 0.001 or 0.01 yuan."""

    def check(raw: Raw) -> int:
        try:
            found = parse_yuan(str(_plain(raw)))
            _in_form(raw, _PRECISION, "")
        except ValueError:
            found = 0
        if found not in {1_000, 10_000}:
            raise ValueError(f"{raw} is not {short_yuan(1_000)} or {short_yuan(10_000)}")
        return found

    numbers = {"enum": [0.001, 0.01]}  # of JSON, not of money
    return Checked(check, {"anyOf": [numbers, {"type": "string", "pattern": _PRECISION}]})


def steps() -> Checked:
    """`60/60`: the first increment and every further one, in seconds."""

    def check(raw: Raw) -> tuple[int, int]:
        found = re.fullmatch(_STEPS, cells.text(raw))
        if not found:
            raise ValueError(f"{raw!r} is not like 60/60, 30/6 or 1/1, each 1 to 3600")
        return int(found[1]), int(found[2])

    return Checked(check, {"type": "string", "pattern": _STEPS})


def moment() -> Checked:
    """An instant; without an offset it is Shanghai's time, and a day alone its first instant."""

    def check(raw: Raw) -> object:
        otherwise = f"{raw!r} is not a time like 2027-01-01T00:00:00+08:00"
        _in_form(raw, _MOMENT, otherwise)
        try:
            found = (
                raw if isinstance(raw, date) else datetime.fromisoformat(cells.text(raw).upper())
            )
        except ValueError:
            raise ValueError(otherwise) from None
        if not isinstance(found, datetime):
            found = datetime(found.year, found.month, found.day)  # noqa: DTZ001  # its zone follows
        return cells.moment(found if found.tzinfo else found.replace(tzinfo=SHANGHAI))

    return Checked(check, {"type": "string", "pattern": _MOMENT})


def day() -> Checked:
    """A calendar day."""

    def check(raw: Raw) -> date:
        if isinstance(raw, datetime):
            raise ValueError(f"{raw} is an instant; a day is wanted, like 2027-02-06")  # noqa: TRY004  # for people
        _in_form(raw, _DAY, f"{raw!r} is not a day like 2027-02-06")
        try:
            return raw if isinstance(raw, date) else date.fromisoformat(cells.text(raw))
        except ValueError:
            raise ValueError(f"{raw!r} is not a day like 2027-02-06") from None

    return Checked(check, {"type": "string", "pattern": f"^{_DAY}$"})


def time_of_day(*, end: bool) -> Checked:
    """`08:00` or `08:00:00`, also a local time of TOML, in seconds; an end may be 24:00."""
    pattern = re.compile(f"{_CLOCK}|24:00(?::00)?" if end else _CLOCK, re.ASCII)

    def check(raw: Raw) -> int:
        text = raw.isoformat() if isinstance(raw, time) else raw
        if not isinstance(text, str) or not pattern.fullmatch(text):
            latest = "24:00" if end else "23:59"
            raise ValueError(f"{raw!s} is not a time of day like 08:00, 00:00 to {latest}")
        hours, minutes, seconds = (int(part) for part in (*text.split(":"), "0")[:3])
        return hours * 3600 + minutes * 60 + seconds

    return Checked(check, {"type": "string", "pattern": f"^({pattern.pattern})$"})


def words(written: Mapping[str, str], what: str) -> Checked:
    """A list of some of these words, or one text with them; what is written → what is meant."""

    def one(text: str) -> str:
        try:
            return written[text]
        except KeyError:
            known = ", ".join(dict.fromkeys(written.values()))
            raise ValueError(f"{text!r} is not {what}; known are {known}") from None

    return _many(one, {"enum": list(written)}, "|".join(map(re.escape, written)))


def digits(pattern: str, what: str) -> Checked:
    """A list of texts of digits, or one text with them; whole numbers are taken as digits."""
    form = re.compile(pattern, re.ASCII)

    def one(text: str) -> str:
        if not form.fullmatch(text):
            raise ValueError(f"{text!r} is not {what}")
        return text

    return _many(one, {"type": "string", "pattern": f"^(?:{pattern})$"}, pattern)


def _many(one: Callable[[str], str], schema: Schema, pattern: str) -> Checked:
    """A list, or texts apart by comma, semicolon or space in one; each once, in their order."""
    in_one = rf"^[{_APART}]*(?:(?:{pattern})(?:[{_APART}]+|$)){{1,{LIST_MAX}}}$"

    def check(raw: Raw) -> tuple[str, ...]:
        found = _parts(raw)
        if not 1 <= len(found) <= LIST_MAX:
            raise ValueError(f"give 1 to {LIST_MAX}, or leave the key out")
        return tuple(dict.fromkeys(one(text) for text in found))

    items = {"type": "array", "items": schema, "minItems": 1, "maxItems": LIST_MAX}
    return Checked(check, {"anyOf": [items, {"type": "string", "pattern": in_one}]})


def _parts(raw: Raw) -> Sequence[str]:
    if isinstance(raw, str):
        return [part for part in _SEPARATORS.split(raw) if part]
    if isinstance(raw, list) and all(isinstance(each, str) for each in raw):
        return [str(each) for each in raw]
    raise ValueError(f"{raw!s} is not a list of texts; put each in quotes")
