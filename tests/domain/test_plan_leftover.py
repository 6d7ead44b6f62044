"""What is left of grants: nothing is made, nothing is lost, and the first to end goes first."""

from collections.abc import Sequence
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from callserver.domain.plan_leftover import Left, Movement, MovementKind, Used, leftovers

GRANTED, LAPSED = MovementKind.GRANTED, MovementKind.LAPSED
EARLY, LATE = date(2026, 6, 30), date(2026, 12, 31)
LAST_DAYS = {1: LATE, 2: EARLY}


def granted(grant: int, micros: int, minutes: int, used: Used) -> Movement:
    return Movement(grant, GRANTED, micros, minutes, used)


def test_the_one_that_ends_first_is_used_first() -> None:
    """Although it was granted later; the rest comes from the other."""
    moves = [granted(1, 100, 10, Used(0, 0)), granted(2, 50, 5, Used(20, 1))]
    assert leftovers(LAST_DAYS, moves, Used(20, 1)) == {1: Left(80, 9), 2: Left(50, 5)}
    assert leftovers(LAST_DAYS, moves, Used(60, 8)) == {1: Left(80, 7), 2: Left(10, 0)}
    assert leftovers(LAST_DAYS, moves, Used(90, 8)) == {1: Left(60, 7), 2: Left(0, 0)}
    assert leftovers(LAST_DAYS, moves, Used(999, 99)) == {1: Left(0, 0), 2: Left(0, 0)}


def test_a_part_that_is_kept_is_used_before_the_rest() -> None:
    """Lapsed but for 5: what is used afterwards takes those first."""
    moves = [
        granted(2, 50, 5, Used(0, 0)),
        granted(1, 100, 10, Used(0, 0)),
        Movement(2, LAPSED, 45, 5, Used(0, 0)),
    ]
    left = leftovers(LAST_DAYS, moves, Used(7, 1))
    assert left == {2: Left(0, 0, 45, 5), 1: Left(98, 9)}
    final = [*moves, Movement(2, LAPSED, 5, 0, Used(0, 0), final=True)]
    assert leftovers(LAST_DAYS, final, Used(7, 1))[1] == Left(93, 9)


def test_a_correction_gives_back_within_a_stretch_only() -> None:
    """A call that is made cheaper before the next movement was cheaper; later it is money."""
    moves = [granted(1, 100, 10, Used(0, 0))]
    assert leftovers(LAST_DAYS, moves, Used(30 - 10, 0))[1] == Left(80, 10)
    moves.append(granted(2, 50, 0, Used(30, 0)))
    assert leftovers(LAST_DAYS, moves, Used(20, 0)) == {1: Left(70, 10), 2: Left(50, 0)}


def test_without_grants_nothing_is_left() -> None:
    """Whatever was used."""
    assert leftovers({}, [], Used(5, 5)) == {}


STEPS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 40), st.integers(0, 500)), min_size=1, max_size=12
)


@given(STEPS, st.integers(0, 200))
def test_granted_is_used_lapsed_and_left(
    steps: Sequence[tuple[int, int, int]], used_after: int
) -> None:
    """For all grants together: use takes what there is, no more and no less, and keeps order."""
    days = {n: EARLY + timedelta(days=length) for n, (_, _, length) in enumerate(steps)}
    moves, used = [], 0
    for number, (minutes, gap, _) in enumerate(steps):
        used += gap
        moves.append(granted(number, minutes * 2, minutes, Used(used, used)))
    left = leftovers(days, moves, Used(used + used_after, used + used_after))
    taken = sum(minutes for minutes, _, _ in steps) - sum(each.minutes for each in left.values())
    there, expected = 0, 0  # the same, counted as one heap
    gaps = [gap for _, gap, _ in steps[1:]] + [used_after]
    for (minutes, _, _), gap in zip(steps, gaps, strict=True):
        there += minutes
        expected += min(there, gap)
        there -= min(there, gap)
    assert taken == expected
    order = sorted(left, key=lambda number: (days[number], number))
    touched = [number for number in order if left[number].minutes < steps[number][0]]
    assert all(each.minutes >= 0 for each in left.values())
    if touched and used_after and used == 0:
        before = order[: order.index(touched[-1])]
        assert all(left[number].minutes == 0 for number in before)
