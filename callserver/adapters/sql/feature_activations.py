"""[R2] Features switched on and off: the state of an activation and the money, in one transaction.

A number has a feature open at most once, by a unique index: of concurrent activations, from
whatever processes, one inserts the row and the others wait for its commit and find it.
"""

from datetime import date

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from callserver.adapters.sql.deductions import deduct, give_back
from callserver.adapters.sql.feature_catalogue import in_force
from callserver.adapters.sql.feature_rows import (
    OPEN_STATES,
    SYSTEM,
    activation_of,
    change,
    done_before,
    end,
    left,
    locked,
    write_event,
)
from callserver.adapters.sql.number_owner import NumberOwner, active_owner
from callserver.adapters.sql.schema_features import feature_activation as table
from callserver.domain.billing_month import shanghai_day
from callserver.domain.declined import Declined, Reason
from callserver.domain.features import (
    OPEN,
    Activation,
    ActivationState,
    FeatureEvent,
    FeatureVersion,
)
from callserver.domain.ledger import OperationReused
from callserver.domain.periods import period


def activate(
    connection: Connection, did: str, feature: str, operation_id: str, actor: str, now_ms: int
) -> Activation:
    """Switch a feature on: its row, the provider's debit and the deduction, or nothing at all.

    Raises Declined: feature_unknown, number_unknown, number_not_active, feature_active (with
    another operation id), not_covered; OperationReused.
    """
    again = done_before(connection, operation_id, FeatureEvent.ACTIVATED)
    if again is not None:
        return _the_same(again, did, feature, operation_id)
    today = shanghai_day(now_ms)
    version = in_force(connection, feature, today)
    owner = active_owner(connection, did)
    row = _new_row(owner, version, today, operation_id, actor, now_ms)
    found = _insert(connection, row)
    if found is None:
        again = done_before(connection, operation_id, FeatureEvent.ACTIVATED)
        if again is not None:
            return _the_same(again, did, feature, operation_id)
        _make_room(connection, owner, feature, now_ms)
        found = _insert(connection, row)
    if found is None:
        raise _active(did, feature)
    deduct(connection, found, version, found.period(1), actor, now_ms)
    write_event(connection, found.id, FeatureEvent.ACTIVATED, actor, operation_id, now_ms)
    return found


def _the_same(found: Activation, did: str, feature: str, operation_id: str) -> Activation:
    if (found.did, found.feature) != (did, feature):
        raise OperationReused(operation_id)
    return found


def _new_row(
    owner: NumberOwner,
    version: FeatureVersion,
    today: date,
    operation_id: str,
    actor: str,
    now_ms: int,
) -> dict[str, object]:
    next_day = period(version.cycle, 2, today).first_day.isoformat()
    return {
        "did": owner.did,
        "customer": owner.customer,
        "provider": owner.provider,
        "feature": version.feature,
        "cycle": version.cycle.value,
        "state": ActivationState.ACTIVE.value,
        "anchor_day": today.isoformat(),
        "anchor_period": 1,
        "periods": 1,
        "next_day": next_day if version.cycle.months else None,
        "suspended_day": None,
        "operation_id": operation_id,
        "actor": actor,
        "created_ms": now_ms,
        "ended_ms": None,
    }


def _insert(connection: Connection, row: dict[str, object]) -> Activation | None:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table).values(row).on_conflict_do_nothing().returning(*table.c)
    found = connection.execute(statement).one_or_none()
    return None if found is None else activation_of(found)


def _make_room(connection: Connection, owner: NumberOwner, feature: str, now_ms: int) -> None:
    """A former customer's activation is over, and one of before the number was closed; this one's
    own stands. Raises feature_active."""
    query = select(table.c.id).where(
        table.c.did == owner.did, table.c.feature == feature, table.c.state.in_(OPEN_STATES)
    )
    standing = connection.execute(query).scalar_one_or_none()
    if standing is None:
        return
    found = locked(connection, standing)
    same = found.customer == owner.customer and not left(connection, found.id)
    if same and found.state in OPEN:
        raise _active(owner.did, feature)
    if found.state in OPEN:
        end(connection, found, FeatureEvent.NUMBER_GONE, SYSTEM, now_ms)


def _active(did: str, feature: str) -> Declined:
    return Declined(
        Reason.FEATURE_ACTIVE, f"Feature {feature!r} is on for {did} already; nothing was charged."
    )


def deactivate(
    connection: Connection, activation: int, operation_id: str, actor: str, now_ms: int
) -> Activation:
    """Switch off at once. Raises Declined (activation_unknown, feature_not_active)."""
    again = done_before(connection, operation_id, FeatureEvent.DEACTIVATED)
    if again is not None:
        return _about(again, activation, operation_id)
    found = locked(connection, activation)
    if found.state not in OPEN:
        again = done_before(connection, operation_id, FeatureEvent.DEACTIVATED)
        if again is not None:  # a retry that waited for the first
            return _about(again, activation, operation_id)
        raise _not_active(found)
    return end(connection, found, FeatureEvent.DEACTIVATED, actor, now_ms, operation_id)


def fail(
    connection: Connection,
    activation: int,
    reason: str,
    operation_id: str,
    actor: str,
    now_ms: int,
) -> Activation:
    """The feature never worked: give its first fee back by new rows.

    Raises Declined: activation_unknown, feature_not_active, feature_renewed (it did work).
    """
    again = done_before(connection, operation_id, FeatureEvent.FAILED)
    if again is not None:
        return _about(again, activation, operation_id)
    found = locked(connection, activation)
    if found.state is not ActivationState.ACTIVE:
        again = done_before(connection, operation_id, FeatureEvent.FAILED)
        if again is not None:
            return _about(again, activation, operation_id)
        raise _not_active(found)
    if found.periods > 1:
        raise Declined(
            Reason.FEATURE_RENEWED,
            f"Activation {activation} was renewed, so it worked; dispute the deduction instead.",
        )
    give_back(connection, found, 1, actor, now_ms)
    write_event(
        connection, found.id, FeatureEvent.FAILED, actor, operation_id, now_ms, detail=reason
    )
    return change(connection, found.id, state=ActivationState.FAILED.value, ended_ms=now_ms)


def _about(found: Activation, activation: int, operation_id: str) -> Activation:
    if found.id != activation:
        raise OperationReused(operation_id)
    return found


def _not_active(found: Activation) -> Declined:
    return Declined(
        Reason.FEATURE_NOT_ACTIVE, f"Activation {found.id} is {found.state.value} already."
    )
