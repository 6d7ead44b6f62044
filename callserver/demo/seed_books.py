"""Fills fresh books with the demo's customers, their top-ups and a token to try the API with."""

import dataclasses
import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, insert

from callserver.adapters.sql import schema
from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import open_database
from callserver.adapters.sql.ledger import add_accounts
from callserver.adapters.sql.migrate import upgrade
from callserver.demo.business import TOP_UPS_MICROS
from callserver.domain.api_token import SECRET_BYTES, Scope, digest_of, secret_of
from callserver.domain.business import Catalogue, Did
from callserver.domain.ledger import EntryKind
from callserver.ports import Clock


async def fill_books(
    url: str, catalogue: Catalogue, clock: Clock, top_ups: Mapping[str, int] = TOP_UPS_MICROS
) -> str:
    """Create the schema, the business and the top-ups (micros); the secret of an admin token."""
    await upgrade(url)
    database = open_database(url)
    try:
        await database.write(lambda connection: _insert(connection, catalogue))
        books = SqlBooks(database, clock)
        for account, micros in top_ups.items():
            await books.post(
                account, EntryKind.TOP_UP, micros, f"demo:{account}", "demo", "opening balance"
            )
        secret = secret_of(secrets.token_bytes(SECRET_BYTES))
        await books.create_token(digest_of(secret), Scope.ADMIN, "", "demo")
    finally:
        await database.close()
    return secret


def _insert(connection: Connection, catalogue: Catalogue) -> None:
    versions = [version for known in catalogue.tariffs.values() for version in known]
    entries = [entry for known in catalogue.blacklist.values() for entry in known]
    customers = catalogue.customers.values()
    dids = catalogue.dids.values()
    _put(connection, schema.provider, map(_plain, catalogue.providers.values()))
    _put(connection, schema.tariff, ({"id": name} for name in catalogue.tariffs))
    _put(connection, schema.tariff_version, map(_plain, versions))
    _put(connection, schema.customer, map(_plain, customers))
    _put(connection, schema.did, (_only(schema.did, _plain(did)) for did in dids))
    _put(connection, schema.destination, _destinations(list(dids)))
    _put(
        connection, schema.blacklist, ({**_plain(each), "did": each.did or ""} for each in entries)
    )
    add_accounts(connection, [customer.id for customer in customers])


def _destinations(dids: Sequence[Did]) -> Iterable[dict[str, Any]]:
    for did in dids:
        for position, line in enumerate(did.destinations, start=1):
            row = _plain(line) | {"did": did.number, "position": position}
            yield _only(schema.destination, row)


def _plain(row: Any) -> dict[str, Any]:
    """A dataclass's fields; its enums are text already."""
    return {field.name: getattr(row, field.name) for field in dataclasses.fields(row)}


def _only(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name in table.c}


def _put(connection: Connection, table: Table, rows: Iterable[dict[str, Any]]) -> None:
    if listed := list(rows):
        connection.execute(insert(table), listed)
