"""[R2] What falls due for features that are on: renewals, suspensions, and their end."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from sqlalchemy import Connection, or_, select

from callserver.adapters.sql.deductions import deduct
from callserver.adapters.sql.feature_catalogue import in_force
from callserver.adapters.sql.feature_rows import (
    OPEN_STATES,
    SYSTEM,
    change,
    end,
    left,
    locked,
    write_event,
)
from callserver.adapters.sql.number_owner import IN_HAND, has_left, owner_of
from callserver.adapters.sql.schema import did
from callserver.adapters.sql.schema_features import feature_activation as table
from callserver.domain.billing_month import shanghai_day
from callserver.domain.declined import Declined, Reason
from callserver.domain.features import OPEN, Activation, ActivationState, FeatureEvent


def due(connection: Connection, today: date, after_id: int, limit: int) -> Sequence[int]:
    """Open activations with something to do, in order of id."""
    gone = or_(
        did.c.number.is_(None),
        did.c.state.not_in(IN_HAND),
        did.c.customer != table.c.customer,
        has_left(table.c.did, table.c.customer, table.c.created_ms),
    )
    query = (
        select(table.c.id)
        .outerjoin(did, did.c.number == table.c.did)
        .where(table.c.state.in_(OPEN_STATES), table.c.id > after_id)
        .where(or_(table.c.next_day <= today.isoformat(), gone))
        .order_by(table.c.id)
        .limit(limit)
    )
    return connection.execute(query).scalars().all()


def step(
    connection: Connection, activation: int, retry_days: int, now_ms: int
) -> FeatureEvent | None:
    """Whatever is due for an activation now: one event, or None.

    A period that began while nobody looked is paid by its own step, one after the other. A
    suspended one begins a new period today: time without the feature is not paid.
    """
    found = locked(connection, activation)
    if found.state not in OPEN:
        return None
    today = shanghai_day(now_ms)
    owner = owner_of(connection, found.did)
    if owner is None or owner.customer != found.customer or left(connection, found.id):
        end(connection, found, FeatureEvent.NUMBER_GONE, SYSTEM, now_ms)
        return FeatureEvent.NUMBER_GONE
    if found.next_day is None or found.next_day > today:
        return None
    if found.suspended_day and (today - found.suspended_day).days > retry_days:
        end(connection, found, FeatureEvent.EXPIRED, SYSTEM, now_ms)
        return FeatureEvent.EXPIRED
    return _renew(connection, found, owner.provider, today, now_ms)


def _renew(
    connection: Connection, found: Activation, provider: str, today: date, now_ms: int
) -> FeatureEvent | None:
    number = found.periods + 1
    was_off = found.state is ActivationState.SUSPENDED
    wanted = replace(found, provider=provider)
    if was_off:
        wanted = replace(wanted, anchor_day=today, anchor_period=number)
    version = in_force(connection, found.feature, wanted.period(number).first_day)
    try:
        deduct(connection, wanted, version, wanted.period(number), SYSTEM, now_ms)
    except Declined as short:
        if short.reason is not Reason.NOT_COVERED:
            raise
        return None if was_off else _suspend(connection, found, short.detail, now_ms)
    event = FeatureEvent.RESUMED if was_off else FeatureEvent.RENEWED
    operation_id = f"feature:{found.id}:{number}:{event.value}"
    write_event(connection, found.id, event, SYSTEM, operation_id, now_ms)
    change(
        connection,
        found.id,
        provider=provider,
        state=ActivationState.ACTIVE.value,
        anchor_day=wanted.anchor_day.isoformat(),
        anchor_period=wanted.anchor_period,
        periods=number,
        suspended_day=None,
        next_day=wanted.period(number + 1).first_day.isoformat(),
    )
    return event


def _suspend(connection: Connection, found: Activation, why: str, now_ms: int) -> FeatureEvent:
    """Off until there is money; nothing was written by the refused debit."""
    event = FeatureEvent.SUSPENDED
    operation_id = f"feature:{found.id}:{found.periods + 1}:{event.value}"
    write_event(connection, found.id, event, SYSTEM, operation_id, now_ms, detail=why)
    today = shanghai_day(now_ms).isoformat()
    change(connection, found.id, state=ActivationState.SUSPENDED.value, suspended_day=today)
    return event
