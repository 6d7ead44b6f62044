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
from callserver.domain.money import BadAmount, parse_yuan, short_yuan
from callserver.service import import_cells as cells
from callserver.service.import_cells import Raw

Schema = Mapping[str, Any]

LIST_MAX = 500
_AMOUNT = r"^[0-9]{1,10}(\.[0-9]{1,6})?$"
_TOML_FLOAT = re.compile(r"\+?\d[\d_]*(?:\.\d[\d_]*)?(?:[eE][+-]?\d{1,2})?", re.ASCII)
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?"
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_SEPARATORS = re.compile(r"[\s,;|]+")
_STEPS = r"^([1-9][0-9]{0,3})/([1-9][0-9]{0,3})$"


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
    return Checked(cells.name, {"type": "string", "minLength": 1, "maxLength": cells.NAME_MAX})


def whole(least: int, most: int) -> Checked:
    """A whole number in a range, both ends included; also as text."""
    schema = {
        "anyOf": [
            {"type": "integer", "minimum": least, "maximum": most},
            {"type": "string", "pattern": "^[0-9]{1,5}$"},
        ]
    }
    return Checked(cells.whole(least, most), schema)


def money(least_micros: int, most_micros: int) -> Checked:
    """Yuan as decimal text or as a number, at most six decimals; in micros."""
    within = cells.money(least_micros, most_micros)
    schema = {
        "anyOf": [
            {
                "type": "number",
                "minimum": least_micros // 1_000_000,
                "maximum": most_micros // 1_000_000,
            },
            {"type": "string", "pattern": _AMOUNT},
        ]
    }
    return Checked(lambda raw: within(_plain(raw)), schema)


def _plain(raw: Raw) -> Raw:
    """Decimal text without what only a number of TOML may have: exponent, underscores, plus."""
    if not isinstance(raw, str) or not _TOML_FLOAT.fullmatch(raw):
        return raw
    return format(Decimal(raw.replace("_", "")), "f")


def precision() -> Checked:
    """What a fee is rounded to: 0.001 or 0.01 yuan."""

    def check(raw: Raw) -> int:
        try:
            found = parse_yuan(str(_plain(raw)))
        except BadAmount:
            found = 0
        if found not in {1_000, 10_000}:
            raise ValueError(f"{raw} is not {short_yuan(1_000)} or {short_yuan(10_000)}")
        return found

    schema = {"enum": [0.001, 0.01, "0.001", "0.01"]}  # of JSON, not of money
    return Checked(check, schema)


def steps(most_s: int) -> Checked:
    """`60/60`: the first increment and every further one, in seconds."""

    def check(raw: Raw) -> tuple[int, int]:
        found = re.fullmatch(_STEPS, cells.text(raw))
        first, further = (int(part) for part in found.groups()) if found else (0, 0)
        if not (1 <= first <= most_s and 1 <= further <= most_s):
            raise ValueError(f"{raw!r} is not like 60/60, 30/6 or 1/1, each 1 to {most_s}")
        return first, further

    return Checked(check, {"type": "string", "pattern": _STEPS})


def moment() -> Checked:
    """An instant; without an offset it is Shanghai's time, and a day alone its first instant."""

    def check(raw: Raw) -> object:
        try:
            found = raw if isinstance(raw, date) else datetime.fromisoformat(cells.text(raw))
        except ValueError:
            raise ValueError(f"{raw!r} is not a time like 2027-01-01T00:00:00+08:00") from None
        if not isinstance(found, datetime):
            found = datetime(found.year, found.month, found.day)  # noqa: DTZ001  # its zone follows
        return cells.moment(found if found.tzinfo else found.replace(tzinfo=SHANGHAI))

    pattern = rf"^{_DAY}([Tt ]{_CLOCK}(\.[0-9]+)?([Zz]|[+-][0-9]{{2}}:[0-9]{{2}})?)?$"
    return Checked(check, {"type": "string", "pattern": pattern})


def day() -> Checked:
    """A calendar day."""

    def check(raw: Raw) -> date:
        if isinstance(raw, datetime):
            raise ValueError(f"{raw} is an instant; a day is wanted, like 2027-02-06")  # noqa: TRY004  # for people
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

    return _many(one, {"enum": list(written)})


def digits(pattern: str, what: str) -> Checked:
    """A list of texts of digits, or one text with them; whole numbers are taken as digits."""
    form = re.compile(pattern, re.ASCII)

    def one(text: str) -> str:
        if not form.fullmatch(text):
            raise ValueError(f"{text!r} is not {what}")
        return text

    return _many(one, {"type": "string", "pattern": f"^(?:{pattern})$"})


def _many(one: Callable[[str], str], schema: Schema) -> Checked:
    """A list, or texts apart by comma, semicolon or space in one; each once, in their order."""

    def check(raw: Raw) -> tuple[str, ...]:
        found = _parts(raw)
        if not 1 <= len(found) <= LIST_MAX:
            raise ValueError(f"give 1 to {LIST_MAX}, or leave the key out")
        return tuple(dict.fromkeys(one(text) for text in found))

    items = {"type": "array", "items": schema, "minItems": 1, "maxItems": LIST_MAX}
    return Checked(check, {"anyOf": [items, {"type": "string", "minLength": 1}]})


def _parts(raw: Raw) -> Sequence[str]:
    if isinstance(raw, str):
        return [part for part in _SEPARATORS.split(raw) if part]
    if isinstance(raw, list) and all(isinstance(each, str) for each in raw):
        return [str(each) for each in raw]
    raise ValueError(f"{raw!s} is not a list of texts; put each in quotes")
