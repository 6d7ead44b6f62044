"""What the API shows of providers, customers, reports and disputes, as plain values for JSON."""

from collections.abc import Mapping
from typing import Any

from callserver.adapters.http.replies import rfc3339, rfc3339_or_none
from callserver.domain.business import NumberState, Provider
from callserver.domain.commission import CallUsage
from callserver.domain.money import money_json
from callserver.domain.provider_report import CustomerLine, ProviderLine, ProviderTotal
from callserver.domain.retention import Dispute
from callserver.ports.providers import PostedCommission
from callserver.service.providers import ProviderReport


def provider_shape(each: Provider, parent: str | None) -> dict[str, Any]:
    """`parent` as far as the bearer may see it."""
    return {
        "provider": each.id,
        "name": each.name,
        "parent": parent,
        "tariff": each.tariff,
        "cost_tariff": each.cost_tariff,
        "commission": each.commission,
    }


def counts_shape(numbers: Mapping[NumberState, int]) -> dict[str, int]:
    """Numbers by state."""
    return {state.value: count for state, count in sorted(numbers.items()) if count}


def usage_shape(usage: CallUsage) -> dict[str, Any]:
    """Calls and what they brought."""
    return {
        "calls": usage.calls,
        "answered": usage.answered,
        "billsec": usage.billsec,
        "fees": money_json(usage.fees_micros),
        "priced_fees": money_json(usage.priced_fees_micros),
        "cost": money_json(usage.cost_micros),
        "margin": money_json(usage.margin_micros),
    }


def _sums(each: ProviderLine | ProviderTotal) -> dict[str, Any]:
    return {
        "customers": each.customers,
        "numbers": counts_shape(each.numbers),
        "customers_settled": money_json(each.customers_micros),
        "settled": money_json(each.balance_micros),
        "usage": usage_shape(each.usage),
        "commission": money_json(each.commission_micros),
    }


def report_shape(report: ProviderReport) -> dict[str, Any]:
    """A report; the top of the tree hides who is above it."""
    return {
        "month": str(report.month),
        "running": report.running,
        "lines": [
            {
                "provider": each.provider.id,
                "name": each.provider.name,
                "parent": each.provider.parent if each.depth else None,
                "depth": each.depth,
                **_sums(each),
            }
            for each in report.lines
        ],
        "total": {"providers": report.total.providers, **_sums(report.total)},
    }


def customer_shape(line: CustomerLine) -> dict[str, Any]:
    """A customer with its numbers and what has settled."""
    each = line.customer
    return {
        "customer": each.id,
        "name": each.name,
        "provider": each.provider,
        "tariff": each.tariff,
        "billing": each.billing.value,
        "credit_limit": money_json(each.floor_micros),
        "settled": money_json(line.settled_micros),
        "numbers": counts_shape(line.numbers),
    }


def commission_shape(each: PostedCommission) -> dict[str, Any]:
    """A commission that was posted."""
    return {
        "provider": each.provider,
        "month": each.month,
        "part": each.part,
        "commission": each.terms,
        "earned": money_json(each.earned_micros),
        "amount": money_json(each.amount_micros),
        "operation_id": each.operation_id,
        "posted_at": rfc3339(each.posted_ms),
    }


def dispute_shape(each: Dispute) -> dict[str, Any]:
    """A contested call."""
    return {
        "call_id": each.call_id,
        "note": each.note,
        "actor": each.actor,
        "opened_at": rfc3339(each.opened_ms),
        "closed_at": rfc3339_or_none(each.closed_ms or 0),
    }
