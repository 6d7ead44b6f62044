"""The arithmetic people see."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callserver.domain.band import Band
from callserver.domain.call_tariff import CallTariff
from callserver.domain.holidays import HolidayCalendar
from callserver.domain.rating import explain
from callserver.domain.tariff import TariffVersion

from .samples import HANGZHOU_MOBILE, table_of, tariff, tariffs


@given(tariffs, st.integers(0, 20_000))
def test_the_arithmetic_agrees_with_the_price_table(version: TariffVersion, billsec: int) -> None:
    """What is explained is what is charged."""
    table = table_of(version)
    rated = explain(CallTariff.flat(version), "", 0, billsec)
    assert rated.amount_micros == table.price_micros(billsec)
    assert rated.billed_s == table.billed_s(billsec)
    assert rated.lines


def test_every_step_of_a_fee_is_a_line() -> None:
    """Increments, rate, connection fee, minimum and rounding each show."""
    version = tariff(
        initial_increment_s=30,
        increment_s=7,
        connection_fee_micros=10_000,
        minimum_charge_micros=105_500,
        precision_micros=10_000,
    )
    assert explain(CallTariff.flat(version), "", 0, 31).lines == (
        "31 s in steps of 30/7 s: 37 s",
        "37 s × 0.15 / 60 s = 0.0925",
        "+ connection fee 0.01 = 0.1025",
        "at least the minimum charge 0.1055",
        "to 0.01, half up: 0.11",
    )


def test_a_plain_fee_needs_two_lines() -> None:
    """Nothing is said of what did not apply."""
    assert explain(CallTariff.flat(tariff()), "", 0, 61).lines == (
        "61 s in steps of 60/60 s: 120 s",
        "120 s × 0.15 / 60 s = 0.30",
    )


def test_a_sum_beyond_a_micro_yuan_is_marked() -> None:
    """A fraction that goes on is cut with an ellipsis and then rounded."""
    version = tariff(rate_micros=100_000, initial_increment_s=1, increment_s=1)
    assert explain(CallTariff.flat(version), "", 0, 7).lines[1:] == (
        "7 s × 0.10 / 60 s = 0.011666…",
        "to 0.001, half up: 0.012",
    )


def test_free_calls_say_why() -> None:
    """Not answered and free seconds read differently."""
    assert explain(CallTariff.flat(tariff()), "", 0, 0).lines == ("not answered: free",)
    assert explain(CallTariff.flat(tariff(free_s=10)), "", 0, 10).lines == (
        "10 s, free up to 10 s",
    )


NIGHT = Band(100_000, 79_200, 28_800, name="night")
MONDAY_2159_MS = 1_795_442_340_000


def terms(*bands: Band, **changed: Any) -> CallTariff:
    """Of a mobile from Hangzhou, on Monday 23 November 2026 at 21:59."""
    version = tariff(bands=bands, **changed)
    return CallTariff.snapshot(version, HANGZHOU_MOBILE, MONDAY_2159_MS, 7_200, HolidayCalendar())


def test_each_band_is_a_line() -> None:
    """With its number, name, time and the instant from which it counts; then their sum."""
    assert explain(terms(NIGHT), "", MONDAY_2159_MS, 121).lines == (
        "121 s in steps of 60/60 s: 180 s",
        "60 s × 0.15 / 60 s = 0.15",
        '120 s × 0.10 / 60 s = 0.20 (band 1 "night", 22:00-08:00; from 22:00:00)',
        "together 0.35",
    )


def test_a_bands_name_ends_where_its_quotes_do() -> None:
    """Quotation marks and backslashes within are escaped; other scripts stand as they are."""
    band = Band(100_000, name='夜 "n\\')
    last = explain(terms(band), "", MONDAY_2159_MS, 60).lines[-1]
    assert '(band 1 "夜 \\"n\\\\"; from 21:59:00)' in last


def test_nothing_of_the_caller_is_in_the_lines() -> None:
    """They stay with the CDR when the caller's data is deleted."""
    band = Band(
        1_000_000,
        days=("mon", "sun"),
        provinces=("浙江",),
        area_codes=("0571",),
        caller_prefixes=("13800571234",),
        destination_prefixes=("021", "010"),
    )
    rated = explain(terms(band), "02188886666", MONDAY_2159_MS, 60)
    assert rated.lines[-1] == (
        "60 s × 1.00 / 60 s = 1.00 (band 1, mon sun, to 021… 010…; from 21:59:00)"
    )


