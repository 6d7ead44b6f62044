"""When a month's fees are so sudden that the customer must be told."""

from collections.abc import Sequence

FACTOR = 5
MONTHS = 3


def sudden(fee_micros: int, before_micros: Sequence[int], factor: int = FACTOR) -> int | None:
    """The mean of the months before (rounded down), if `fee_micros` is above `factor` times it.

    None: it is not, or there are fewer than three months before: who is new has no usual month.
    Compared exactly: fee × months > factor × their sum.
    """
    if len(before_micros) < MONTHS:
        return None
    summed = sum(before_micros)
    if fee_micros * len(before_micros) <= factor * summed:
        return None
    return summed // len(before_micros)
