"""Subscriptions and their history as rows."""

from datetime import date

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from callserver.adapters.sql.number_did import lock_version, raise_version
from callserver.adapters.sql.schema import AnyRow, AnySelect, customer
from callserver.adapters.sql.schema_plans import plan_event, plan_version
from callserver.adapters.sql.schema_plans import plan_subscription as table
from callserver.domain.declined import Declined, Reason
from callserver.domain.ledger import OperationReused
from callserver.domain.plans import PlanEvent, Rhythm, Subscription, SubscriptionState
from callserver.ports.plans import PlanHistoryLine

SYSTEM = "callserver"
_DAYS = ("first_day", "last_day", "anchor_day", "next_day", "unpaid_day")


def lock_customer(connection: Connection, name: str) -> None:
    """What is done to a customer's plans takes turns. Raises Declined (customer_unknown).

    Where plans bring tariffs, the version of the business data is taken first, as imports do.
    """
    brings = select(plan_version.c.plan).where(plan_version.c.tariff.is_not(None)).limit(1)
    if connection.execute(brings).first() is not None:
        lock_version(connection)
    query = select(customer.c.id).where(customer.c.id == name).with_for_update(key_share=True)
    if connection.execute(query).scalar_one_or_none() is None:
        raise Declined(Reason.CUSTOMER_UNKNOWN, f"There is no customer {name!r}.")


def of_customer(
    connection: Connection, name: str, *states: SubscriptionState
) -> list[Subscription]:
    """Subscriptions in these states (none: all), oldest first."""
    query = _rows().where(table.c.customer == name).order_by(table.c.id)
    if states:
        query = query.where(table.c.state.in_([state.value for state in states]))
    return [subscription_of(row) for row in connection.execute(query)]


def add(connection: Connection, row: dict[str, object]) -> Subscription | None:
    """Insert; None where another one stands in its way (or was made by this operation)."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table).values(row).on_conflict_do_nothing().returning(*table.c)
    found = connection.execute(statement).one_or_none()
    return None if found is None else subscription_of(found)


def change(connection: Connection, subscription: int, **values: object) -> Subscription:
    """Write these columns; days and states as values."""
    plain = {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in values.items()
    }
    statement = update(table).where(table.c.id == subscription).values(plain)
    return subscription_of(connection.execute(statement.returning(*table.c)).one())


def done_before(
    connection: Connection, operation_id: str, event: PlanEvent, customer_id: str
) -> Subscription | None:
    """The subscription of this operation. Raises OperationReused: it did another thing."""
    query = select(plan_event.c.subscription, plan_event.c.event, plan_event.c.customer).where(
        plan_event.c.operation_id == operation_id
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    if (row.event, row.customer) != (event.value, customer_id):
        raise OperationReused(operation_id)
    found = connection.execute(_rows().where(table.c.id == row.subscription)).one()
    return subscription_of(found)


def write_event(
    connection: Connection,
    found: Subscription,
    event: PlanEvent,
    actor: str,
    operation_id: str,
    now_ms: int,
    detail: str = "",
) -> bool:
    """Add a line to the history; False if this operation wrote it before."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(plan_event).values(
        subscription=found.id,
        customer=found.customer,
        event=event.value,
        detail=detail,
        actor=actor,
        operation_id=operation_id,
        created_ms=now_ms,
    )
    written = connection.execute(statement.on_conflict_do_nothing().returning(plan_event.c.id))
    return written.one_or_none() is not None


def history(connection: Connection, name: str) -> list[PlanHistoryLine]:
    """What happened to a customer's plans, oldest first."""
    query = select(*plan_event.c).where(plan_event.c.customer == name).order_by(plan_event.c.id)
    return [
        PlanHistoryLine(
            row.subscription, PlanEvent(row.event), row.detail, row.actor, row.created_ms
        )
        for row in connection.execute(query)
    ]


def set_tariff(connection: Connection, name: str, tariff: str | None) -> None:
    """The customer's own tariff; whoever decides calls reads the business data anew."""

    connection.execute(update(customer).where(customer.c.id == name).values(tariff=tariff))
    raise_version(connection)


def tariff_of(connection: Connection, name: str) -> str | None:
    """The customer's own tariff."""
    query = select(customer.c.tariff).where(customer.c.id == name)
    tariff: str | None = connection.execute(query).scalar_one()
    return tariff


def subscription_of(row: AnyRow) -> Subscription:
    """The row as a value."""
    told = dict(row._mapping)
    for name in _DAYS:
        told[name] = date.fromisoformat(told[name]) if told[name] else None
    for name in ("auto_renew", "renew_when_used_up"):
        told[name] = bool(told[name])
    told["rhythm"], told["state"] = Rhythm(row.rhythm), SubscriptionState(row.state)
    return Subscription(**told)


def _rows() -> AnySelect:
    return select(*table.c)
