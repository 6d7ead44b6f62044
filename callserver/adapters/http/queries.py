"""Reading query parameters strictly: what is misspelt or cannot be used is said, not ignored."""

import difflib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from callserver.adapters.http.problems import bad_value
from callserver.adapters.http.settings import PAGE_DEFAULT, PAGE_MAX
from callserver.domain.number import is_did

_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_WHOLE = re.compile(r"\d{1,9}", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YEARS = (2, 9998)  # the calendar's first and last are not whole in every time zone
HOW_TO_WRITE = "write an RFC 3339 instant such as 2026-03-01T00:00:00Z or …T08:00:00%2B08:00"


def parameters(query: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    """The parameters, each at most once and none but `names`."""
    found: dict[str, str] = {}
    for name, text in query.items():
        if name not in names:
            raise bad_value(name[:40], f"there is no such parameter{_meant(name, names)}")
        if name in found:
            raise bad_value(name, "is there twice; give it once")
        if not text.isprintable():  # PostgreSQL takes no NUL
            raise bad_value(name, "has signs that cannot be printed")
        found[name] = text
    return found


def _meant(name: str, names: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(name[:40], names, n=1)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(names) or 'none'}"


def instant_ms(name: str, text: str | None) -> int | None:
    """UTC milliseconds of an RFC 3339 instant, finer digits rounded up so that a half-open range
    keeps its meaning; None if there is none."""
    if text is None:
        return None
    if not _INSTANT.fullmatch(text):
        hint = " (a + must be sent as %2B)" if " " in text else ""
        raise bad_value(name, HOW_TO_WRITE + hint)
    try:
        moment = datetime.fromisoformat(re.sub(r"\.\d+", "", text.upper()))
    except ValueError as error:
        raise bad_value(name, f"there is no such instant; {HOW_TO_WRITE}") from error
    if not _YEARS[0] <= moment.year <= _YEARS[1]:
        raise bad_value(name, "too far away to be written in every time zone")
    whole_ms = (moment - _EPOCH) // timedelta(seconds=1) * 1000
    fraction = text.partition(".")[2].upper().rstrip("Z").partition("+")[0].partition("-")[0]
    return whole_ms + -(-int((fraction or "0").ljust(9, "0")) // 1_000_000)


def time_range(found: Mapping[str, str]) -> tuple[int | None, int | None]:
    """`from` (in it) and `to` (not in it)."""
    from_ms, to_ms = instant_ms("from", found.get("from")), instant_ms("to", found.get("to"))
    if from_ms is not None and to_ms is not None and from_ms >= to_ms:
        raise bad_value("to", "must be later than from: the range is half-open, [from, to)")
    return from_ms, to_ms


def limit(found: Mapping[str, str], default: int = PAGE_DEFAULT) -> int:
    """How many rows, 1 … PAGE_MAX."""
    text = found.get("limit")
    if text is None:
        return default
    if not _WHOLE.fullmatch(text) or not 1 <= int(text) <= PAGE_MAX:
        raise bad_value("limit", f"write a whole number from 1 to {PAGE_MAX}")
    return int(text)


def did(found: Mapping[str, str]) -> str | None:
    """A 400 number, if one was given."""
    text = found.get("did")
    if text is not None and not is_did(text):
        raise bad_value("did", "write the 400 number as it is dialled, 10 digits")
    return text


def only(found: Mapping[str, str], name: str, allowed: str, hint: str) -> None:
    """The parameter must be there with the one value it can have."""
    if found.get(name) != allowed:
        raise bad_value(name, f"write {name}={allowed}; {hint}")
