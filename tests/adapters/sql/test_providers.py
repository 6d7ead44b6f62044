"""Providers' calls added up by month, and commissions posted once."""

import asyncio

import pytest

from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.providers import SqlProviders
from callserver.adapters.sql.rerating import SqlRerating
from callserver.domain.billing_month import BillingMonth
from callserver.domain.business import Catalogue, Customer, Provider
from callserver.domain.commission import CallUsage
from callserver.domain.declined import Declined, Reason
from callserver.domain.ledger import EntryKind
from callserver.domain.rerating import Correction
from callserver.ports import CdrQuery
from callserver.ports.rerating import Posting
from callserver.service.providers import Providers
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.samples import cdr, changes

OCTOBER, NOVEMBER = BillingMonth(2026, 10), BillingMonth(2026, 11)
YUAN = 1_000_000
TREE = (
    Provider("north", "北方", commission="15%"),
    Provider("city", "城", "north", commission="10%"),
    Provider("shop", "店", "north", commission="margin"),
    Provider("south", "南方"),
)


@pytest.fixture
async def providers(books: SqlBooks, clock: SetClock) -> Providers:
    """The service in November 2026, over a tree with a customer each."""
    clock.us = (NOVEMBER.from_ms + 86_400_000) * 1000
    customers = tuple(Customer(f"of-{each.id}", "客", each.id, "standard") for each in TREE)
    await books.apply_import(changes(providers=TREE, customers=customers, dids=(), routes={}), "t")
    return Providers(SqlProviders(books.database, clock), clock)


async def call(
    books: SqlBooks, provider: str, yuan: int, cost: int | None = None, **more: int
) -> None:
    """A call of the provider's customer that cost the customer so much."""
    ended = more.pop("ended_ms", OCTOBER.to_ms - 1)
    micros = yuan * YUAN
    await books.write_cdrs(
        [
            cdr(provider=provider, customer=f"of-{provider}", account=f"of-{provider}",
                fee_micros=micros, charged_micros=micros, ended_ms=ended,
                cost_micros=None if cost is None else cost * YUAN, **more)
        ]
    )  # fmt: skip


async def balances(books: SqlBooks) -> dict[str, int]:
    sums = await books.account_sums([f"provider:{each.id}" for each in TREE])
    return {
        name.removeprefix("provider:"): each.settled_micros // YUAN for name, each in sums.items()
    }


async def test_usage_is_of_the_month_in_which_calls_ended(
    books: SqlBooks, providers: Providers, clock: SetClock
) -> None:
    """To the millisecond, in Shanghai; cost only where it is known and no minutes were used."""
    await call(books, "city", 5, 3, ended_ms=OCTOBER.from_ms)
    await call(books, "city", 7, ended_ms=OCTOBER.to_ms - 1)
    await call(books, "city", 1, 2, ended_ms=OCTOBER.to_ms - 1, included_minutes=2)
    await call(books, "city", 11, ended_ms=OCTOBER.to_ms)
    await call(books, "north", 1, ended_ms=OCTOBER.from_ms - 1)
    usage = await SqlProviders(books.database, clock).usage(OCTOBER.from_ms, OCTOBER.to_ms)
    assert usage == {"city": CallUsage(3, 3, 183, 13 * YUAN, 5 * YUAN, 3 * YUAN)}
    assert usage["city"].margin_micros == 2 * YUAN


async def test_what_re_rating_changed_counts_in_the_month_of_the_call(
    books: SqlBooks, providers: Providers, clock: SetClock
) -> None:
    """The fee is what the customer pays in the end; a posted commission follows by a part."""
    await call(books, "city", 100)
    await providers.commissions(await books.load_catalogue(), OCTOBER, "t", post=True)
    assert (await balances(books))["city"] == 10
    (made,) = (await books.cdrs(CdrQuery(customers=None))).cdrs
    corrected = Correction(
        made.call_id, made.token_hash, "of-city", made.ended_ms, "cheap", 1,
        100 * YUAN, 40 * YUAN, 0, 0, ("a line",),
    )  # fmt: skip
    posting = Posting("clerk", "wrong tariff", force=True)
    await SqlRerating(books.database, clock).post([corrected], posting)
    usage = await SqlProviders(books.database, clock).usage(OCTOBER.from_ms, OCTOBER.to_ms)
    assert usage["city"].fees_micros == 40 * YUAN
    for _ in range(2):
        await providers.commissions(await books.load_catalogue(), OCTOBER, "t", post=True)
    assert (await balances(books))["city"] == 4


async def test_a_month_is_posted_once(books: SqlBooks, providers: Providers) -> None:
    """Shares, differences and margins; running it again moves nothing."""
    await call(books, "city", 100)
    await call(books, "shop", 100, 130)
    await call(books, "north", 200)
    await call(books, "south", 1000)
    catalogue = await books.load_catalogue()
    looked = await providers.commissions(catalogue, OCTOBER, "t", post=False)
    assert sum(each.amount_micros for each in looked) == 15 * YUAN
    assert await balances(books) == {"north": 0, "city": 0, "shop": 0, "south": 0}
    for _ in range(2):
        await providers.commissions(catalogue, OCTOBER, "t", post=True)
        assert await balances(books) == {"north": 35, "city": 10, "shop": -30, "south": 0}
    posted = await providers.posted(frozenset({"north", "city"}))
    assert [(each.provider, each.terms, each.part) for each in posted] == [
        ("city", "10%", 0),
        ("north", "15%", 0),
    ]
    (entry,) = await books.entries_after("provider:city", 0)
    assert (entry.kind, entry.operation_id) == (EntryKind.COMMISSION, "commission:city:2026-10:0")


