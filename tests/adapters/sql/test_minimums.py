"""[R1] Minimums in SQL: from next month, once per operation, all or none, following rates."""

import asyncio
from contextlib import suppress
from dataclasses import replace

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError

from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database
from callserver.adapters.sql.minimums import SqlMinimums
from callserver.adapters.sql.schema_numbers import number_event
from callserver.domain.billing_month import BillingMonth
from callserver.domain.business import Customer, Did, NumberState, Provider
from callserver.domain.declined import Declined, Reason
from callserver.domain.ledger import OperationReused
from callserver.domain.minimum import (
    BASE_RATE_MICROS,
    MinimumChange,
    MinimumVersion,
    MinimumWish,
    Terms,
)
from callserver.domain.tariff import TariffVersion
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.samples import T0_MS, changes

YUAN = 1_000_000
USED, UNUSED, OWN, FROM_ABOVE = "4001234567", "4001234568", "4001234569", "4001234570"
NEXT = BillingMonth.of(T0_MS).next()
BUSINESS = changes(
    providers=(Provider("north", "北方", None, "above"), Provider("city", "城", "north")),
    tariff_versions=(
        TariffVersion("standard", 1, 0, 150_000),
        TariffVersion("own", 1, 0, 300_000),
        TariffVersion("own", 2, T0_MS + 1_000, 130_000),
        TariffVersion("above", 1, 0, 200_000),
    ),
    customers=(Customer("acme", "A", "north", "standard"), Customer("bolt", "B", "city", None)),
    dids=(
        Did(USED, "acme", NumberState.ACTIVE, ()),
        Did(UNUSED, "acme", NumberState.LOCKED, ()),
        Did(OWN, "acme", NumberState.LOCKED, (), 0, "own"),
        Did(FROM_ABOVE, "bolt", NumberState.LOCKED, ()),
    ),
    routes={},
)


@pytest.fixture
async def minimums(books: SqlBooks, database: Database, clock: SetClock) -> SqlMinimums:
    """Minimums of two customers' numbers, none set yet."""
    await books.apply_import(BUSINESS, "test")
    return SqlMinimums(database, clock)


def wish(did: str, yuan: int, operation: str = "", **more: object) -> MinimumWish:
    confirmed = MinimumWish(did, yuan * YUAN, operation or f"{did}:{yuan}", confirmed=True)
    return replace(confirmed, **more)  # type: ignore[arg-type]  # fields by name


async def set_one(minimums: SqlMinimums, *args: object, **more: object) -> MinimumVersion:
    (version,) = await minimums.put([wish(*args, **more)], "clerk")  # type: ignore[arg-type]  # passed on
    return version


async def test_the_rate_is_the_numbers_else_the_customers_else_from_above(
    minimums: SqlMinimums, clock: SetClock
) -> None:
    """The effective tariff's version in effect now; unknown numbers have none."""
    wanted = [USED, UNUSED, OWN, FROM_ABOVE, "4009999999"]
    expected = {USED: 150_000, UNUSED: 150_000, OWN: 300_000, FROM_ABOVE: 200_000}
    assert await minimums.rates(wanted) == expected
    clock.us += 2_000_000
    assert (await minimums.rates([OWN]))[OWN] == 130_000


async def test_a_minimum_holds_from_next_month(minimums: SqlMinimums) -> None:
    """With who did it, why, and what it is based on."""
    version = await set_one(minimums, USED, 50, reason="contract 7")
    assert version == MinimumVersion(
        did=USED,
        seq=1,
        from_month=NEXT,
        terms=Terms(50 * YUAN, 150_000, 50 * YUAN, 150_000),
        change=MinimumChange.RAISE,
        in_use=True,
        operation_id=f"{USED}:50",
        actor="clerk",
        reason="contract 7",
        created_ms=T0_MS,
    )
    assert await minimums.history(USED) == [version]
    assert await minimums.owner(USED) == "acme"


async def test_the_last_moment_of_a_month_is_this_month(
    minimums: SqlMinimums, clock: SetClock
) -> None:
    """23:59:59 in Shanghai counts for the month that ends, midnight for the next."""
    clock.us = NEXT.from_ms * 1000 - 1
    assert (await set_one(minimums, USED, 50)).from_month == NEXT
    clock.us = NEXT.from_ms * 1000
    assert (await set_one(minimums, USED, 60)).from_month == NEXT.next()


