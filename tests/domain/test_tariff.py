"""Tariffs against an independent reference."""

from decimal import ROUND_HALF_UP, Decimal
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callserver.domain.tariff import TariffVersion

from .samples import table_of, tariff, tariffs


def reference_micros(version: TariffVersion, billsec: int) -> int:
    """The trade's rule in Decimal, written from its wording and not from the code."""
    if billsec == 0 or billsec <= version.free_s:
        return 0
    first, step = version.initial_increment_s, version.increment_s
    billed = Decimal(first)
    if billsec > first:
        billed += step * ceil(Decimal(billsec - first) / step)
    fee = Decimal(version.rate_micros) * billed / 60 + version.connection_fee_micros
    fee = max(fee, Decimal(version.minimum_charge_micros))
    if version.cap_micros is not None:
        fee = min(fee, Decimal(version.cap_micros))
    unit = Decimal(version.precision_micros)
    return int((fee / unit).quantize(Decimal(1), rounding=ROUND_HALF_UP) * unit)


CASES = [  # tariff, billsec, billed_s, fee in micros, why
    ({}, 0, 0, 0, "unanswered"),
    ({}, 1, 60, 150_000, "a started minute is a full minute"),
    ({}, 59, 60, 150_000, "still the first minute"),
    ({}, 60, 60, 150_000, "the edge belongs to the minute before"),
    ({}, 61, 120, 300_000, "one second past the edge"),
    ({}, 3600, 3600, 9_000_000, "an hour"),
    ({"initial_increment_s": 30, "increment_s": 6}, 1, 30, 75_000, "30/6: first"),
    ({"initial_increment_s": 30, "increment_s": 6}, 30, 30, 75_000, "30/6: edge"),
    ({"initial_increment_s": 30, "increment_s": 6}, 31, 36, 90_000, "30/6: next"),
    ({"initial_increment_s": 1, "increment_s": 1}, 7, 7, 18_000, "0.0175 → half up"),
    ({"initial_increment_s": 6, "increment_s": 60}, 7, 66, 165_000, "6/60"),
    ({"free_s": 10}, 10, 0, 0, "free to the end"),
    ({"free_s": 10}, 11, 60, 150_000, "one beyond is billed in full"),
    ({"free_s": 90}, 91, 120, 300_000, "free seconds longer than an increment"),
    ({"connection_fee_micros": 50_000}, 61, 120, 350_000, "connection fee on top"),
    ({"connection_fee_micros": 50_000}, 0, 0, 0, "no connection, no fee"),
    ({"minimum_charge_micros": 200_000}, 1, 60, 200_000, "the minimum is a floor"),
    ({"minimum_charge_micros": 200_000}, 61, 120, 300_000, "above the minimum"),
    (
        {"minimum_charge_micros": 190_000, "connection_fee_micros": 50_000},
        1,
        60,
        200_000,
        "the minimum includes the connection fee",
    ),
    ({"minimum_charge_micros": 200_000, "free_s": 5}, 5, 0, 0, "free means free"),
    ({"precision_micros": 10_000, "rate_micros": 145_000}, 1, 60, 150_000, "0.145 to fen"),
    ({"precision_micros": 10_000, "rate_micros": 144_999}, 1, 60, 140_000, "just below half"),
    ({"rate_micros": 0}, 61, 120, 0, "a free rate"),
    ({"rate_micros": 0, "minimum_charge_micros": 10_000}, 1, 60, 10_000, "but a minimum"),
    ({"cap_micros": 300_000}, 120, 120, 300_000, "just at the cap"),
    ({"cap_micros": 300_000}, 121, 180, 300_000, "never above it"),
    ({"cap_micros": 300_000, "connection_fee_micros": 50_000}, 61, 120, 300_000, "fee and all"),
    ({"cap_micros": 0}, 61, 120, 0, "a cap of nothing"),
    (
        {"cap_micros": 144_999, "precision_micros": 10_000},
        1,
        60,
        140_000,
        "capped first, then rounded",
    ),
    ({"cap_micros": 145_000, "precision_micros": 10_000}, 1, 60, 150_000, "and rounded half up"),
]


@pytest.mark.parametrize(("changed", "billsec", "billed_s", "fee", "why"), CASES)
def test_the_rules_of_the_trade(
    changed: dict[str, int], billsec: int, billed_s: int, fee: int, why: str
) -> None:
    """Each rule of billing, at its edges."""
    version = tariff(**changed)
    table = table_of(version)
    assert (table.billed_s(billsec), table.price_micros(billsec)) == (billed_s, fee), why
    assert reference_micros(version, billsec) == fee, why


@given(tariffs, st.integers(0, 20_000))
def test_the_price_table_agrees_with_the_reference(version: TariffVersion, billsec: int) -> None:
    """Compiled price and independent Decimal arithmetic are the same to the micro-yuan."""
    assert table_of(version).price_micros(billsec) == reference_micros(version, billsec)


@given(tariffs, st.integers(0, 5_000))
def test_a_longer_call_is_never_cheaper(version: TariffVersion, billsec: int) -> None:
    """Prices rise with the seconds, which holds rely on."""
    table = table_of(version)
    assert table.price_micros(billsec) <= table.price_micros(billsec + 1)
