"""Fills fresh books with a business, its top-ups and a token to try the API with."""

import secrets
from collections.abc import Mapping

from callserver.adapters.sql.books import open_books
from callserver.adapters.sql.migrate import upgrade
from callserver.demo.business import TOP_UPS_MICROS
from callserver.domain.api_token import SECRET_BYTES, Scope, digest_of, secret_of
from callserver.domain.business import Catalogue
from callserver.domain.import_set import DestinationRow, ImportChanges
from callserver.domain.ledger import EntryKind
from callserver.ports import Clock


async def fill_books(
    url: str, catalogue: Catalogue, clock: Clock, top_ups: Mapping[str, int] = TOP_UPS_MICROS
) -> str:
    """Create the schema, the business and the top-ups (micros); the secret of an admin token.

    Raises RuntimeError where the books are being changed by somebody else.
    """
    await upgrade(url)
    async with open_books(url, clock) as books:
        version = await books.catalogue_version()
        if not await books.apply_import(changes(catalogue, version), "demo"):
            raise RuntimeError("the books changed under the demo's hands")
        for account, micros in top_ups.items():
            await books.post(
                account, EntryKind.TOP_UP, micros, f"demo:{account}", "demo", "opening balance"
            )
        secret = secret_of(secrets.token_bytes(SECRET_BYTES))
        await books.create_token(digest_of(secret), Scope.ADMIN, "", "demo")
    return secret


def changes(catalogue: Catalogue, base_version: int) -> ImportChanges:
    """The whole catalogue as an import into empty books. Providers must come parents first."""
    return ImportChanges(
        base_version=base_version,
        providers=tuple(catalogue.providers.values()),
        tariff_versions=tuple(each for known in catalogue.tariffs.values() for each in known),
        customers=tuple(catalogue.customers.values()),
        dids=tuple(catalogue.dids.values()),
        routes={
            did.number: tuple(
                DestinationRow(did.number, line.number, line.trunk, line.ring_s, line.calls_max)
                for line in did.destinations
            )
            for did in catalogue.dids.values()
        },
        blacklist=tuple(each for known in catalogue.blacklist.values() for each in known),
    )
