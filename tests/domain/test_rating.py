"""The arithmetic people see."""

from hypothesis import given
from hypothesis import strategies as st

from callserver.domain.call_tariff import CallTariff
from callserver.domain.rating import explain
from callserver.domain.tariff import TariffVersion

from .samples import table_of, tariff, tariffs


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
