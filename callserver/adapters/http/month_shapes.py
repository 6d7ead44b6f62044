"""Minimums, months and bills as the API and the command line show them."""

from collections.abc import Mapping
from typing import Any

from callserver.adapters.http.replies import rfc3339, rfc3339_or_none
from callserver.domain.bill import Bill, BillLine, LateLine, RunningCall
from callserver.domain.minimum import MinimumVersion
from callserver.domain.money import money_json
from callserver.domain.month import Correction, MonthClose, MonthReport, ReportRow, Usage
from callserver.service.minimums import ShownMinimum


def minimum_shape(shown: ShownMinimum, *, with_actor: bool = True) -> dict[str, Any]:
    """A number's minimum with its history; `with_actor`: and with who changed it."""
    last = shown.versions[-1] if shown.versions else None
    return {
        "did": shown.did,
        "customer": shown.customer,
        "rate": money_json(shown.rate_micros),
        "minimum": money_json(last.terms.amount_micros if last else 0),
        "history": [version_shape(version, with_actor=with_actor) for version in shown.versions],
    }


def version_shape(version: MinimumVersion, *, with_actor: bool = True) -> dict[str, Any]:
    """One version. `based_on` is the exact fraction; `base` the minimum at rate 0.3, to 0.01."""
    terms = version.terms
    return {
        "did": version.did,
        "number": version.seq,
        "from_month": str(version.from_month),
        "minimum": money_json(terms.amount_micros),
        "rate": money_json(terms.rate_micros),
        "base": money_json(terms.base_micros),
        "based_on": {
            "minimum": money_json(terms.based_micros),
            "rate": money_json(terms.based_rate_micros),
        },
        "change": version.change.value,
        "in_use": version.in_use,
        "operation_id": version.operation_id if with_actor else None,
        "actor": version.actor if with_actor else None,
        "reason": version.reason,
        "created_at": rfc3339(version.created_ms),
    }


def usage_shape(usage: Usage) -> dict[str, Any]:
    """Calls of a month. Seconds are whole; minutes are decimal text, half-up to 0.01."""
    return {
        "calls": usage.calls,
        "answered": usage.answered,
        "talk_seconds": usage.talk_s,
        "talk_minutes": minutes_text(usage.talk_s),
        "billed_seconds": usage.billed_s,
        "billed_minutes": minutes_text(usage.billed_s),
        "included_minutes": usage.minutes,
        "fee": money_json(usage.fee_micros),
        "charged": money_json(usage.charged_micros),
    }


def minutes_text(seconds: int) -> str:
    """`2.05` for 123 seconds: minutes, half-up to two decimals."""
    hundredths = (abs(seconds) * 100 * 2 + 60) // 120
    return f"{'-' if seconds < 0 else ''}{hundredths // 100}.{hundredths % 100:02d}"


def close_shape(close: MonthClose) -> dict[str, Any]:
    """A month that is closed or being closed."""
    return {
        "month": str(close.month),
        "phase": close.phase.value,
        "closed": close.closed_ms is not None,
        "actor": close.actor,
        "started_at": rfc3339(close.started_ms),
        "closed_at": rfc3339_or_none(close.closed_ms or 0),
    }


def report_shape(report: MonthReport, providers: frozenset[str] | None = None) -> dict[str, Any]:
    """A month by customer and provider; only of `providers`, where given."""
    if providers is not None:
        rows = tuple(row for row in report.rows if row.provider in providers)
        report = MonthReport(report.month, report.close, rows)
    return {
        "month": str(report.month),
        "close": close_shape(report.close) if report.close else None,
        "total": _row(report.total),
        "providers": [{"provider": r.provider} | _row(r) for r in report.by_provider()],
        "customers": [
            {"customer": r.customer, "provider": r.provider} | _row(r) for r in report.rows
        ],
        "corrections": {
            "numbers": report.corrections,
            "shortfall": money_json(report.corrected_micros),
        },
    }


