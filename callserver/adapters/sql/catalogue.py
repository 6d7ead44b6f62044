"""Reading the business data that calls are decided by."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from sqlalchemy import Connection, select

from callserver.adapters.sql import schema
from callserver.adapters.sql.did_reading import load_dids, read_table
from callserver.domain.band import bands_from_json
from callserver.domain.business import (
    Billing,
    BlockEntry,
    BlockKind,
    Catalogue,
    Customer,
    Provider,
)
from callserver.domain.holidays import DayKind, Holiday
from callserver.domain.tariff import TariffVersion

_MANY_DIDS = 10_000


def version(connection: Connection) -> int:
    """Rises with every change of business data."""
    return int(connection.execute(select(schema.catalogue_version.c.version)).scalar_one())


def load(connection: Connection, last: Catalogue) -> Catalogue:
    """Everything, from one snapshot, sharing with the `last` reading what has not changed."""
    with _collector_at_rest():
        customers = _customers(connection)
        catalogue = Catalogue(
            version=version(connection),
            providers={
                row[0]: Provider(*row) for row in read_table(connection, schema.provider, "id")
            },
            customers=customers,
            dids=load_dids(connection, customers, last.dids),
            tariffs=_tariffs(connection),
            blacklist=_blacklist(connection),
            holidays=_holidays(connection),
        )
        if len(catalogue.dids) >= _MANY_DIDS:
            gc.freeze()  # a catalogue holds no cycles, so it may stay out of the collector's sight
        return catalogue


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Keep the garbage collector off while many objects are made that are no garbage.

    It would walk through all of them again and again, and stop every call in the process for up to
    half a second each time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _customers(connection: Connection) -> dict[str, Customer]:
    return {
        id_: Customer(id_, name, provider, tariff, Billing(billing), *more)
        for id_, name, provider, tariff, billing, *more in read_table(
            connection, schema.customer, "id"
        )
    }


def _tariffs(connection: Connection) -> dict[str, tuple[TariffVersion, ...]]:
    versions: dict[str, tuple[TariffVersion, ...]] = {}
    for row in read_table(connection, schema.tariff_version, "tariff", "effective_from_ms"):
        *terms, bands = row
        read = TariffVersion(*(*terms, bands_from_json(bands)))
        versions[read.tariff] = (*versions.get(read.tariff, ()), read)
    return versions


def _holidays(connection: Connection) -> dict[date, Holiday]:
    days: dict[date, Holiday] = {}
    for day, kind, name in read_table(connection, schema.holiday, "day"):
        read = Holiday(date.fromisoformat(day), DayKind(kind), name)
        days[read.day] = read
    return days


def _blacklist(connection: Connection) -> dict[str, tuple[BlockEntry, ...]]:
    entries: dict[str, list[BlockEntry]] = {}
    order = ("customer", "did", "kind", "value")
    for customer, did, kind, value in read_table(connection, schema.blacklist, *order):
        entry = BlockEntry(customer, did or None, BlockKind(kind), value)
        entries.setdefault(customer, []).append(entry)
    return {customer: tuple(found) for customer, found in entries.items()}
