"""/v1/arrears: each tree's own, until what is owed is paid."""

import uuid
from typing import Any

import pytest

from callserver.adapters.http.arrears_models import Arrears
from callserver.adapters.sql.books import SqlBooks
from callserver.domain.billing_month import BillingMonth
from callserver.domain.business import Billing, Customer, Did, NumberState, Provider
from callserver.domain.ledger import EntryKind
from tests.adapters.http.bed import YUAN, Bed, Reply
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.samples import changes

ACME, CORK = "4001234567", "4001234568"
DEBT = -5 * YUAN
DAY_US = 86_400_000_000


@pytest.fixture
async def shop(bed: Bed) -> Bed:
    """A prepaid customer of north's and a postpaid one of south's, each with a number and a debt.

    The debts are of this month.
    """
    rows = changes(
        providers=(Provider("north", "北方"),),
        customers=(Customer("cork", "软木", "south", "standard", Billing.POSTPAID, 10 * YUAN),),
        dids=tuple(
            Did(number, owner, NumberState.ACTIVE, ())
            for number, owner in ((ACME, "acme"), (CORK, "cork"))
        ),
        routes={},
    )
    assert await bed.books.apply_import(rows, "test")
    for owner in ("acme", "cork"):
        await bed.books.post(owner, EntryKind.ADJUSTMENT, DEBT, f"debt-{owner}", "test", "")
    return bed


async def seen(bed: Bed, who: str, query: str = "") -> Any:
    """What a bearer is shown, which must have the published shape."""
    reply = await bed.ask(f"/v1/arrears{query}", who)
    assert reply.status == 200, reply.text
    Arrears.model_validate_json(reply.text)
    return reply.json


async def ask(bed: Bed, event: str, who: str, number: str = ACME, **more: Any) -> Reply:
    """A step of a number, for arrears."""
    key = {"Idempotency-Key": uuid.uuid4().hex}
    body = {"for": "arrears"} | more
    return await bed.ask(f"/v1/numbers/{number}/{event}", who, "POST", json=body, headers=key)


async def test_each_tree_sees_its_own(shop: Bed) -> None:
    """Who is out of money now; what was spent this month is not overdue; customers see none."""
    [row] = (await seen(shop, "north"))["overdue"]
    assert (row["customer"], row["may_suspend"], row["numbers"]) == ("acme", True, [ACME])
    assert (row["settled"]["amount"], row["owed"]) == ("-5.000000", None)
    assert await seen(shop, "admin") == await seen(shop, "north")
    assert await seen(shop, "admin", "?provider=south") == {"overdue": [], "restore": []}
    assert await seen(shop, "south") == {"overdue": [], "restore": []}
    assert (await shop.ask("/v1/arrears?provider=south", "north")).status == 404
    assert (await shop.ask("/v1/arrears", "acme")).status == 403


async def test_who_has_paid_is_to_be_resumed(shop: Bed) -> None:
    """Within 48 hours of the payment; once resumed it is gone from the list."""
    assert (await ask(shop, "suspend", "north")).status == 200
    assert (await seen(shop, "north"))["restore"] == []
    assert (await shop.top_up("acme", "6.00")).status == 201
    found = await seen(shop, "north")
    [row] = found["restore"]
    assert (row["number"], row["customer"], row["late"]) == (ACME, "acme", False)
    assert found["overdue"] == []
    assert (await seen(shop, "south"))["restore"] == []
    assert (await ask(shop, "resume", "north")).status == 200
    assert await seen(shop, "admin") == {"overdue": [], "restore": []}


async def test_a_debt_is_dated(shop: Bed) -> None:
    """A postpaid one of a month that is over: since when, and from which day on."""
    at_us = shop.clock.now_us() - 70 * DAY_US
    past = SqlBooks(shop.books.database, SetClock(at_us))
    await past.post("cork", EntryKind.ADJUSTMENT, -3 * YUAN, "old", "test", "")
    [row] = (await seen(shop, "south"))["overdue"]
    assert (row["customer"], row["numbers"]) == ("cork", [CORK])
    assert (row["owed"]["amount"], row["settled"]["amount"]) == ("3.000000", "-8.000000")
    assert row["oldest_month"] == str(BillingMonth.of(at_us // 1000))
    assert (row["may_suspend"], row["days_overdue"] >= 30) == (True, True)
    assert "cork" not in str(await seen(shop, "north"))


async def test_only_an_admin_insists(shop: Bed) -> None:
    """Before a postpaid debt is overdue nobody else suspends for it; the history says that."""
    early = await ask(shop, "suspend", "south", CORK)
    assert (early.status, early.json["code"]) == (409, "not_overdue")
    assert (await ask(shop, "suspend", "south", CORK, force=True)).status == 403
    assert (await ask(shop, "suspend", "admin", CORK, force=True, reason="court")).status == 200
    history = (await shop.ask(f"/v1/numbers/{CORK}/history", "south")).json["history"]
    assert (history[-1]["state"], history[-1]["reason"]) == ("suspended", "forced: court")
    assert (await ask(shop, "resume", "admin", CORK, force=True)).status == 400
