"""Customers and their limits."""

from callserver.domain.business import Billing, Customer


def test_only_postpaid_has_a_floor_below_zero() -> None:
    """A prepaid customer's credit limit counts for nothing."""
    prepaid = Customer("a", "A", "p", "t", Billing.PREPAID, credit_limit_micros=5)
    postpaid = Customer("a", "A", "p", "t", Billing.POSTPAID, credit_limit_micros=5)
    assert (prepaid.floor_micros, postpaid.floor_micros) == (0, 5)
