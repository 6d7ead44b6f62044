"""Bands: when, from where and to where a tariff charges another rate."""

from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import orjson

from callserver.domain.caller import Caller

BANDS_MAX = 200
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_S = 86_400


class CallerRank(NamedTuple):
    """How exactly a band names a caller; the higher wins."""

    prefix_length: int
    region: int
    """3: by area code, 2: by province, 1: by kind of number, 0: not at all."""


@dataclass(frozen=True, slots=True)
class Band:
    """A rate and its conditions. One that is empty (or None) always holds; the others all must.

    `from_s` and `to_s` are seconds of the day in Shanghai, both or neither; half-open. Where
    `to_s` ≤ `from_s` the band ends on the next day, and belongs to the day it begins on. `days`
    are names of WEEKDAYS and values of DayKind; `caller_kinds` are values of CallerKind.
    """

    rate_micros: int
    from_s: int | None = None
    to_s: int | None = None
    days: tuple[str, ...] = ()
    provinces: tuple[str, ...] = ()
    area_codes: tuple[str, ...] = ()
    caller_kinds: tuple[str, ...] = ()
    caller_prefixes: tuple[str, ...] = ()
    destination_prefixes: tuple[str, ...] = ()
    name: str = ""

    def caller_rank(self, caller: Caller) -> CallerRank | None:
        """How exactly the band names this caller; None where it is not for them."""
        length = longest_prefix(self.caller_prefixes, caller.number)
        if length is None:
            return None
        region = caller.region
        rank = 0
        for wanted, found, exactness in (
            (self.caller_kinds, caller.kind.value, 1),
            (self.provinces, region.province if region else "", 2),
            (self.area_codes, region.area_code if region else "", 3),
        ):
            if wanted and found not in wanted:
                return None
            if wanted:
                rank = exactness
        return CallerRank(length, rank)


def longest_prefix(prefixes: tuple[str, ...], number: str) -> int | None:
    """The length of the longest prefix that the number begins with; 0 where none is asked for.

    None where prefixes are asked for and none fits.
    """
    if not prefixes:
        return 0
    fitting = [len(prefix) for prefix in prefixes if number.startswith(prefix)]
    return max(fitting, default=None)


def bands_to_json(bands: tuple[Band, ...]) -> str:
    """How the bands of a version are kept: a list of objects, what is not asked for left out."""
    rows = [
        {name: value for name in _FIELDS if (value := getattr(band, name)) not in _EMPTY}
        for band in bands
    ]
    return orjson.dumps(rows).decode()


def bands_from_json(text: str) -> tuple[Band, ...]:
    """The inverse. Raises ValueError or TypeError for anything else."""
    if text == "[]":
        return ()
    return tuple(_from_json(row) for row in orjson.loads(text))


def _from_json(row: dict[str, Any]) -> Band:
    lists = {name: tuple(value) for name, value in row.items() if isinstance(value, list)}
    return Band(**{**row, **lists})


_EMPTY = (None, (), "")
_FIELDS = tuple(each.name for each in fields(Band))
