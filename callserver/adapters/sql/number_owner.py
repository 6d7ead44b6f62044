"""Whose a 400 number is at this moment, for what is sold with it."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, exists, or_, select

from callserver.adapters.sql.schema import customer, did
from callserver.adapters.sql.schema_numbers import number_event
from callserver.domain.business import NumberState
from callserver.domain.declined import Declined, Reason

IN_HAND = (
    NumberState.LOCKED.value,
    NumberState.REVIEW.value,
    NumberState.ACTIVE.value,
    NumberState.SUSPENDED.value,
)
"""States in which a number is a customer's."""


@dataclass(frozen=True, slots=True)
class NumberOwner:
    """A number in somebody's hands."""

    did: str
    customer: str
    provider: str
    state: NumberState


def owner_of(connection: Connection, number: str) -> NumberOwner | None:
    """The customer who has the number now, and that customer's provider; None: nobody has it."""
    row = connection.execute(
        select(did.c.customer, customer.c.provider, did.c.state)
        .join(customer, customer.c.id == did.c.customer)
        .where(did.c.number == number, did.c.state.in_(IN_HAND))
    ).one_or_none()
    if row is None:
        return None
    return NumberOwner(number, row.customer, row.provider, NumberState(row.state))


def active_owner(connection: Connection, number: str) -> NumberOwner:
    """The same, for a number in use. Raises Declined (number_unknown, number_not_active)."""
    owner = owner_of(connection, number)
    if owner is None:
        raise Declined(Reason.NUMBER_UNKNOWN, f"No customer has the number {number}.")
    if owner.state is not NumberState.ACTIVE:
        raise Declined(
            Reason.NUMBER_NOT_ACTIVE,
            f"Number {number} is {owner.state.value}; features are for active numbers.",
        )
    return owner


def has_left(
    number: ColumnElement[str], owner: ColumnElement[str], since_ms: ColumnElement[int]
) -> ColumnElement[bool]:
    """Whether a number was out of its customer's hands at any time since, whoever has it now.

    Read from the number's history: it may have been closed, and be that customer's anew, without a
    server having looked in between.
    """
    event = number_event.c
    another = and_(event.customer.is_not(None), event.customer != owner)
    gone = or_(event.to_state.not_in(IN_HAND), another)
    return exists().where(event.number == number, event.at_ms > since_ms, gone)
