"""Reading numbers and their lines: up to a million, so quickly and without waste.

Equal strings and tuples are shared, and a number that has not changed since the last reading is
that reading's own object: a reload costs time but hardly any memory.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import structlog
from sqlalchemy import Connection, Table, select

from callserver.adapters.sql import schema
from callserver.domain.business import Destination, Did, NumberState
from callserver.domain.number import is_destination

log = structlog.get_logger()

# Rows fetched at a time: enough to be quick, few enough that the event loop, where PostgreSQL's
# rows are made, is not held for more than a few milliseconds.
_ROWS = 500
# Routes to look for equal ones among; where a million numbers have a million routes, remembering
# them all would cost more than sharing saves.
_ROUTES_SHARED = 20_000
_STATES = {state.value: state for state in NumberState}

Line = tuple[str, str, int, int]
"""Number, trunk, ring_s, calls_max."""


def load_dids(
    connection: Connection, customers: Iterable[str], known: Mapping[str, Did]
) -> dict[str, Did]:
    """All numbers in order. They and their lines are read side by side, a merge by number."""
    names = {name: name for name in customers}
    routes: dict[tuple[str, tuple[Line, ...]], tuple[Destination, ...]] = {}
    lines = read_table(connection, schema.destination, "did", "position")
    ahead = next(lines, None)
    dids: dict[str, Did] = {}
    for number, customer, state, calls_max, tariff in read_table(connection, schema.did, "number"):
        route: list[Line] = []
        while ahead is not None and ahead[0] == number:
            if is_destination(ahead[2]):
                route.append(tuple(ahead[2:]))
            else:  # written past us: it must not reach a Dial string
                log.error("sql.destination_refused", did=number, position=ahead[1])
            ahead = next(lines, None)
        did = known.get(number)
        if did is None or not _says(did, (customer, state, calls_max, tariff), route):
            owner = names[customer]
            key = (owner, tuple(route))
            if len(routes) > _ROUTES_SHARED:
                routes.clear()
            if key not in routes:
                routes[key] = tuple(_destination(owner, line, names) for line in route)
            own_tariff = names.setdefault(tariff, tariff) if tariff else None
            did = Did(number, owner, _STATES[state], routes[key], calls_max, own_tariff)
        dids[did.number] = did
    return dids


def line_id(customer: str, number: str) -> str:
    """What a line's slots are counted under: a customer's DIDs share the lines they share."""
    return f"{customer}:{number}"


def read_table(connection: Connection, table: Table, *order: str) -> Iterator[Any]:
    """A table's rows as plain tuples, a few at a time."""
    query = select(*table.c).order_by(*(table.c[name] for name in order))
    if connection.dialect.name == "sqlite":  # the driver's own tuples: five times as quick
        driver: Any = connection.connection.driver_connection
        return iter(driver.execute(str(query.compile(dialect=connection.dialect))))
    return iter(connection.execute(query.execution_options(yield_per=_ROWS)))


def _says(did: Did, row: tuple[str, str, int, str | None], route: list[Line]) -> bool:
    """Whether the number is just as it was."""
    return (did.customer, did.state, did.calls_max, did.tariff) == row and route == [
        (line.number, line.trunk, line.ring_s, line.calls_max) for line in did.destinations
    ]


def _destination(customer: str, line: Line, names: dict[str, str]) -> Destination:
    number, trunk, ring_s, calls_max = line
    trunk = names.setdefault(trunk, trunk)
    return Destination(line_id(customer, number), number, trunk, ring_s, calls_max)
