"""Writing business data: all the changes of an import in one transaction."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from typing import TypeVar

from sqlalchemy import Connection, Table, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from callserver.adapters.sql import schema
from callserver.adapters.sql.ledger import add_accounts, post
from callserver.adapters.sql.number_import import follow_import
from callserver.adapters.sql.offers import write as write_offers
from callserver.domain.band import bands_to_json
from callserver.domain.declined import Declined
from callserver.domain.holidays import Holiday
from callserver.domain.import_set import ImportChanges, RowDeclined
from callserver.domain.ledger import Entry, EntryKind
from callserver.domain.number_class import DEFAULT_CLASSES, NumberClass
from callserver.domain.tariff import TariffVersion

T = TypeVar("T")

_CHUNK = 5_000
_DID = re.compile(r"400\d{7}", re.ASCII)


def apply_import(
    connection: Connection,
    changes: ImportChanges,
    actor: str,
    now_ms: int,
    told: Callable[[int], None] | None = None,
    classes: tuple[NumberClass, ...] = DEFAULT_CLASSES,
) -> bool:
    """Write the changes; False, and nothing written, if they were worked out on other books.

    `told` hears how many rows more were written. Raises RowDeclined.
    """
    tell = told or _untold
    version = schema.catalogue_version
    moved = connection.execute(
        update(version)
        .where(version.c.version == changes.base_version)
        .values(version=version.c.version + 1)
    )
    if moved.rowcount != 1:
        return False
    _add_tariffs(connection, changes.tariff_versions)
    _upsert(connection, schema.provider, changes.providers, tell)
    _upsert(connection, schema.customer, changes.customers, tell)
    _upsert(connection, schema.did, changes.dids, tell)
    _follow(connection, changes, actor, now_ms, classes)
    _replace_routes(connection, changes, tell)
    # "No DID" is an empty text in the table, being part of its key.
    blocks = (replace(entry, did=entry.did or "") for entry in changes.blacklist)
    _upsert(connection, schema.blacklist, blocks, tell)
    _upsert(connection, schema.holiday, (_Day.of(each) for each in changes.holidays), tell)
    add_accounts(connection, (each.id for each in changes.customers))
    add_accounts(connection, (f"provider:{each.id}" for each in changes.providers))
    write_offers(connection, changes, actor, now_ms)
    tell(len(changes.features) + len(changes.plans) + len(changes.minimums))
    for account in changes.floors_changed:
        post(connection, _floor_entry(account, changes.base_version + 1, actor, now_ms))
    return True


@dataclass(frozen=True, slots=True)
class _Day:
    """A row of `holiday`."""

    day: str
    kind: str
    name: str

    @classmethod
    def of(cls, holiday: Holiday) -> "_Day":
        return cls(holiday.day.isoformat(), holiday.kind.value, holiday.name)


def _floor_entry(account: str, version: int, actor: str, now_ms: int) -> Entry:
    """An entry of nothing: whoever follows the ledger reads the account anew, floor and all."""
    return Entry(
        id=0,
        account=account,
        kind=EntryKind.ADJUSTMENT,
        amount_micros=0,
        seq=None,
        operation_id=f"floor:{account}:{version}",
        call_id=None,
        actor=actor,
        reason="credit limit changed",
        created_ms=now_ms,
    )


def _add_tariffs(connection: Connection, versions: Sequence[TariffVersion]) -> None:
    known = set(connection.execute(select(schema.tariff.c.id)).scalars())
    new = sorted({version.tariff for version in versions} - known)
    if new:
        connection.execute(insert(schema.tariff), [{"id": name} for name in new])
    if versions:  # immutable: a version that is there already is an error, not an update
        rows = [
            {**_row(schema.tariff_version, each), "bands": bands_to_json(each.bands)}
            for each in versions
        ]
        connection.execute(insert(schema.tariff_version), rows)


def _follow(
    connection: Connection,
    changes: ImportChanges,
    actor: str,
    now_ms: int,
    classes: tuple[NumberClass, ...],
) -> None:
    """Bring the inventory along. Raises RowDeclined for a number that it does not let go."""
    try:
        follow_import(connection, changes.dids, actor, now_ms, classes)
    except Declined as declined:
        named = _DID.search(declined.detail)
        raise RowDeclined("dids", named[0] if named else "", declined.detail) from declined


def _replace_routes(
    connection: Connection, changes: ImportChanges, tell: Callable[[int], None]
) -> None:
    lines = schema.destination
    for dids in _chunks(changes.routes):
        connection.execute(delete(lines).where(lines.c.did.in_(dids)))
    rows = (
        {**_row(lines, line), "position": position}
        for route in changes.routes.values()
        for position, line in enumerate(route, 1)
    )
    for chunk in _chunks(rows):
        connection.execute(insert(lines), chunk)
    tell(len(changes.routes))


def _upsert(
    connection: Connection, table: Table, rows: Iterable[object], tell: Callable[[int], None]
) -> None:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table)
    rest = {
        column.name: statement.excluded[column.name] for column in table.c if not column.primary_key
    }
    if rest:
        keys = [column.name for column in table.primary_key]
        statement = statement.on_conflict_do_update(index_elements=keys, set_=rest)
    else:
        statement = statement.on_conflict_do_nothing()
    for chunk in _chunks(_row(table, row) for row in rows):
        connection.execute(statement, chunk)
        tell(len(chunk))


def _untold(_rows: int) -> None:
    """Nobody asked for progress."""


def _row(table: Table, row: object) -> dict[str, object]:
    """The attributes that the table has columns for."""
    return {name: getattr(row, name) for name in _names(table) if hasattr(row, name)}


@cache
def _names(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.c)


def _chunks(rows: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(rows)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk
