"""The demo's books."""

from decimal import Decimal
from pathlib import Path

from callserver.adapters.sql.books import open_books
from callserver.demo.business import TOP_UPS_MICROS, business
from callserver.demo.proof import seen_in_sql
from callserver.demo.seed_books import PAYER, fill_books, sell_a_feature
from callserver.domain.api_token import Scope, digest_of
from callserver.service.clocks import SystemClock


async def test_the_books_hold_the_demos_business(tmp_path: Path) -> None:
    """What was put in is what the server will read; the token opens everything."""
    url = f"sqlite:///{tmp_path / 'callserver.db'}"
    secret = await fill_books(url, business(), SystemClock())
    async with open_books(url, SystemClock()) as books:
        book, expected = await books.load_catalogue(), business()
        sums = await books.account_sums(list(book.customers))
        token = await books.find_token(digest_of(secret))
    assert (book.customers, book.dids) == (expected.customers, expected.dids)
    assert (book.tariffs, book.providers) == (expected.tariffs, expected.providers)
    assert book.blacklist == expected.blacklist
    assert {name: total.settled_micros for name, total in sums.items()} == {
        "freight": 0,
        **TOP_UPS_MICROS,
    }
    assert token
    assert token.scope is Scope.ADMIN


async def test_a_fresh_look_into_the_file(tmp_path: Path) -> None:
    """Past the server's own code: sums by account in yuan, no calls yet."""
    path = tmp_path / "callserver.db"
    await fill_books(f"sqlite:///{path}", business(), SystemClock())
    view = seen_in_sql(path)
    assert (view.calls, view.cdrs, view.charged, view.ledger) == ({}, 0, Decimal(0), {})
    assert view.settled["clinic"] == Decimal(50)


async def test_a_provider_pays_for_a_feature(tmp_path: Path) -> None:
    """From its own account, so that bills and reconciliation have something to show."""
    url = f"sqlite:///{tmp_path / 'callserver.db'}"
    await fill_books(url, business(), SystemClock())
    await sell_a_feature(url, SystemClock())
    async with open_books(url, SystemClock()) as books:
        sums = await books.account_sums([PAYER, "clinic"])
    assert sums[PAYER].settled_micros == 90_000_000
    assert sums["clinic"].settled_micros == TOP_UPS_MICROS["clinic"]
