"""Money."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callserver.domain.money import (
    AMOUNT_MICROS_MAX,
    BadAmount,
    half_up,
    money_json,
    parse_yuan,
    short_yuan,
    yuan_text,
)

amounts = st.integers(-AMOUNT_MICROS_MAX, AMOUNT_MICROS_MAX)


@given(amounts)
def test_an_amount_survives_its_text(micros: int) -> None:
    """Text of either form reads back as the same amount."""
    assert parse_yuan(yuan_text(micros)) == micros
    assert parse_yuan(short_yuan(micros)) == micros


@pytest.mark.parametrize(
    ("text", "micros"),
    [("0.150", 150_000), ("9", 9_000_000), ("-0.000001", -1), (" 12.5 ", 12_500_000), ("-0", 0)],
)
def test_decimal_text_is_read_exactly(text: str, micros: int) -> None:
    """A decimal text of up to six places is exact."""
    assert parse_yuan(text) == micros


@pytest.mark.parametrize(
    "text",
    ["", ".5", "1.", "1e3", "1,000", "0.0000001", "NaN", "+1", "1 2", "１", "9007199254.740992"],
)
def test_other_text_is_no_amount(text: str) -> None:
    """Exponents, separators, too many decimals, other digits and too large amounts are refused."""
    with pytest.raises(BadAmount):
        parse_yuan(text)


@pytest.mark.parametrize(
    ("micros", "text"),
    [(270_000, "0.27"), (0, "0.00"), (-1_500_000, "-1.50"), (1, "0.000001"), (15_000, "0.015")],
)
def test_people_see_at_least_two_decimals(micros: int, text: str) -> None:
    """The short form drops zeros down to fen."""
    assert short_yuan(micros) == text


def test_json_money_is_text_with_its_currency() -> None:
    """Amounts never leave as JSON numbers."""
    assert money_json(270_000) == {"amount": "0.270000", "currency": "CNY"}


@given(st.integers(0, 10**15), st.sampled_from([1, 60]), st.sampled_from([1, 1_000, 10_000]))
def test_rounding_agrees_with_decimal(numerator: int, denominator: int, step: int) -> None:
    """Half-up rounding is Decimal's ROUND_HALF_UP."""
    units = (Decimal(numerator) / Decimal(denominator * step)).quantize(
        Decimal(1), rounding=ROUND_HALF_UP
    )
    assert half_up(numerator, denominator, step) == int(units) * step
