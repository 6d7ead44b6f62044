"""What a hold is priced by before anybody knows who answers, and when."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from callserver.domain.band import DAY_S, Band
from callserver.domain.call import Line
from callserver.domain.call_tariff import CallTariff
from callserver.domain.hold import hold_table
from callserver.domain.holidays import HolidayCalendar

from .samples import HANGZHOU_MOBILE, tariff

NOON_MS = 1_790_049_600_000  # 2026-09-22 12:00:00 in Shanghai
NOON_S = 12 * 3_600
DESK = Line("desk", "13800138000", "carrier", 20, 0)
BACK = Line("back", "057188886666", "carrier", 30, 0)


def terms(*bands: Band, **changed: int) -> CallTariff:
    """0.15 yuan a minute by the second, and other rates in bands."""
    version = replace(tariff(initial_increment_s=1, increment_s=1, **changed), bands=tuple(bands))
    return CallTariff.snapshot(version, HANGZHOU_MOBILE, NOON_MS, 3_600, HolidayCalendar())


def test_without_bands_there_is_one_table() -> None:
    """The same object for every call, whoever answers."""
    plain = terms()
    table = hold_table(plain, (DESK, BACK), NOON_MS, 60)
    assert table is hold_table(plain, (BACK,), NOON_MS + 1, 60)
    assert table.price_micros(60) == 150_000


def test_the_dearest_line_counts() -> None:
    """Whichever line answers, the hold covers it."""
    to_mobiles = terms(Band(300_000, destination_prefixes=("138",)))
    assert hold_table(to_mobiles, (BACK, DESK), NOON_MS, 60).price_micros(60) == 300_000
    assert hold_table(to_mobiles, (BACK,), NOON_MS, 60).price_micros(60) == 150_000


def test_an_answer_in_a_dearer_hour_is_covered() -> None:
    """The hour begins while the last line may still ring, or while the first slice lasts."""
    soon = terms(Band(600_000, NOON_S + 50, NOON_S + 3_600))
    assert hold_table(soon, (DESK, BACK), NOON_MS, 60).price_micros(60) == 600_000
    assert hold_table(soon, (DESK,), NOON_MS, 60).price_micros(60) == 375_000  # 20 s ring
    assert hold_table(soon, (DESK,), NOON_MS - 60_000, 30).price_micros(30) == 75_000  # not by then


def test_a_hour_that_ends_soon_is_covered_too() -> None:
    """Whoever answers at once pays it."""
    ending = terms(Band(600_000, NOON_S - 3_600, NOON_S + 30))
    assert hold_table(ending, (DESK, BACK), NOON_MS, 60).price_micros(60) == 375_000


@given(
    st.integers(-90, 90),
    st.integers(1, 180),
    st.integers(0, 999),
    st.integers(1, 12),
    st.integers(1, 90),
)
def test_no_answer_is_dearer_than_its_hold(
    starts_s: int, lasts_s: int, ms: int, ring_s: int, seconds: int
) -> None:
    """At every instant while few seconds ring, one hour of another rate anywhere near."""
    from_s = (NOON_S + starts_s) % DAY_S
    near = terms(Band(600_000, from_s, from_s + lasts_s))
    line = replace(DESK, ring_s=ring_s)
    held = hold_table(near, (line,), NOON_MS + ms, seconds).price_micros(seconds)
    for answered_ms in range(NOON_MS + ms, NOON_MS + ms + ring_s * 1000 + 1, 250):
        assert near.compile(line.number, answered_ms).price_micros(seconds) <= held
