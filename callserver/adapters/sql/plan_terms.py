"""Terms of plans: begun, renewed, cancelled, ended; each with its money in one transaction."""

from datetime import date, timedelta

from sqlalchemy import Connection

from callserver.adapters.sql import plan_catalogue
from callserver.adapters.sql.plan_money import give, lapse
from callserver.adapters.sql.plan_rows import (
    add,
    change,
    done_before,
    lock_customer,
    of_customer,
    set_tariff,
    tariff_of,
    write_event,
)
from callserver.domain.billing_month import shanghai_day
from callserver.domain.declined import Declined, Reason
from callserver.domain.ledger import OperationReused
from callserver.domain.plans import (
    RUNNING,
    PlanEvent,
    PlanVersion,
    Subscription,
    SubscriptionState,
    term_end,
)
from callserver.ports.plans import LiveMoney, PlanOrder

SCHEDULED = SubscriptionState.SCHEDULED


def subscribe(
    connection: Connection,
    order: PlanOrder,
    operation_id: str,
    actor: str,
    live: LiveMoney | None,
    now_ms: int,
) -> Subscription:
    """Begin a plan today, or book it. Raises Declined: customer_unknown, plan_unknown,
    plan_backdated, plan_running, not_covered; OperationReused."""
    lock_customer(connection, order.customer)
    again = done_before(connection, operation_id, PlanEvent.SUBSCRIBED, order.customer)
    if again is not None:
        if (again.plan, again.years) != (order.plan, order.years):
            raise OperationReused(operation_id)
        return again
    today = shanghai_day(now_ms)
    first_day = order.first_day or today
    if first_day < today:
        raise Declined(Reason.PLAN_BACKDATED, "A plan begins today or later.")
    if of_customer(connection, order.customer, *RUNNING, SCHEDULED):
        raise Declined(
            Reason.PLAN_RUNNING, f"{order.customer} has a plan; renew it, or cancel it first."
        )
    version = plan_catalogue.in_force(connection, order.plan, first_day)
    made = make(connection, order, version, first_day, None, operation_id, actor, now_ms)
    write_event(connection, made, PlanEvent.SUBSCRIBED, actor, operation_id, now_ms)
    return begin(connection, made, live, actor, now_ms) if first_day <= today else made


def make(
    connection: Connection,
    order: PlanOrder,
    version: PlanVersion,
    first_day: date,
    follows: int | None,
    operation_id: str,
    actor: str,
    now_ms: int,
) -> Subscription:
    """Book a term; nothing is paid yet. Raises Declined (plan_renewed) if one is booked."""
    row: dict[str, object] = {
        "customer": order.customer,
        "plan": version.plan,
        "version": version.version,
        "years": order.years,
        "rhythm": version.rhythm.value,
        "state": SCHEDULED.value,
        "first_day": first_day.isoformat(),
        "last_day": term_end(first_day, order.years).isoformat(),
        "anchor_day": first_day.isoformat(),
        "anchor_grant": 1,
        "grants": 0,
        "next_day": first_day.isoformat(),
        "unpaid_day": None,
        "auto_renew": int(order.auto_renew),
        "renew_when_used_up": int(order.renew_when_used_up),
        "follows": follows,
        "tariff_before": None,
        "operation_id": operation_id,
        "actor": actor,
        "created_ms": now_ms,
    }
    made = add(connection, row)
    if made is None:
        raise Declined(Reason.PLAN_RENEWED, f"{order.customer}'s next term is booked already.")
    return made


def begin(
    connection: Connection,
    found: Subscription,
    live: LiveMoney | None,
    actor: str,
    now_ms: int,
) -> Subscription:
    """Pay for and give the next grant. What was unpaid begins today, and the term ends later.

    Raises Declined (not_covered) before anything is written.
    """
    number = found.grants + 1
    late = found.state is SubscriptionState.UNPAID
    anchor_day = shanghai_day(now_ms) if late else found.anchor_day
    anchor_grant = number if late else found.anchor_grant
    days = found.grant_days(number, anchor_day if late else None)
    version = plan_catalogue.one(connection, found.plan, found.version)
    give(connection, found, number, days, version, live, actor, now_ms)
    before = _take_tariff(connection, found, version.tariff)
    moved = change(
        connection,
        found.id,
        state=SubscriptionState.ACTIVE.value,
        anchor_day=anchor_day,
        anchor_grant=anchor_grant,
        grants=number,
        next_day=days[1] + timedelta(days=1),
        unpaid_day=None,
        tariff_before=before,
    )
    moved = change(connection, found.id, last_day=moved.grant_days(moved.grants_in_all)[1])
    if late:
        _put_off(connection, moved)
    event, operation_id = PlanEvent.GRANTED, f"plan:{found.id}:{number}:granted"
    write_event(connection, moved, event, actor, operation_id, now_ms, f"{days[0]} to {days[1]}")
    return moved


def _put_off(connection: Connection, found: Subscription) -> None:
    """The booked term begins after the end of this one, wherever that has moved."""
    for booked in of_customer(connection, found.customer, SCHEDULED):
        first_day = found.last_day + timedelta(days=1)
        change(
            connection,
            booked.id,
            first_day=first_day,
            anchor_day=first_day,
            next_day=first_day,
            last_day=term_end(first_day, booked.years),
        )


