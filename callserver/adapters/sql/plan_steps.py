"""What falls due for plans: lapses, the next year, the end, renewals, and what is used up."""

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import Connection, and_, or_, select

from callserver.adapters.sql.plan_money import lapse, own_sums, read_book
from callserver.adapters.sql.plan_rows import (
    SYSTEM,
    change,
    lock_customer,
    of_customer,
    write_event,
)
from callserver.adapters.sql.plan_terms import (
    begin,
    follow,
    give_tariff_back,
    replace_term,
)
from callserver.adapters.sql.schema import AnySelect, account, ledger_entry
from callserver.adapters.sql.schema_plans import plan_grant, plan_movement, plan_subscription
from callserver.domain.billing_month import shanghai_day
from callserver.domain.declined import Declined, Reason
from callserver.domain.plan_leftover import MovementKind
from callserver.domain.plans import RUNNING, PlanEvent, Subscription, SubscriptionState
from callserver.ports.plans import LiveMoney

_LIVE = tuple(state.value for state in (*RUNNING, SubscriptionState.SCHEDULED))


def due(connection: Connection, today: date, after: str, limit: int) -> Sequence[str]:
    """Customers for whom something may be due, in order of id."""
    day = today.isoformat()
    terms = select(plan_subscription.c.customer).where(
        plan_subscription.c.state.in_(_LIVE), plan_subscription.c.next_day <= day
    )
    over = (
        select(plan_grant.c.customer)
        .join(plan_subscription, plan_subscription.c.id == plan_grant.c.subscription)
        .where(plan_grant.c.closed_ms.is_(None))
        .where(
            or_(
                plan_grant.c.last_day < day,
                plan_subscription.c.state == SubscriptionState.CANCELLED.value,
            )
        )
    )
    found: set[str] = set()
    for query in (terms, over, _used_up()):
        found.update(connection.execute(query).scalars())
    return sorted(customer for customer in found if customer > after)[:limit]


def _used_up() -> AnySelect:
    """Customers whose running grant may have no minutes or no credit left."""
    running = select(plan_subscription.c.customer).where(
        plan_subscription.c.state == SubscriptionState.ACTIVE.value
    )
    own = own_sums(ledger_entry.c.account.in_(running))
    given = and_(
        plan_movement.c.plan_grant == plan_grant.c.id,
        plan_movement.c.kind == MovementKind.GRANTED.value,
    )
    used_micros = own.c.micros - account.c.settled_micros - plan_movement.c.used_micros
    return (
        select(plan_subscription.c.customer)
        .join(plan_grant, plan_grant.c.subscription == plan_subscription.c.id)
        .join(plan_movement, given)
        .join(account, account.c.id == plan_subscription.c.customer)
        .join(own, own.c.account == account.c.id)
        .where(plan_subscription.c.state == SubscriptionState.ACTIVE.value)
        .where(plan_grant.c.number == plan_subscription.c.grants)
        .where(
            or_(
                and_(plan_grant.c.minutes > 0, account.c.settled_minutes <= 0),
                and_(plan_grant.c.credit_micros > 0, used_micros >= plan_grant.c.credit_micros),
            )
        )
    )


def step(
    connection: Connection,
    customer: str,
    retry_days: int,
    live: LiveMoney | None,
    now_ms: int,
) -> PlanEvent | None:
    """Do one thing that is due for a customer; None if nothing (more) is.

    What is over lapses first, so that the next year's fee is not paid from the last one's credit.
    """
    lock_customer(connection, customer)
    every = of_customer(connection, customer)
    known = {each.id: each for each in every}
    cancelled = frozenset(each.id for each in every if each.state is SubscriptionState.CANCELLED)
    if lapse(connection, known, customer, cancelled, live, now_ms):
        return PlanEvent.LAPSED
    for found in every:
        event = _step(connection, found, retry_days, live, now_ms)
        if event is not None:
            return event
    return None


def _step(
    connection: Connection,
    found: Subscription,
    retry_days: int,
    live: LiveMoney | None,
    now_ms: int,
) -> PlanEvent | None:
    today = shanghai_day(now_ms)
    is_due = found.next_day is not None and found.next_day <= today
    match found.state:
        case SubscriptionState.ACTIVE:
            if not is_due:
                return _tell_used_up(connection, found, live, now_ms)
            if found.grants < found.grants_in_all:
                return _begin(connection, found, live, now_ms)
            return _end(connection, found, now_ms)
        case SubscriptionState.SCHEDULED:
            running = of_customer(connection, found.customer, *RUNNING)
            return _begin(connection, found, live, now_ms) if is_due and not running else None
        case SubscriptionState.UNPAID:
            return _retry(connection, found, retry_days, live, now_ms)
        case _:
            return None


