"""Carrying out what is asked of a number: one transaction, once, on a row that is locked."""

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from callserver.adapters.sql import feature_catalogue, number_did, openings, plan_catalogue, schema
from callserver.adapters.sql.arrears import owed_by
from callserver.adapters.sql.ledger import post_covered
from callserver.adapters.sql.number_rows import (
    change_of,
    change_values,
    changes,
    find_record,
    values_of,
)
from callserver.adapters.sql.schema_numbers import (
    intent_form,
    number_application,
    number_event,
    number_record,
    real_name_material,
)
from callserver.domain import lifecycle
from callserver.domain.arrears import earliest_day
from callserver.domain.billing_month import shanghai_day
from callserver.domain.declined import Declined, Reason
from callserver.domain.ledger import Entry, EntryKind, OperationReused, provider_account
from callserver.domain.lifecycle import (
    NumberEvent,
    NumberRecord,
    Passed,
    Periods,
    Request,
    Suspension,
    root_of,
)
from callserver.domain.number_change import Command, NumberChange

CLOCK = "clock"
"""Who does what time does."""
_ENDS = frozenset({NumberEvent.CANCEL, NumberEvent.DROP, NumberEvent.CLOSE})


def carry_out(
    connection: Connection, command: Command, now_ms: int, periods: Periods
) -> NumberChange:
    """Carry out a command; its operation id again gives the first outcome.

    Raises Declined and OperationReused, and nothing has moved then.
    """
    if (first := _first(connection, command)) is not None:
        return first
    # First of all, as an import does: two that lock in different orders would wait for ever.
    number_did.lock_version(connection)
    record = _locked(connection, command.number)
    if (first := _first(connection, command)) is not None:  # made while we waited for the row
        return first
    record = write_passed(connection, lifecycle.judged(record, now_ms, periods), record)
    _check_overdue(connection, record, command, now_ms, periods.arrears_days)
    new = lifecycle.apply(record, _request(connection, record, command), now_ms, periods)
    new = _with_application(connection, command, record, new, now_ms)
    _store(connection, new)
    number_did.follow(connection, command.event, record, new)
    change = _change(command, record, new, now_ms)
    connection.execute(insert(number_event), change_values(change, command.request_digest))
    return change


def write_passed(
    connection: Connection, steps: tuple[Passed, ...], record: NumberRecord
) -> NumberRecord:
    """Write down what the clock has done; the number after it."""
    for step in steps:
        before, after = step.before, step.after
        if step.event is not NumberEvent.FREEZE_ENDED:
            _end(connection, before.application, step.event, step.at_ms)
        if step.event is NumberEvent.LOCK_ENDED:
            number_did.release(connection, record.number)
        change = NumberChange(
            number=record.number,
            at_ms=step.at_ms,
            event=step.event,
            from_state=before.state,
            to_state=after.state,
            until_ms=after.until_ms,
            suspension=None,
            reason="",
            actor=CLOCK,
            provider=before.provider,
            customer=before.customer,
            application=before.application,
            operation_id=None,
        )
        connection.execute(insert(number_event), change_values(change))
    if not steps:
        return record
    _store(connection, steps[-1].after)
    return steps[-1].after


def _first(connection: Connection, command: Command) -> NumberChange | None:
    """What this operation id has done before."""
    query = changes().add_columns(number_event.c.request)
    row = connection.execute(
        query.where(number_event.c.operation_id == command.operation_id)
    ).one_or_none()
    if row is None:
        return None
    if row.request != command.request_digest:
        raise OperationReused(command.operation_id)
    return change_of(row)


def _locked(connection: Connection, number: str) -> NumberRecord:
    record = find_record(connection, number, lock=True)
    if record is None:
        raise Declined(Reason.NUMBER_UNKNOWN, f"There is no number {number} in the inventory.")
    return record


def _store(connection: Connection, record: NumberRecord) -> None:
    connection.execute(
        update(number_record)
        .where(number_record.c.number == record.number)
        .values(values_of(record))
    )


def _request(connection: Connection, record: NumberRecord, command: Command) -> Request:
    """The request with what the table's guards need to know. Raises Declined."""
    same_tree = False
    if command.event in {NumberEvent.RESERVE, NumberEvent.LOCK}:
        parents = _parents(connection)
        provider = command.provider or record.provider
        if provider is not None and provider not in parents:
            raise Declined(Reason.PROVIDER_UNKNOWN, f"There is no provider {provider!r}.")
        if command.event is NumberEvent.LOCK:
            _check_customer(connection, parents, provider, command.customer)
        elif record.last_provider is not None and provider is not None:
            tops = {root_of(parents, each) for each in (record.last_provider, provider)}
            same_tree = len(tops) == 1
    return Request(command.event, command.provider, command.customer, command.suspension, same_tree)


def _check_overdue(
    connection: Connection, record: NumberRecord, command: Command, now_ms: int, days: int
) -> None:
    """A postpaid customer has time to pay. Raises Declined."""
    if command.event is not NumberEvent.SUSPEND or command.suspension is not Suspension.ARREARS:
        return
    if command.forced or record.customer is None:
        return
    postpaid, owed = owed_by(connection, record.customer, now_ms, days)
    if not postpaid or (owed is not None and owed.may_suspend):
        return
    first = earliest_day(now_ms, days) if owed is None else owed.from_day
    what = "owes nothing from a closed month" if owed is None else f"is {owed.days} days overdue"
    raise Declined(
        Reason.NOT_OVERDUE,
        f"{record.customer} {what}; its numbers may be suspended for arrears from {first} on "
        f"({days} days overdue, in Shanghai).",
    )