def _take_tariff(connection: Connection, found: Subscription, tariff: str | None) -> str | None:
    """The customer's calls go by the plan's tariff; what they went by before is kept.

    In a later year nothing is touched: somebody may have chosen another one meanwhile.
    """
    if tariff is None or found.state is SubscriptionState.ACTIVE:
        return found.tariff_before
    before = tariff_of(connection, found.customer)
    if before != tariff:
        set_tariff(connection, found.customer, tariff)
    return before


def give_tariff_back(connection: Connection, found: Subscription) -> None:
    """The customer's calls go by the former tariff again, unless somebody chose another one."""
    tariff = plan_catalogue.one(connection, found.plan, found.version).tariff
    if tariff is None or found.state is not SubscriptionState.ACTIVE:
        return
    if tariff != found.tariff_before and tariff_of(connection, found.customer) == tariff:
        set_tariff(connection, found.customer, found.tariff_before)


def renew(
    connection: Connection,
    customer: str,
    operation_id: str,
    actor: str,
    live: LiveMoney | None,
    now_ms: int,
    *,
    now: bool,
    years: int | None,
) -> Subscription:
    """The next term: booked for the day after this one's end, or begun today.

    It begins today with `now`, and where nothing runs. Raises Declined: customer_unknown,
    subscription_unknown (there was none), plan_renewed, not_covered; OperationReused.
    """
    lock_customer(connection, customer)
    again = done_before(connection, operation_id, PlanEvent.RENEWED, customer)
    if again is not None:
        return again
    every = of_customer(connection, customer)
    if not every:
        raise Declined(Reason.SUBSCRIPTION_UNKNOWN, f"{customer} has had no plan yet.")
    if any(each.state is SCHEDULED for each in every):
        raise Declined(Reason.PLAN_RENEWED, f"{customer}'s next term is booked already.")
    last = every[-1]
    today = shanghai_day(now_ms)
    later = last.state is SubscriptionState.ACTIVE and not now
    first_day = last.last_day + timedelta(days=1) if later else today
    if last.state in RUNNING and not later:
        replace_term(connection, last, actor, now_ms)
    made = follow(connection, last, first_day, years or last.years, operation_id, actor, now_ms)
    return made if later else begin(connection, made, live, actor, now_ms)


def replace_term(connection: Connection, found: Subscription, actor: str, now_ms: int) -> None:
    """No further year of it; its grant runs out."""
    give_tariff_back(connection, found)
    change(connection, found.id, state=SubscriptionState.REPLACED.value, next_day=None)
    operation_id = f"plan:{found.id}:replaced"
    write_event(connection, found, PlanEvent.REPLACED, actor, operation_id, now_ms)


def follow(
    connection: Connection,
    last: Subscription,
    first_day: date,
    years: int,
    operation_id: str,
    actor: str,
    now_ms: int,
) -> Subscription:
    """Book the term after `last`, by the plan's terms of its first day; once."""
    order = PlanOrder(
        last.customer,
        last.plan,
        years,
        first_day,
        auto_renew=last.auto_renew,
        renew_when_used_up=last.renew_when_used_up,
    )
    version = plan_catalogue.in_force(connection, last.plan, first_day)
    made = make(connection, order, version, first_day, last.id, operation_id, actor, now_ms)
    write_event(connection, made, PlanEvent.RENEWED, actor, operation_id, now_ms)
    return made


def cancel(
    connection: Connection,
    customer: str,
    operation_id: str,
    actor: str,
    live: LiveMoney | None,
    now_ms: int,
    *,
    at_once: bool,
) -> Subscription:
    """No further year and no renewal; `at_once`: over, and what is left lapses. Nothing is paid
    back. Raises Declined (customer_unknown, subscription_unknown); OperationReused."""
    lock_customer(connection, customer)
    again = done_before(connection, operation_id, PlanEvent.CANCELLED, customer)
    if again is not None:
        return again
    found = of_customer(connection, customer, *RUNNING, SCHEDULED)
    if not found:
        raise Declined(Reason.SUBSCRIPTION_UNKNOWN, f"{customer} has no plan that runs.")
    for booked in found[1:]:
        _over(connection, booked)
    first = found[0]
    if first.state is SubscriptionState.ACTIVE and not at_once:
        cut = change(
            connection,
            first.id,
            years=first.grants if first.grants_in_all > 1 else first.years,
            last_day=first.grant_days(first.grants)[1],
            auto_renew=0,
            renew_when_used_up=0,
        )
    else:
        give_tariff_back(connection, first)
        cut = _over(connection, first)
        if first.grants:
            known = {each.id: each for each in of_customer(connection, customer)}
            lapse(connection, known, customer, frozenset((cut.id,)), live, now_ms)
    write_event(connection, cut, PlanEvent.CANCELLED, actor, operation_id, now_ms)
    return cut


def _over(connection: Connection, found: Subscription) -> Subscription:
    return change(connection, found.id, state=SubscriptionState.CANCELLED.value, next_day=None)