async def test_late_calls_post_the_difference_by_the_months_own_terms(
    books: SqlBooks, providers: Providers
) -> None:
    """Whatever was agreed since, or whoever is above now."""
    await call(books, "city", 100)
    await providers.commissions(await books.load_catalogue(), OCTOBER, "t", post=True)
    moved = (
        Provider("city", "城", "south", commission="50%"),
        Provider("south", "南方", commission="60%"),
    )
    base = await books.catalogue_version()
    await books.apply_import(
        changes(base_version=base, providers=moved, tariff_versions=(), customers=(), dids=(),
                routes={}),
        "t",
    )  # fmt: skip
    catalogue = await books.load_catalogue()
    assert catalogue.providers["city"].commission == "50%"
    await providers.commissions(catalogue, OCTOBER, "t", post=True)
    assert await balances(books) == {"north": 5, "city": 10, "shop": 0, "south": 0}
    await call(books, "city", 20)
    await providers.commissions(catalogue, OCTOBER, "t", post=True)
    assert await balances(books) == {"north": 6, "city": 12, "shop": 0, "south": 0}
    reasons = [each.reason for each in await books.entries_after("provider:city", 0)]
    assert reasons == [
        "commission of 2026-10",
        "commission of 2026-10, calls that came late or were rated anew",
    ]


async def test_a_provider_added_since_has_its_part_of_late_calls(
    books: SqlBooks, providers: Providers
) -> None:
    """By the terms it has when the month is posted again, which it keeps; so has who is above."""
    await call(books, "city", 100)
    await providers.commissions(await books.load_catalogue(), OCTOBER, "t", post=True)
    for commission in ("5%", "9%"):
        new = (Provider("late", "新", "north", commission=commission),)
        base = await books.catalogue_version()
        await books.apply_import(
            changes(base_version=base, providers=new, tariff_versions=(), customers=(), dids=(),
                    routes={}),
            "t",
        )  # fmt: skip
        await call(books, "late", 100)
        await providers.commissions(await books.load_catalogue(), OCTOBER, "t", post=True)
    sums = await books.account_sums(["provider:late"])
    assert sums["provider:late"].settled_micros == 10 * YUAN
    assert (await balances(books))["north"] == 5 + 20


async def test_several_posters_post_once(books: SqlBooks, providers: Providers) -> None:
    """They take turns; all but the first find nothing to do."""
    await call(books, "city", 100)
    catalogue = await books.load_catalogue()
    await asyncio.gather(
        *(providers.commissions(catalogue, OCTOBER, "t", post=True) for _ in range(5))
    )
    assert await balances(books) == {"north": 5, "city": 10, "shop": 0, "south": 0}


async def test_a_running_month_is_not_posted(books: SqlBooks, providers: Providers) -> None:
    """Nor a later one."""
    for month in (NOVEMBER, NOVEMBER.next()):
        with pytest.raises(Declined) as declined:
            await providers.commissions(Catalogue(version=1), month, "t", post=True)
        assert declined.value.reason is Reason.MONTH_NOT_OVER


async def test_a_report_covers_the_subtree(books: SqlBooks, providers: Providers) -> None:
    """A line for each provider below, their customers' balances and calls, and the sum."""
    await call(books, "city", 100, 60)
    await call(books, "south", 50)
    await books.post("of-city", EntryKind.TOP_UP, 300 * YUAN, "t1", "t", "")
    await books.post("provider:north", EntryKind.TOP_UP, 9 * YUAN, "t2", "t", "")
    catalogue = await books.load_catalogue()
    report = await providers.report(catalogue, "north", OCTOBER)
    assert [(each.depth, each.provider.id) for each in report.lines] == [
        (0, "north"), (1, "city"), (1, "shop"),
    ]  # fmt: skip
    total = report.total
    assert (total.providers, total.customers, total.customers_micros) == (3, 3, 200 * YUAN)
    assert (total.balance_micros, total.usage.margin_micros) == (9 * YUAN, 40 * YUAN)
    assert (total.commission_micros, report.running) == (15 * YUAN, False)
    everybody = await providers.report(catalogue, None, OCTOBER)
    assert everybody.total.usage.fees_micros == 150 * YUAN
    with pytest.raises(Declined):
        await providers.report(catalogue, "nobody", OCTOBER)


async def test_a_month_that_has_not_begun_has_no_report(providers: Providers) -> None:
    """It would show today's balances under a later month."""
    with pytest.raises(Declined) as declined:
        await providers.report(Catalogue(version=1), None, providers.this_month().next())
    assert declined.value.reason is Reason.MONTH_UNKNOWN


async def test_customers_of_the_whole_tree(books: SqlBooks, providers: Providers) -> None:
    """With what has settled; a foreign one is not among them."""
    await books.post("of-city", EntryKind.TOP_UP, YUAN, "t1", "t", "")
    catalogue = await books.load_catalogue()
    found = await providers.customers(catalogue, "north")
    assert [(each.customer.id, each.settled_micros) for each in found] == [
        ("of-city", YUAN), ("of-north", 0), ("of-shop", 0),
    ]  # fmt: skip
    assert len(await providers.customers(catalogue, None)) == 4
    assert await providers.balance("north") == 0