def _parents(connection: Connection) -> dict[str, str | None]:
    rows = connection.execute(select(schema.provider.c.id, schema.provider.c.parent))
    return {row.id: row.parent for row in rows}


def _check_customer(
    connection: Connection,
    parents: dict[str, str | None],
    provider: str | None,
    customer: str | None,
) -> None:
    """The customer is the provider's, or that of one below it."""
    above: str | None = connection.execute(
        select(schema.customer.c.provider).where(schema.customer.c.id == customer)
    ).scalar_one_or_none()
    if above is None:
        raise Declined(Reason.CUSTOMER_UNKNOWN, f"There is no customer {customer!r}.")
    seen: set[str] = set()
    while above is not None and above not in seen:
        if above == provider:
            return
        seen.add(above)
        above = parents.get(above)
    raise Declined(
        Reason.CUSTOMER_OF_ANOTHER_PROVIDER,
        f"{customer} is not a customer of {provider}, nor of one below it.",
    )


def _with_application(
    connection: Connection, command: Command, record: NumberRecord, new: NumberRecord, now_ms: int
) -> NumberRecord:
    """Bring the application along; the number with a new one when it was reserved."""
    event, application = command.event, record.application
    if event is NumberEvent.RESERVE:
        _check_choice(connection, command, now_ms)
        return replace(new, application=_begin(connection, command, record, now_ms))
    if event in _ENDS:
        _end(connection, application, event, now_ms)
    elif event is NumberEvent.LOCK:
        _pay(connection, command, application, now_ms)
        _note(
            connection,
            application,
            locked_ms=now_ms,
            customer=command.customer,
            contract=command.contract,
        )
    elif event is NumberEvent.SUBMIT:
        _hand_in(connection, command, application, now_ms)
        _note(connection, application, submitted_ms=now_ms, rejection="")
    elif event is NumberEvent.REJECT:
        _note(connection, application, approved_ms=None, rejection=command.reason)
    elif event is NumberEvent.APPROVE:
        _note(connection, application, approved_ms=now_ms)
    elif event is NumberEvent.ACTIVATE:
        _note(
            connection,
            application,
            active_ms=now_ms,
            carrier_reference=command.carrier_reference,
        )
        if application is not None:
            openings.begin(connection, application)
    return new


def _check_choice(connection: Connection, command: Command, now_ms: int) -> None:
    """What is chosen is on offer today. Raises Declined (feature_unknown, plan_unknown)."""
    today = shanghai_day(now_ms)
    for feature in command.features:
        feature_catalogue.in_force(connection, feature, today)
    if command.plan:
        plan_catalogue.in_force(connection, command.plan, today)


def _begin(connection: Connection, command: Command, record: NumberRecord, now_ms: int) -> int:
    made: int = connection.execute(
        insert(number_application)
        .values(
            number=record.number,
            provider=command.provider,
            features=",".join(dict.fromkeys(command.features)),
            plan=command.plan,
            price_micros=record.price_micros,
            contract="",
            carrier_reference="",
            rejection="",
            reserved_ms=now_ms,
        )
        .returning(number_application.c.id)
    ).scalar_one()
    if command.sealed_form is not None:
        values = {"application": made, "sealed": command.sealed_form, "created_ms": now_ms}
        connection.execute(insert(intent_form), values)
    return made


def _end(connection: Connection, application: int | None, event: NumberEvent, at_ms: int) -> None:
    _note(connection, application, ended_ms=at_ms, ended_by=event.value)


def _note(connection: Connection, application: int | None, **values: Any) -> None:
    if application is not None:
        connection.execute(
            update(number_application).where(number_application.c.id == application).values(values)
        )


def _pay(connection: Connection, command: Command, application: int | None, now_ms: int) -> None:
    """The price of a special number, as it was when the number was reserved: once, at the lock."""
    row = connection.execute(
        select(number_application.c.price_micros, number_application.c.provider).where(
            number_application.c.id == application
        )
    ).one_or_none()
    if row is None or not row.price_micros:
        return
    entry = Entry(
        id=0,
        account=provider_account(row.provider),
        kind=EntryKind.NUMBER_FEE,
        amount_micros=-row.price_micros,
        seq=None,
        operation_id=f"number_fee:{application}",
        call_id=None,
        actor=command.actor,
        reason=f"price of {command.number}",
        created_ms=now_ms,
    )
    post_covered(connection, entry)


def _hand_in(
    connection: Connection, command: Command, application: int | None, now_ms: int
) -> None:
    """The material of this submission; what was handed in before has been rejected."""
    old = real_name_material.c.application == application
    connection.execute(delete(real_name_material).where(old))
    rows = [
        {
            "application": application,
            "kind": each.kind,
            "reference": each.reference,
            "digest": each.digest,
            "sealed": each.sealed,
            "submitted_ms": now_ms,
        }
        for each in command.materials
    ]
    if application is not None and rows:
        connection.execute(insert(real_name_material), rows)


def _change(command: Command, record: NumberRecord, new: NumberRecord, now_ms: int) -> NumberChange:
    return NumberChange(
        number=record.number,
        at_ms=now_ms,
        event=command.event,
        from_state=record.state,
        to_state=new.state,
        until_ms=new.until_ms,
        suspension=command.suspension,
        reason=command.reason,
        actor=command.actor,
        provider=record.provider or new.provider,
        customer=record.customer or new.customer,
        application=record.application or new.application,
        operation_id=command.operation_id,
    )
