"""The rate of a number: that of its effective tariff, for many numbers at once."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from callserver.adapters.sql.schema import AnyRow, AnySelect, customer, did, provider
from callserver.adapters.sql.schema import tariff_version as version
from callserver.adapters.sql.schema_numbers import number_record
from callserver.domain.business import Catalogue, Customer, Did, NumberState, Provider
from callserver.domain.routing import tariff_of

_CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class KnownNumber:
    """A number, whose it is, and its rate now in micros a minute; 0: nobody gave it a tariff."""

    did: str
    customer: str | None
    rate_micros: int
    state: NumberState


def known_numbers(
    connection: Connection, dids: Sequence[str], at_ms: int
) -> dict[str, KnownNumber]:
    """Those that exist, in the catalogue or in the inventory, with their rates at this instant."""
    rates = _rates(connection, at_ms)
    providers = _providers(connection)
    found: dict[str, KnownNumber] = {}
    for start in range(0, len(dids), _CHUNK):
        chunk = dids[start : start + _CHUNK]
        rows = {row.number: row for row in connection.execute(_of_inventory(chunk))}
        rows |= {row.number: row for row in connection.execute(_of_catalogue(chunk))}
        found |= {number: _known(row, providers, rates) for number, row in rows.items()}
    return found


def _of_catalogue(dids: Sequence[str]) -> AnySelect:
    query = select(
        did.c.number, did.c.state, did.c.tariff, did.c.customer, customer.c.tariff.label("second")
    ).add_columns(customer.c.provider)
    return query.join_from(did, customer, customer.c.id == did.c.customer).where(
        did.c.number.in_(dids)
    )


def _of_inventory(dids: Sequence[str]) -> AnySelect:
    """A number on its way to a customer, or held by a provider only."""
    record = number_record.c
    query = select(record.number, record.state, record.customer, record.provider)
    joined = query.add_columns(customer.c.tariff.label("second"), did.c.tariff).select_from(
        number_record.outerjoin(customer, customer.c.id == record.customer).outerjoin(
            did, did.c.number == record.number
        )
    )
    return joined.where(record.number.in_(dids))


def _known(row: AnyRow, providers: Catalogue, rates: dict[str, int]) -> KnownNumber:
    state = NumberState(row.state)
    owner = Customer(row.customer or "", "", row.provider or "", row.second)
    named = tariff_of(providers, Did(row.number, owner.id, state, (), 0, row.tariff), owner)
    rate = rates.get(named[0], 0) if named else 0
    return KnownNumber(row.number, row.customer, rate, state)


def _providers(connection: Connection) -> Catalogue:
    rows = connection.execute(select(provider.c.id, provider.c.parent, provider.c.tariff))
    return Catalogue(
        version=0,
        providers={row.id: Provider(row.id, "", row.parent, row.tariff) for row in rows},
    )


def _rates(connection: Connection, at_ms: int) -> dict[str, int]:
    """The rate of each tariff's version in effect."""
    query = (
        select(version.c.tariff, version.c.rate_micros)
        .where(version.c.effective_from_ms <= at_ms)
        .order_by(version.c.effective_from_ms)
    )
    return {row.tariff: row.rate_micros for row in connection.execute(query)}
