"""A changed credit limit is what calls are admitted by, a moment later."""

from dataclasses import replace

from sqlalchemy import update

from callserver.adapters.sql import schema
from callserver.adapters.sql.database import open_database
from callserver.domain.business import Billing, Catalogue
from callserver.domain.identity import shard_of
from callserver.service.credit_limits import CreditLimits
from tests.adapters.http.bed import CATALOGUE, YUAN, Bed
from tests.adapters.http.conftest import bed, link, valkey, valkey_server

__all__ = ["bed", "link", "valkey", "valkey_server"]


async def _with_limit(bed: Bed, limit_micros: int, version: int) -> Catalogue:
    """The business data after an import that gave acme a credit limit."""
    database = open_database(bed.database)
    changed = {"billing": "postpaid", "credit_limit_micros": limit_micros}
    await database.write(
        lambda connection: connection.execute(
            update(schema.customer).where(schema.customer.c.id == "acme").values(**changed)
        )
    )
    await database.close()
    acme = replace(
        CATALOGUE.customers["acme"], billing=Billing.POSTPAID, credit_limit_micros=limit_micros
    )
    return replace(CATALOGUE, version=version, customers={**CATALOGUE.customers, "acme": acme})


async def _floor(bed: Bed) -> int:
    return (await bed.store.balance("acme", 0)).floor_micros


async def test_a_changed_limit_reaches_redis_once(bed: Bed) -> None:
    """Up and down again; an unchanged catalogue is not looked at."""
    now = [CATALOGUE]
    limits = CreditLimits(bed.services.accounts, bed.store, bed.clock, lambda: now[0])
    assert await limits.catch_up() == 0
    for version, limit in ((2, 50 * YUAN), (3, 5 * YUAN)):
        now[0] = await _with_limit(bed, limit, version)
        assert await limits.catch_up() == 1
        assert await _floor(bed) == limit
        assert await limits.catch_up() == 0


async def test_a_limit_changed_while_we_were_away_is_found_at_the_start(bed: Bed) -> None:
    """The first turn compares every customer."""
    changed = await _with_limit(bed, 7 * YUAN, 9)
    limits = CreditLimits(bed.services.accounts, bed.store, bed.clock, lambda: changed)
    assert await limits.catch_up() == 1
    assert await _floor(bed) == 7 * YUAN


async def test_accounts_redis_does_not_have_are_left_alone(bed: Bed) -> None:
    """They will be loaded with their limit."""
    await bed.link.query("DEL", f"{{cs:{shard_of('acme'):02d}}}:acct:acme")
    changed = await _with_limit(bed, 7 * YUAN, 9)
    limits = CreditLimits(bed.services.accounts, bed.store, bed.clock, lambda: changed)
    assert await limits.catch_up() == 0
    assert not await bed.link.query("KEYS", "*acct:acme")
