"""What is left of a customer's grants: whatever is used takes from the grant that ends first.

Used are calls, corrections of calls, and shortfalls of the monthly minimum. They are known as
totals that only the ledger keeps; each movement of a grant notes the total at its moment, and the
rise from one movement to the next is what was used between them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Used:
    """All that an account has ever used, in micros and in included minutes."""

    micros: int
    minutes: int


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of a grant, lapsed of it, and used of it. granted = used + lapsed + left."""

    micros: int
    minutes: int
    lapsed_micros: int = 0
    lapsed_minutes: int = 0


class MovementKind(StrEnum):
    """Into a grant, or out of it."""

    GRANTED = "granted"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class Movement:
    """A grant given, or what was left of one taken back. Amounts ≥ 0.

    `final`: nothing of the grant is left after it, whatever was taken.
    """

    grant: int
    kind: MovementKind
    micros: int
    minutes: int
    used: Used
    final: bool = False


def leftovers(
    last_days: Mapping[int, date], movements: Iterable[Movement], used: Used
) -> dict[int, Left]:
    """What is left of each grant now; `movements` in order, `last_days` of each grant."""
    left: dict[int, Left] = {}
    before: Used | None = None
    for movement in movements:
        if before is not None:
            left = _consume(left, last_days, before, movement.used)
        before = movement.used
        left[movement.grant] = _moved(left.get(movement.grant), movement)
    return _consume(left, last_days, before, used) if before is not None else left


def _moved(before: Left | None, movement: Movement) -> Left:
    if movement.kind is MovementKind.GRANTED or before is None:
        return Left(movement.micros, movement.minutes)
    return Left(
        micros=0 if movement.final else max(0, before.micros - movement.micros),
        minutes=0 if movement.final else max(0, before.minutes - movement.minutes),
        lapsed_micros=before.lapsed_micros + movement.micros,
        lapsed_minutes=before.lapsed_minutes + movement.minutes,
    )


def _consume(
    left: Mapping[int, Left], last_days: Mapping[int, date], before: Used, after: Used
) -> dict[int, Left]:
    """Take what was used between two moments; money given back by corrections stays given."""
    order = sorted(left, key=lambda grant: (last_days[grant], grant))
    micros = _taken([left[grant].micros for grant in order], after.micros - before.micros)
    minutes = _taken([left[grant].minutes for grant in order], after.minutes - before.minutes)
    return {
        grant: Left(
            micros[place],
            minutes[place],
            left[grant].lapsed_micros,
            left[grant].lapsed_minutes,
        )
        for place, grant in enumerate(order)
    }


def _taken(amounts: Sequence[int], used: int) -> list[int]:
    rest = max(0, used)
    remaining = []
    for amount in amounts:
        take = min(amount, rest)
        rest -= take
        remaining.append(amount - take)
    return remaining