def _begin(
    connection: Connection, found: Subscription, live: LiveMoney | None, now_ms: int
) -> PlanEvent:
    try:
        begin(connection, found, live, SYSTEM, now_ms)
    except Declined as short:
        if short.reason is not Reason.NOT_COVERED:
            raise
        give_tariff_back(connection, found)
        state, today = SubscriptionState.UNPAID.value, shanghai_day(now_ms)
        change(connection, found.id, state=state, unpaid_day=today, tariff_before=None)
        operation_id = f"plan:{found.id}:{found.grants + 1}:unpaid"
        event = PlanEvent.UNPAID
        write_event(connection, found, event, SYSTEM, operation_id, now_ms, short.detail)
        return event
    return PlanEvent.GRANTED


def _retry(
    connection: Connection,
    found: Subscription,
    retry_days: int,
    live: LiveMoney | None,
    now_ms: int,
) -> PlanEvent | None:
    """An unpaid year begins on the day that it is paid, or is given up."""
    waited = (shanghai_day(now_ms) - (found.unpaid_day or shanghai_day(now_ms))).days
    if waited > retry_days:
        state = SubscriptionState.ENDED.value
        change(connection, found.id, state=state, next_day=None)
        operation_id = f"plan:{found.id}:expired"
        write_event(connection, found, PlanEvent.EXPIRED, SYSTEM, operation_id, now_ms)
        return PlanEvent.EXPIRED
    try:
        begin(connection, found, live, SYSTEM, now_ms)
    except Declined as short:
        if short.reason is not Reason.NOT_COVERED:
            raise
        return None
    return PlanEvent.GRANTED


def _end(connection: Connection, found: Subscription, now_ms: int) -> PlanEvent:
    """The term is over; one that renews itself books the next, from the day after."""
    give_tariff_back(connection, found)
    change(connection, found.id, state=SubscriptionState.ENDED.value, next_day=None)
    operation_id = f"plan:{found.id}:ended"
    write_event(connection, found, PlanEvent.ENDED, SYSTEM, operation_id, now_ms)
    booked = of_customer(connection, found.customer, SubscriptionState.SCHEDULED)
    if found.auto_renew and not booked:
        first_day = found.last_day + timedelta(days=1)
        operation_id = f"plan:{found.id}:renewal"
        follow(connection, found, first_day, found.years, operation_id, SYSTEM, now_ms)
    return PlanEvent.ENDED


def _tell_used_up(
    connection: Connection, found: Subscription, live: LiveMoney | None, now_ms: int
) -> PlanEvent | None:
    """Say once that minutes or credit are used up; renew early where that is wanted and paid."""
    book = read_book(connection, found.customer)
    given = [row for row in book.grants if row.subscription == found.id]
    if not given:
        return None
    last, left = given[-1], book.open_left
    gone = {
        PlanEvent.MINUTES_USED_UP: bool(last.minutes) and left.minutes == 0,
        PlanEvent.CREDIT_USED_UP: bool(last.credit_micros) and left.micros == 0,
    }
    for event, is_gone in gone.items():
        operation_id = f"plan:{found.id}:{last.number}:{event.value}"
        if is_gone and write_event(connection, found, event, SYSTEM, operation_id, now_ms):
            return event
    if not found.renew_when_used_up or not any(gone.values()):
        return None
    if left.micros or left.minutes:
        return None
    return _renew_early(connection, found, live, now_ms)


def _renew_early(
    connection: Connection, found: Subscription, live: LiveMoney | None, now_ms: int
) -> PlanEvent | None:
    """The next term today, if it is covered; otherwise nothing, and it is tried again."""
    if of_customer(connection, found.customer, SubscriptionState.SCHEDULED):
        return None
    savepoint = connection.begin_nested()
    try:
        today = shanghai_day(now_ms)
        replace_term(connection, found, SYSTEM, now_ms)
        operation_id = f"plan:{found.id}:renewal"
        made = follow(connection, found, today, found.years, operation_id, SYSTEM, now_ms)
        begin(connection, made, live, SYSTEM, now_ms)
    except Declined as short:
        savepoint.rollback()
        if short.reason is not Reason.NOT_COVERED:
            raise
        return None
    savepoint.commit()
    return PlanEvent.RENEWED
