"""The independent reckoning."""

from decimal import Decimal

import pytest

from callserver.demo.business import CLINIC_DID, TARIFFS, UNKNOWN_DID
from callserver.demo.reckoning import disposition, due, fee

from .records import record


@pytest.mark.parametrize(
    ("tariff", "billsec", "yuan"),
    [
        ("minute", 0, "0"),
        ("minute", 1, "0.15"),
        ("minute", 60, "0.15"),
        ("minute", 61, "0.30"),
        ("minute", 3600, "9.00"),
        ("six", 1, "0.032"),
        ("six", 7, "0.044"),
        ("second", 1, "0.005"),
        ("second", 5, "0.008"),  # 0.0075: half up
        ("fast", 3, "0.03"),
    ],
)
def test_fees_by_the_wording_of_the_tariff(tariff: str, billsec: int, yuan: str) -> None:
    """Increments, connection fee, minimum, one rounding at the end."""
    assert fee(TARIFFS[tariff], billsec) == Decimal(yuan)


def test_a_call_to_nobody_costs_nothing() -> None:
    """Nor one that was not answered."""
    assert due(UNKNOWN_DID, 60) == 0
    assert due(CLINIC_DID, 0) == 0
    assert due(CLINIC_DID, 3) == Decimal("0.15")


@pytest.mark.parametrize(
    ("status", "refused", "expected"),
    [
        ("ANSWER", "", "answered"),
        ("BUSY", "", "busy"),
        ("NOANSWER", "", "no_answer"),
        ("CANCEL", "", "cancelled"),
        ("CONGESTION", "", "failed"),
        ("CHANUNAVAIL", "", "failed"),
        ("", "no_credit", "refused"),
    ],
)
def test_dispositions(status: str, refused: str, expected: str) -> None:
    """By what the dialplan saw."""
    assert disposition(record(dial_status=status, refused=refused)) == expected
