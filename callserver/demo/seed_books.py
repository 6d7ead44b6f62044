"""Fills fresh books with a business, its top-ups and a token to try the API with."""

import secrets
from collections.abc import Mapping

from callserver.adapters.sql.books import open_books
from callserver.adapters.sql.features import SqlFeatures
from callserver.adapters.sql.migrate import upgrade
from callserver.demo.business import CLINIC_DID, TOP_UPS_MICROS
from callserver.domain.api_token import SECRET_BYTES, Scope, digest_of, secret_of
from callserver.domain.billing_month import shanghai_day
from callserver.domain.business import Catalogue
from callserver.domain.features import FeatureVersion
from callserver.domain.import_set import DestinationRow, ImportChanges
from callserver.domain.ledger import EntryKind, provider_account
from callserver.domain.periods import Cycle
from callserver.ports import Clock

PAYER = provider_account("huaxin-east")
PAYER_TOP_UP_MICROS = 100_000_000
RECORDING_MICROS = 10_000_000


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


async def sell_a_feature(url: str, clock: Clock) -> None:
    """Call recording for the clinic's number, which its provider pays from its own account."""
    today = shanghai_day(clock.now_us() // 1000)
    fee = FeatureVersion("recording", "通话录音", Cycle.MONTH, 0, today, RECORDING_MICROS)
    async with open_books(url, clock) as books:
        features = SqlFeatures(books.database, clock)
        await features.add_version(fee, "demo")
        await books.post(
            PAYER, EntryKind.TOP_UP, PAYER_TOP_UP_MICROS, f"demo:{PAYER}", "demo", "bank"
        )
        await features.activate(CLINIC_DID, "recording", "demo:recording", "demo")


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
