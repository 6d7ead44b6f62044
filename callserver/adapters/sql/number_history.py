"""Reading the history of numbers, for many at once."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Connection, or_, select

from callserver.adapters.sql.database import Database
from callserver.adapters.sql.schema import AnyRow
from callserver.adapters.sql.schema_numbers import number_event
from callserver.domain.business import NumberState
from callserver.ports.numbers import Activation, Span

_CHUNK = 5_000
_ACTIVE, _SUSPENDED = NumberState.ACTIVE.value, NumberState.SUSPENDED.value


def activations(connection: Connection, dids: Sequence[str] | None = None) -> dict[str, Activation]:
    """Numbers that have ever been active; suspended at first sight counts as active before."""
    found: dict[str, Activation] = {}
    began = or_(
        number_event.c.to_state == _ACTIVE,
        number_event.c.to_state == _SUSPENDED,
    )
    for row in _events(connection, began, dids):
        known = found.get(row.number)
        if known is None:
            found[row.number] = Activation(row.at_ms, row.at_ms, row.customer)
        elif row.from_state not in {_ACTIVE, _SUSPENDED} or row.customer != known.customer:
            found[row.number] = Activation(known.first_ms, row.at_ms, row.customer)
    return found


def suspensions(
    connection: Connection, from_ms: int, to_ms: int, dids: Sequence[str] | None = None
) -> dict[str, list[Span]]:
    """Suspended spans within [from_ms, to_ms), cut to it."""
    found: dict[str, list[Span]] = {}
    open_since: dict[str, int] = {}
    moved = or_(number_event.c.to_state == _SUSPENDED, number_event.c.from_state == _SUSPENDED)
    for row in _events(connection, moved & (number_event.c.at_ms < to_ms), dids):
        if row.to_state == _SUSPENDED:
            open_since.setdefault(row.number, row.at_ms)
        elif (since_ms := open_since.pop(row.number, None)) is not None:
            _note(found, row.number, max(since_ms, from_ms), row.at_ms)
    for number, since_ms in open_since.items():
        _note(found, number, max(since_ms, from_ms), to_ms)
    return found


def _note(found: dict[str, list[Span]], number: str, from_ms: int, to_ms: int) -> None:
    if from_ms < to_ms:
        found.setdefault(number, []).append((from_ms, to_ms))


def _events(connection: Connection, wanted: Any, dids: Sequence[str] | None) -> Iterator[AnyRow]:
    """The events in the order of each number's history."""
    event = number_event.c
    query = select(event.number, event.at_ms, event.from_state, event.to_state, event.customer)
    query = query.where(wanted).order_by(event.id)
    if dids is None:
        yield from connection.execute(query)
        return
    rest = iter(dids)
    while chunk := list(islice(rest, _CHUNK)):
        yield from connection.execute(query.where(event.number.in_(chunk)))


class SqlNumberHistory:
    """NumberHistory over the database. Raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def activations(self, dids: Sequence[str] | None = None) -> dict[str, Activation]:
        """Numbers that have ever been active; None: of all."""
        return await self._database.read(lambda connection: activations(connection, dids))

    async def suspensions(
        self, from_ms: int, to_ms: int, dids: Sequence[str] | None = None
    ) -> dict[str, list[Span]]:
        """Suspended spans within [from_ms, to_ms), cut to it."""
        return await self._database.read(
            lambda connection: suspensions(connection, from_ms, to_ms, dids)
        )
