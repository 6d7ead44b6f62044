"""A bill as CSV, and the figures of its JSON."""

import csv

import pytest

from callserver.adapters.http.bill_csv import bill_csv
from callserver.adapters.http.month_models import Bill as BillModel
from callserver.adapters.http.month_shapes import bill_shape, minutes_text
from callserver.adapters.http.replies import json_reply
from tests.adapters.http.bill_samples import BILL


def rows(*, for_provider: bool) -> list[dict[str, str]]:
    return list(csv.DictReader(bill_csv(BILL, for_provider=for_provider).splitlines()))


def test_a_row_for_everything() -> None:
    """By kind; feature fees for the provider only; no text is taken for a formula."""
    kinds = [row["kind"] for row in rows(for_provider=True)]
    assert kinds == [
        *["number"] * 5,
        "corrections",
        "late",
        *["movement"] * 3,
        "feature_fee",
        "running",
        "due",
    ]
    assert "feature_fee" not in {row["kind"] for row in rows(for_provider=False)}
    details = [row["detail"] for row in rows(for_provider=True)]
    assert [text for text in details if text.startswith(("=", "+", "@"))] == []
    assert "'=recording" in details


def test_the_sums_agree() -> None:
    """Rows, JSON and the bill say the same."""
    shape = bill_shape(BILL, for_provider=True)
    assert json_reply(shape).body
    BillModel.model_validate(shape, strict=False)
    by_kind = {row["kind"]: row for row in rows(for_provider=True)}
    assert by_kind["due"]["amount"] == shape["due"]["amount"] == "92.000000"
    assert shape["calls"]["charged"]["amount"] == "15.000000"
    assert shape["late"]["total"]["amount"] == "0.000000"
    assert "feature_fees" not in bill_shape(BILL, for_provider=False)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.00"), (1, "0.02"), (60, "1.00"), (123, "2.05"), (-90, "-1.50"), (3, "0.05")],
)
def test_minutes(seconds: int, text: str) -> None:
    """Half-up to two decimals."""
    assert minutes_text(seconds) == text
