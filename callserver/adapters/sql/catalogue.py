"""Reading the business data that calls are decided by."""

from collections.abc import Iterator
from typing import Any

import structlog
from sqlalchemy import Connection, Table, select

from callserver.adapters.sql import schema
from callserver.adapters.sql.schema import AnyRow
from callserver.domain.business import (
    Billing,
    BlockEntry,
    BlockKind,
    Catalogue,
    Customer,
    Destination,
    Did,
    NumberState,
    Provider,
)
from callserver.domain.number import is_destination
from callserver.domain.tariff import TariffVersion

log = structlog.get_logger()

# Rows fetched at a time: enough to be quick, few enough that the event loop, where PostgreSQL's
# rows are made, is not held for more than a few milliseconds.
_ROWS = 500


def version(connection: Connection) -> int:
    """Rises with every change of business data."""
    return int(connection.execute(select(schema.catalogue_version.c.version)).scalar_one())


def load(connection: Connection) -> Catalogue:
    """Everything, from one snapshot. A million DIDs share their equal strings and tuples."""
    customers = _customers(connection)
    return Catalogue(
        version=version(connection),
        providers={row.id: Provider(*row) for row in _rows(connection, schema.provider, "id")},
        customers=customers,
        dids=_dids(connection, customers),
        tariffs=_tariffs(connection),
        blacklist=_blacklist(connection),
    )


def line_id(customer: str, number: str) -> str:
    """What a line's slots are counted under: a customer's DIDs share the lines they share."""
    return f"{customer}:{number}"


def _destination(customer: str, row: AnyRow, names: dict[str, str]) -> Destination:
    trunk = names.setdefault(row.trunk, row.trunk)
    return Destination(line_id(customer, row.number), row.number, trunk, row.ring_s, row.calls_max)


def _rows(connection: Connection, table: Table, *order: str) -> Iterator[Any]:
    query = select(*table.c).order_by(*(table.c[name] for name in order))
    return iter(connection.execute(query.execution_options(yield_per=_ROWS)))


def _customers(connection: Connection) -> dict[str, Customer]:
    return {
        row.id: Customer(**{**row._mapping, "billing": Billing(row.billing)})
        for row in _rows(connection, schema.customer, "id")
    }


def _tariffs(connection: Connection) -> dict[str, tuple[TariffVersion, ...]]:
    versions: dict[str, tuple[TariffVersion, ...]] = {}
    for row in _rows(connection, schema.tariff_version, "tariff", "effective_from_ms"):
        versions[row.tariff] = (*versions.get(row.tariff, ()), TariffVersion(**row._mapping))
    return versions


def _blacklist(connection: Connection) -> dict[str, tuple[BlockEntry, ...]]:
    entries: dict[str, list[BlockEntry]] = {}
    for customer, did, kind, value in _rows(
        connection, schema.blacklist, "customer", "did", "kind", "value"
    ):
        entry = BlockEntry(customer, did or None, BlockKind(kind), value)
        entries.setdefault(customer, []).append(entry)
    return {customer: tuple(found) for customer, found in entries.items()}


def _dids(connection: Connection, customers: dict[str, Customer]) -> dict[str, Did]:
    """DIDs and destinations are read side by side, both in order of the DID (a merge)."""
    shared: dict[object, tuple[Destination, ...]] = {}
    names: dict[str, str] = {name: name for name in customers}
    lines = _rows(connection, schema.destination, "did", "position")
    ahead = next(lines, None)
    dids: dict[str, Did] = {}
    for number, customer, state, calls_max, tariff in _rows(connection, schema.did, "number"):
        owner = names[customer]
        route: list[Destination] = []
        while ahead is not None and ahead.did == number:
            if is_destination(ahead.number):
                route.append(_destination(owner, ahead, names))
            else:  # written past us: it must not reach a Dial string
                log.error("sql.destination_refused", did=number, position=ahead.position)
            ahead = next(lines, None)
        line = tuple(route)
        dids[number] = Did(
            number,
            owner,
            NumberState(state),
            shared.setdefault(line, line),
            calls_max,
            names.setdefault(tariff, tariff) if tariff else None,
        )
    return dids
