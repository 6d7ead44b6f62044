"""A tariff compiled for one call: elapsed seconds → exact price.

Python compiles, and Python, Lua and the browser only evaluate; so a running fee needs no second
copy of the tariff's rules. Numerators are micro-yuan × seconds, over a denominator of 60.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import orjson

from callserver.domain.money import half_up

SECONDS_PER_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Segment:
    """From `from_s` on, every started `step_s` adds `step_num` to `start_num`.

    `step_num` is a whole multiple of `step_s`: each second has a price of its own, which is what
    is left to pay of an increment that included minutes cover in part.
    """

    from_s: int
    step_s: int
    start_num: int
    step_num: int


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Price of an answered call by its billsec (whole seconds ≥ 0).

    Segments are in order of `from_s`, the first from 0; a call of t seconds is priced by the last
    segment with `from_s < t`, so an increment belongs to the segment in which it starts. The first
    segment's `start_num` is the connection fee.

    Included `minutes` cover the first 60 seconds each. A call wholly covered costs nothing; what is
    beyond is charged second by second, plus the connection fee, at least the minimum.
    """

    segments: tuple[Segment, ...]
    minimum_micros: int
    cap_micros: int | None
    free_s: int
    precision_micros: int

    def __post_init__(self) -> None:
        starts = [segment.from_s for segment in self.segments]
        if not starts or starts[0] != 0 or any(a >= b for a, b in pairwise(starts)):
            raise ValueError(f"segments must start at 0 and rise, not {starts}")
        if any(segment.step_s < 1 or segment.step_num < 0 for segment in self.segments):
            raise ValueError("segments must step by at least a second and never get cheaper")
        if any(segment.step_num % segment.step_s for segment in self.segments):
            raise ValueError("segments must have a whole price a second")

    def _segment(self, billsec: int) -> Segment:
        return next(s for s in reversed(self.segments) if s.from_s < billsec)

    def billed_s(self, billsec: int) -> int:
        """Seconds charged for: billsec rounded up to the increment it ends in; 0 if free."""
        if billsec <= self.free_s or billsec <= 0:
            return 0
        segment = self._segment(billsec)
        return segment.from_s + -(-(billsec - segment.from_s) // segment.step_s) * segment.step_s

    def minutes_needed(self, billsec: int) -> int:
        """Included minutes that cover the call wholly: one for each started 60 billed seconds."""
        return -(-self.billed_s(billsec) // SECONDS_PER_MINUTE)

    def exact_num(self, billsec: int, minutes: int = 0) -> int:
        """Numerator over 60 before minimum, cap and rounding, where `minutes` leave some to pay."""
        segment = self._segment(billsec)
        num = (
            segment.start_num + -(-(billsec - segment.from_s) // segment.step_s) * segment.step_num
        )
        if minutes <= 0:
            return num
        return self.segments[0].start_num + max(0, num - self._covered_num(minutes))

    def _covered_num(self, minutes: int) -> int:
        covered_s = minutes * SECONDS_PER_MINUTE
        segment = self._segment(covered_s)
        second_num = segment.step_num // segment.step_s
        return segment.start_num + (covered_s - segment.from_s) * second_num

    def price_micros(self, billsec: int, minutes: int = 0) -> int:
        """The fee: exact sum, then minimum, then cap, then one rounding half-up.

        0 where the call is free, or `minutes` (as many as it has; more than it needs change
        nothing) cover all its billed seconds.
        """
        if billsec <= self.free_s or billsec <= 0:
            return 0
        if minutes > 0 and self.billed_s(billsec) <= minutes * SECONDS_PER_MINUTE:
            return 0
        num = max(self.exact_num(billsec, minutes), self.minimum_micros * SECONDS_PER_MINUTE)
        if self.cap_micros is not None:
            num = min(num, self.cap_micros * SECONDS_PER_MINUTE)
        return half_up(num, SECONDS_PER_MINUTE, self.precision_micros)

    def whole_increments(self, seconds: int) -> int:
        """`seconds` (> 0) rounded up to the end of the increment it falls in, free or not."""
        segment = self._segment(seconds)
        return segment.from_s + -(-(seconds - segment.from_s) // segment.step_s) * segment.step_s

    def affordable_s(self, budget_micros: int, upto_s: int, minutes: int = 0) -> int:
        """The longest call up to `upto_s` that costs at most the budget with `minutes`; 0 if none.

        Prices only change where an increment starts, so the answer ends a whole increment
        (or is `upto_s`, or the end of the free seconds).
        """
        low, high = 0, upto_s
        while low < high:  # the price never falls, so the longest can be searched by halves
            middle = (low + high + 1) // 2
            if self.price_micros(middle, minutes) <= budget_micros:
                low = middle
            else:
                high = middle - 1
        return low

    def encode(self) -> str:
        """The compact JSON that Lua and the browser evaluate."""
        return orjson.dumps(
            {
                "s": [[s.from_s, s.step_s, s.start_num, s.step_num] for s in self.segments],
                "m": self.minimum_micros,
                "c": -1 if self.cap_micros is None else self.cap_micros,
                "f": self.free_s,
                "p": self.precision_micros,
            }
        ).decode()

    @classmethod
    def decode(cls, text: str | bytes) -> Self:
        """The inverse of `encode`. Raises ValueError for anything else."""
        raw = orjson.loads(text)
        return cls(
            segments=tuple(Segment(*row) for row in raw["s"]),
            minimum_micros=raw["m"],
            cap_micros=None if raw["c"] < 0 else raw["c"],
            free_s=raw["f"],
            precision_micros=raw["p"],
        )


def dearest(tables: Iterable[PriceTable], seconds: int) -> PriceTable:
    """The table with the highest price for `seconds`: what a hold must cover."""
    return max(tables, key=lambda table: table.price_micros(seconds))
