"""Plans as plain values for JSON."""

from datetime import date
from typing import Any

from callserver.adapters.http.replies import rfc3339
from callserver.domain.money import money_json
from callserver.domain.plans import PlanVersion, Subscription
from callserver.ports.plans import GrantView, PlanView


def version_shape(version: PlanVersion) -> dict[str, Any]:
    """A version of the catalogue."""
    return {
        "plan": version.plan,
        "name": version.name,
        "version": version.version,
        "effective_from": version.effective_from.isoformat(),
        "annual_fee": money_json(version.annual_fee_micros),
        "credit": money_json(version.credit_micros),
        "minutes": version.minutes,
        "rhythm": version.rhythm.value,
        "tariff": version.tariff,
    }


def subscription_shape(found: Subscription) -> dict[str, Any]:
    """A customer's plan for a term."""
    return {
        "subscription": found.id,
        "customer": found.customer,
        "plan": found.plan,
        "version": found.version,
        "state": found.state.value,
        "years": found.years,
        "first_day": found.first_day.isoformat(),
        "last_day": found.last_day.isoformat(),
        "next_day": _day(found.next_day),
        "unpaid_since": _day(found.unpaid_day),
        "auto_renew": found.auto_renew,
        "renew_when_used_up": found.renew_when_used_up,
        "follows": found.follows,
    }


def view_shape(view: PlanView) -> dict[str, Any]:
    """Everything about a customer's plans."""
    return {
        "customer": view.customer,
        "subscriptions": [subscription_shape(each) for each in view.subscriptions],
        "grants": [_grant(each) for each in view.grants],
        "history": [
            {
                "subscription": line.subscription,
                "event": line.event.value,
                "detail": line.detail,
                "at": rfc3339(line.created_ms),
            }
            for line in view.history
        ],
    }


def _grant(grant: GrantView) -> dict[str, Any]:
    return {
        "subscription": grant.subscription,
        "number": grant.number,
        "first_day": grant.first_day.isoformat(),
        "last_day": grant.last_day.isoformat(),
        "fee": money_json(grant.fee_micros),
        "credit": money_json(grant.credit_micros),
        "credit_used": money_json(grant.credit_used_micros),
        "credit_lapsed": money_json(grant.credit_lapsed_micros),
        "credit_left": money_json(grant.credit_left_micros),
        "minutes": grant.minutes,
        "minutes_used": grant.minutes_used,
        "minutes_lapsed": grant.minutes_lapsed,
        "minutes_left": grant.minutes_left,
    }


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None
