"""Balances."""

from callserver.domain.meter import Balance


def test_available_is_settled_plus_limit_less_held() -> None:
    """Running fees are inside what is held."""
    balance = Balance("acme", 10_000_000, 4_000_000, 2_000_000, 7, 1_500_000, 1)
    assert balance.available_micros == 8_000_000