def test_a_cap_is_a_line() -> None:
    """Only where it matters."""
    capped = CallTariff.flat(tariff(cap_micros=250_000))
    assert explain(capped, "", 0, 61).lines[-1] == "at most the cap 0.25"
    assert len(explain(capped, "", 0, 60).lines) == 2


MINUTES = [  # increments, billsec, minutes, fee in micros, used, why
    ((60, 60), 61, 0, 300_000, 0, "none left"),
    ((60, 60), 61, 1, 150_000, 1, "the first minute"),
    ((60, 60), 60, 1, 0, 1, "covered wholly"),
    ((60, 60), 61, 5, 0, 2, "no more than it needs"),
    ((6, 6), 1, 1, 0, 1, "a whole minute for six seconds"),
    ((6, 6), 61, 1, 15_000, 1, "six seconds are left"),
    ((6, 6), 61, 2, 0, 2, "each started minute"),
    ((180, 180), 1, 2, 150_000, 2, "an increment that is covered in part"),
    ((60, 60), 0, 2, 0, 0, "not answered"),
]


@pytest.mark.parametrize(("increments", "billsec", "minutes", "fee", "used", "why"), MINUTES)
def test_included_minutes_go_first(
    increments: tuple[int, int], billsec: int, minutes: int, fee: int, used: int, why: str
) -> None:
    """Whole ones, one for each started 60 billed seconds."""
    first, further = increments
    flat = CallTariff.flat(tariff(initial_increment_s=first, increment_s=further))
    rated = explain(flat, "", 0, billsec, minutes)
    assert (rated.amount_micros, rated.minutes_used) == (fee, used), why


def test_a_call_paid_in_part_pays_the_connection_fee_and_the_minimum() -> None:
    """One that is covered wholly pays neither; a free one uses no minute."""
    flat = CallTariff.flat(
        tariff(connection_fee_micros=50_000, minimum_charge_micros=400_000, free_s=5)
    )
    assert explain(flat, "", 0, 61, 1).lines[1:] == (
        "1 minute included: the first 60 s",
        "60 s × 0.15 / 60 s = 0.15",
        "+ connection fee 0.05 = 0.20",
        "at least the minimum charge 0.40",
    )
    covered = explain(flat, "", 0, 61, 2)
    assert (covered.amount_micros, covered.billed_s) == (0, 120)
    assert covered.lines[-1] == "covered by included minutes: free"
    assert explain(flat, "", 0, 5, 2).minutes_used == 0


def test_minutes_cover_the_dear_seconds_if_these_come_first() -> None:
    """It is their order that counts, not their price."""
    rated = explain(terms(NIGHT), "", MONDAY_2159_MS, 121, 2)
    assert rated.amount_micros == 100_000
    assert [each.paid_s for each in rated.charged] == [0, 60]
    assert rated.lines[-1].endswith("from 22:01:00)")


def test_a_weekday_that_stands_in_for_an_unknown_year_is_said() -> None:
    """Only where a band asks for the kind of day."""
    said = "no official calendar for that year yet: the weekday decides"
    assert said in explain(terms(Band(1, days=("holiday",))), "", MONDAY_2159_MS, 1).lines
    assert said not in explain(terms(Band(1, days=("mon",))), "", MONDAY_2159_MS, 1).lines