def _row(row: ReportRow) -> dict[str, Any]:
    return {
        "numbers": row.numbers,
        **usage_shape(row.usage),
        "shortfalls": row.shortfalls,
        "shortfall": money_json(row.shortfall_micros),
    }


def correction_shape(each: Correction) -> dict[str, Any]:
    """What came for a number after its month was closed."""
    return {
        "month": str(each.month),
        "did": each.did,
        "customer": each.customer,
        "provider": each.provider,
        "number": each.number,
        "posted_in": str(each.posted_in),
        "usage": usage_shape(each.usage),
        "shortfall": money_json(each.shortfall_micros),
    }


def bill_shape(bill: Bill, *, for_provider: bool) -> dict[str, Any]:
    """A bill. `for_provider`: with the feature fees, which the customer does not pay."""
    shown: dict[str, Any] = {
        "customer": bill.customer,
        "name": bill.name,
        "provider": bill.provider,
        "month": bill.month,
        "state": bill.state.value,
        "as_of": rfc3339(bill.as_of_ms),
        "due": money_json(bill.due_micros),
        "calls": usage_shape(bill.usage),
        "corrections": money_json(bill.corrections_micros),
        "shortfall": money_json(bill.shortfall_micros),
        "plan_fees": money_json(bill.plan_micros),
        "included_minutes": {"used": bill.usage.minutes, "left": bill.minutes_left},
        "numbers": [_line(line) for line in bill.lines],
        "late": {"total": money_json(bill.late_micros), "lines": [_late(e) for e in bill.late]},
        "movements": [
            {
                "at": rfc3339(each.at_ms),
                "kind": each.kind.value,
                "amount": money_json(each.amount_micros),
                "minutes": each.minutes,
                "reason": each.reason,
            }
            for each in bill.movements
        ],
        "running": _running(bill),
        "notice": _notice(bill),
    }
    if for_provider:
        shown["feature_fees"] = {
            "total": money_json(sum(each.fee_micros for each in bill.features)),
            "lines": [
                {
                    "day": each.day,
                    "did": each.did,
                    "feature": each.feature,
                    "fee": money_json(each.fee_micros),
                }
                for each in bill.features
            ],
        }
    return shown


def _line(line: BillLine) -> dict[str, Any]:
    return {
        "did": line.did,
        **usage_shape(line.usage),
        "minimum": money_json(line.minimum_micros),
        "standing": line.standing.value,
        "shortfall": money_json(line.shortfall_micros),
    }


def _late(each: LateLine) -> dict[str, Any]:
    return {
        "month": each.month,
        "did": each.did,
        **usage_shape(each.usage),
        "shortfall": money_json(each.shortfall_micros),
    }


def _running(bill: Bill) -> dict[str, Any] | None:
    if bill.running is None:
        return None
    return {
        "total": money_json(bill.running_micros),
        "calls": [
            {
                "call_id": call.call_id,
                "did": call.did,
                "started_at": rfc3339(call.started_ms),
                "duration_seconds": call.duration_s,
                "fee": money_json(call.fee_micros),
            }
            for call in bill.running
        ],
    }


def _notice(bill: Bill) -> dict[str, Any] | None:
    if bill.notice is None:
        return None
    return {
        "kind": "sudden_fee",
        "fee": money_json(bill.notice.fee_micros),
        "mean_of_last_three_months": money_json(bill.notice.mean_micros),
        "factor": bill.notice.factor,
        "raised_at": rfc3339(bill.notice.raised_ms),
    }


def running_call(call: Mapping[str, Any]) -> RunningCall:
    """A live call as `/v1/calls` tells it."""
    from datetime import datetime

    from callserver.domain.money import parse_yuan

    started = datetime.fromisoformat(call["started_at"])
    return RunningCall(
        call["call_id"],
        call["did"],
        round(started.timestamp() * 1000),
        call["duration_seconds"],
        parse_yuan(call["running_fee"]["amount"]),
    )
