"""Plans and subscriptions as the command line shows them."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from callserver.cli.instants import instant_text, shown
from callserver.cli.output import print_table
from callserver.domain.money import money_json, short_yuan
from callserver.domain.plans import PlanVersion, Subscription
from callserver.ports.plans import GrantView, PlanView


def version_json(version: PlanVersion) -> dict[str, Any]:
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


def print_versions(versions: Sequence[PlanVersion]) -> None:
    """The catalogue."""
    print_table(
        ["plan", "from", ">annual fee", ">credit", ">minutes", "per", "tariff", "name"],
        [
            (
                each.plan,
                each.effective_from.isoformat(),
                short_yuan(each.annual_fee_micros),
                short_yuan(each.credit_micros),
                str(each.minutes),
                each.rhythm.value,
                each.tariff or "-",
                each.name,
            )
            for each in versions
        ],
        empty="no plans yet; add one with `callserver plans add`",
    )


def subscription_json(found: Subscription) -> dict[str, Any]:
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


def print_subscriptions(found: Sequence[Subscription]) -> None:
    """Terms."""
    print_table(
        [">id", "customer", "plan", "state", ">years", "first day", "last day", "renews itself"],
        [
            (
                str(each.id),
                each.customer,
                each.plan,
                each.state.value,
                str(each.years),
                each.first_day.isoformat(),
                each.last_day.isoformat(),
                "yes" if each.auto_renew else "no",
            )
            for each in found
        ],
        empty="no plan",
    )


def grant_json(grant: GrantView) -> dict[str, Any]:
    """What one fee bought, and what has become of it."""
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


def view_json(view: PlanView) -> dict[str, Any]:
    """Everything about a customer's plans."""
    return {
        "customer": view.customer,
        "subscriptions": [subscription_json(each) for each in view.subscriptions],
        "grants": [grant_json(each) for each in view.grants],
        "history": [
            {
                "subscription": line.subscription,
                "event": line.event.value,
                "detail": line.detail,
                "actor": line.actor,
                "at": instant_text(line.created_ms),
            }
            for line in view.history
        ],
    }


def print_view(view: PlanView) -> None:
    """Terms, what is left, and what happened."""
    print_subscriptions(view.subscriptions)
    if not view.grants:
        return
    print()
    print_table(
        ["from", "to", ">fee", ">credit", ">used", ">left", ">minutes", ">used", ">left"],
        [
            (
                each.first_day.isoformat(),
                each.last_day.isoformat(),
                short_yuan(each.fee_micros),
                short_yuan(each.credit_micros),
                short_yuan(each.credit_used_micros),
                short_yuan(each.credit_left_micros),
                str(each.minutes),
                str(each.minutes_used),
                str(each.minutes_left),
            )
            for each in view.grants
        ],
        empty="nothing granted yet",
    )
    print()
    for line in view.history:
        print(f"{shown(line.created_ms)} {line.event.value} {line.detail}".rstrip())


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None
