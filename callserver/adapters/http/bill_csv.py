"""A bill as CSV: one row a number, fee or movement."""

import csv
import io

from callserver.adapters.http.month_shapes import minutes_text
from callserver.adapters.http.replies import rfc3339
from callserver.domain.bill import Bill
from callserver.domain.csv_text import cell_text
from callserver.domain.money import yuan_text
from callserver.domain.month import Usage

COLUMNS = (
    "month", "customer", "kind", "did", "of_month", "at", "calls", "answered", "talk_seconds",
    "billed_minutes", "included_minutes", "amount", "minimum", "shortfall", "standing", "detail",
)  # fmt: skip


def bill_csv(bill: Bill, *, for_provider: bool) -> str:
    """Kinds: `number` (its calls), `late` (calls of a closed month), `movement`, `feature_fee`,
    `running` and `due`. Amounts are yuan; for movements positive is into the account."""
    out = io.StringIO()
    rows = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
    rows.writeheader()
    for row in _rows(bill, for_provider=for_provider):
        rows.writerow({"month": bill.month, "customer": bill.customer} | row)
    return out.getvalue()


def _rows(bill: Bill, *, for_provider: bool) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = [
        {
            "kind": "number",
            "did": line.did,
            **_usage(line.usage),
            "minimum": yuan_text(line.minimum_micros),
            "shortfall": yuan_text(line.shortfall_micros),
            "standing": line.standing.value,
        }
        for line in bill.lines
    ]
    if bill.corrections_micros:
        rows.append({"kind": "corrections", "amount": yuan_text(bill.corrections_micros)})
    rows += [
        {
            "kind": "late",
            "did": each.did,
            "of_month": each.month,
            **_usage(each.usage),
            "shortfall": yuan_text(each.shortfall_micros),
        }
        for each in bill.late
    ]
    rows += [
        {
            "kind": "movement",
            "at": rfc3339(each.at_ms),
            "included_minutes": each.minutes,
            "amount": yuan_text(each.amount_micros),
            "detail": cell_text(
                f"{each.kind.value}: {each.reason}" if each.reason else each.kind.value
            ),
        }
        for each in bill.movements
    ]
    if for_provider:
        rows += [
            {
                "kind": "feature_fee",
                "did": each.did,
                "at": each.day,
                "amount": yuan_text(each.fee_micros),
                "detail": cell_text(each.feature),
            }
            for each in bill.features
        ]
    rows += [
        {
            "kind": "running",
            "did": call.did,
            "at": rfc3339(call.started_ms),
            "talk_seconds": call.duration_s,
            "amount": yuan_text(call.fee_micros),
            "detail": call.call_id,
        }
        for call in bill.running or ()
    ]
    due: dict[str, object] = {"kind": "due", "amount": yuan_text(bill.due_micros)}
    return [*rows, due | {"shortfall": yuan_text(bill.shortfall_micros)}]


def _usage(usage: Usage) -> dict[str, object]:
    return {
        "calls": usage.calls,
        "answered": usage.answered,
        "talk_seconds": usage.talk_s,
        "billed_minutes": minutes_text(usage.billed_s),
        "included_minutes": usage.minutes,
        "amount": yuan_text(usage.charged_micros),
    }
