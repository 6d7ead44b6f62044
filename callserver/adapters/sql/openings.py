"""[R3] What was chosen with a number, as rows: due, switched on, or refused."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from callserver.adapters.sql.database import Database
from callserver.adapters.sql.feature_rows import OPEN_STATES
from callserver.adapters.sql.schema import AnyRow
from callserver.adapters.sql.schema_features import feature_activation
from callserver.adapters.sql.schema_numbers import (
    number_application,
    number_record,
    opening_item,
)
from callserver.adapters.sql.schema_plans import plan_subscription
from callserver.domain.business import NumberState
from callserver.domain.opening import ItemKind, ItemState, OpeningItem, chosen
from callserver.domain.plans import RUNNING, SubscriptionState

_STANDING = tuple(state.value for state in (*RUNNING, SubscriptionState.SCHEDULED))


class SqlOpenings:
    """The OpeningBook port on SQLite or PostgreSQL; every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, application: int) -> None:
        """Everything chosen is due that has not been tried."""
        await self._database.write(lambda connection: begin(connection, application))

    async def note(self, application: int, item: OpeningItem) -> None:
        """How an item stands now. What is done stays done."""
        await self._database.write(lambda connection: _note(connection, application, item))

    async def due(self, after: int, limit: int) -> Sequence[int]:
        """Applications of active numbers with something due, in order of id."""
        return await self._database.read(lambda connection: _due(connection, after, limit))


def begin(connection: Connection, application: int) -> None:
    """Rows for everything chosen; those that are there stay as they are."""
    row = number_application.c
    found = connection.execute(select(row.features, row.plan).where(row.id == application))
    for features, plan in found.all():
        items = chosen(filter(None, features.split(",")), plan)
        rows = [
            {
                "application": application,
                "place": place,
                "kind": item.kind.value,
                "name": item.name,
                "state": ItemState.DUE.value,
                "reason": "",
                "detail": "",
                "at_ms": None,
            }
            for place, item in enumerate(items)
        ]
        if rows:
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            connection.execute(dialect.insert(opening_item).on_conflict_do_nothing(), rows)


def _note(connection: Connection, application: int, item: OpeningItem) -> None:
    row = opening_item.c
    connection.execute(
        update(opening_item)
        .where(row.application == application, row.kind == item.kind.value, row.name == item.name)
        .where(row.state != ItemState.DONE.value)
        .values(state=item.state.value, reason=item.reason, detail=item.detail, at_ms=item.at_ms)
    )


def _due(connection: Connection, after: int, limit: int) -> list[int]:
    row = opening_item.c
    query = (
        select(row.application)
        .join(number_record, number_record.c.application == row.application)
        .where(
            row.state == ItemState.DUE.value,
            row.application > after,
            number_record.c.state == NumberState.ACTIVE.value,
        )
        .distinct()
        .order_by(row.application)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def items_of(
    connection: Connection, applications: Iterable[AnyRow]
) -> dict[int, tuple[OpeningItem, ...]]:
    """What was chosen with each application, and how it stands now."""
    rows = list(applications)
    noted = _noted(connection, [row.id for row in rows])
    refused = {id_ for id_, items in noted.items() if any(map(_is_refused, items))}
    running = _running(connection, [row for row in rows if row.id in refused])
    return {
        row.id: tuple(_now(row, item, running) for item in noted[row.id])
        if row.id in noted
        else chosen(filter(None, row.features.split(",")), row.plan)
        for row in rows
    }


def _noted(connection: Connection, ids: Sequence[int]) -> dict[int, list[OpeningItem]]:
    row = opening_item.c
    query = select(opening_item).where(row.application.in_(ids))
    noted: dict[int, list[OpeningItem]] = {}
    for found in connection.execute(query.order_by(row.application, row.place)):
        kind, state = ItemKind(found.kind), ItemState(found.state)
        item = OpeningItem(kind, found.name, state, found.reason, found.detail, found.at_ms)
        noted.setdefault(found.application, []).append(item)
    return noted


def _is_refused(item: OpeningItem) -> bool:
    return item.state is ItemState.REFUSED


def _running(connection: Connection, rows: Sequence[AnyRow]) -> set[tuple[Any, ...]]:
    """(number, customer, feature) and (customer, plan) that are on, by whatever operation."""
    if not rows:
        return set()
    on, term = feature_activation.c, plan_subscription.c
    numbers = sorted({row.number for row in rows})
    customers = sorted({row.customer for row in rows if row.customer})
    features = select(on.did, on.customer, on.feature).where(
        on.state.in_(OPEN_STATES), on.did.in_(numbers)
    )
    plans = select(term.customer, term.plan).where(
        term.state.in_(_STANDING), term.customer.in_(customers)
    )
    return {tuple(found) for query in (features, plans) for found in connection.execute(query)}


def _now(row: AnyRow, item: OpeningItem, running: set[tuple[Any, ...]]) -> OpeningItem:
    """What was refused may have been switched on by hand since."""
    of_plan = item.kind is ItemKind.PLAN
    key = (row.customer, item.name) if of_plan else (row.number, row.customer, item.name)
    if _is_refused(item) and key in running:
        return OpeningItem(item.kind, item.name, ItemState.ALREADY)
    return item