async def test_the_same_operation_raises_once(minimums: SqlMinimums) -> None:
    """Again it is the first version; for something else it is refused."""
    first = await set_one(minimums, USED, 50, "op-1")
    await set_one(minimums, USED, 60, "op-2")
    assert await set_one(minimums, USED, 50, "op-1") == first
    with pytest.raises(OperationReused):
        await set_one(minimums, USED, 55, "op-1")
    with pytest.raises(OperationReused):
        await set_one(minimums, UNUSED, 50, "op-1")
    assert [v.terms.amount_micros // YUAN for v in await minimums.history(USED)] == [50, 60]


async def test_what_it_is_already_writes_nothing(minimums: SqlMinimums) -> None:
    """And a number without a minimum has one of zero."""
    first = await set_one(minimums, USED, 50)
    assert await set_one(minimums, USED, 50, "op-2", confirmed=False) == first
    assert (await set_one(minimums, UNUSED, 0)).terms.amount_micros == 0
    assert await minimums.history(UNUSED) == []


async def test_all_wishes_or_none(minimums: SqlMinimums) -> None:
    """One that is declined takes the others with it."""
    with pytest.raises(Declined) as found:
        await minimums.put([wish(USED, 50), wish("4009999999", 50)], "clerk")
    assert found.value.reason is Reason.NUMBER_UNKNOWN
    assert await minimums.history(USED) == []
    many = await minimums.put([wish(USED, 50), wish(UNUSED, 60), wish(USED, 70)], "clerk")
    assert [(v.did, v.seq) for v in many] == [(USED, 1), (UNUSED, 1), (USED, 2)]
    assert [v.did for v in await minimums.current("", 10)] == [USED, UNUSED]
    assert [v.terms.amount_micros // YUAN for v in await minimums.current("", 1)] == [70]
    assert await minimums.count() == 2


async def test_a_number_in_use_is_never_lowered(
    minimums: SqlMinimums, database: Database, clock: SetClock
) -> None:
    """Once it was active, neither an operator nor its rate lowers it, also when it is no more."""
    await set_one(minimums, OWN, 100)
    rows = [
        {"number": OWN, "at_ms": T0_MS, "event": "test", "to_state": state}
        | {"reason": "", "actor": "test"}
        for state in ("active", "frozen", "locked")
    ]
    await database.write(lambda connection: connection.execute(insert(number_event), rows))
    clock.us += 2_000_000  # its rate is lower now
    with pytest.raises(Declined) as found:
        await set_one(minimums, OWN, 90)
    assert found.value.reason is Reason.MINIMUM_LOWERED
    assert await minimums.follow("", 10, "rates") == (0, OWN)
    [version] = await minimums.history(OWN)
    assert version.terms.amount_micros == 100 * YUAN


async def test_a_number_not_in_use_follows_its_rate(minimums: SqlMinimums, clock: SetClock) -> None:
    """When the cheaper version of its tariff comes into effect, once; others stay."""
    await minimums.put([wish(OWN, 100), wish(UNUSED, 50), wish(USED, 50)], "clerk")
    assert await minimums.follow("", 10, "rates") == (0, OWN)
    clock.us += 2_000_000
    assert await minimums.follow("", 10, "rates") == (1, OWN)
    assert await minimums.follow("", 10, "rates") == (0, OWN)
    assert await minimums.follow(OWN, 10, "rates") == (0, None)
    last = (await minimums.history(OWN))[-1]
    assert last.terms == Terms(43_330_000, 130_000, 100 * YUAN, BASE_RATE_MICROS)
    assert (last.seq, last.change, last.from_month) == (2, MinimumChange.FOLLOW, NEXT)


async def test_fifty_raises_at_once_are_each_a_version(minimums: SqlMinimums) -> None:
    """Whoever comes when, the versions count without a gap and never fall."""

    async def one(yuan: int) -> None:
        with suppress(Declined):
            await set_one(minimums, USED, yuan)

    await asyncio.gather(*(one(yuan) for yuan in range(1, 51)))
    versions = await minimums.history(USED)
    assert [version.seq for version in versions] == list(range(1, len(versions) + 1))
    amounts = [version.terms.amount_micros for version in versions]
    assert amounts == sorted(set(amounts))
    assert amounts[-1] == 50 * YUAN


@pytest.mark.parametrize("statement", ["UPDATE {} SET seq = 9", "DELETE FROM {}"])
async def test_the_history_is_kept(
    minimums: SqlMinimums, database: Database, statement: str
) -> None:
    """The database itself refuses to change it."""
    await set_one(minimums, USED, 50)
    with pytest.raises(DBAPIError, match="kept for ever"):
        await database.write(
            lambda connection: connection.execute(text(statement.format("minimum_version")))
        )
    assert len(await minimums.history(USED)) == 1
