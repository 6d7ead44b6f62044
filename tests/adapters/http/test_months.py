"""/v1 of minimums, bills and months: who sees what, and in which form."""

import asyncio
import csv
import uuid
from typing import Any

import pytest
from pydantic import BaseModel
from sqlalchemy import insert, update

from callserver.adapters.http import month_models as models
from callserver.adapters.sql import schema
from callserver.domain.billing_month import BillingMonth
from callserver.domain.tariff import TariffVersion
from callserver.service.live import SHOWN_US
from tests.adapters.http.bed import Bed, Reply
from tests.adapters.sql.samples import cdr

DID = "4001234567"
MINIMUM = f"/v1/numbers/{DID}/minimum"


@pytest.fixture
async def shop(bed: Bed) -> Bed:
    """An active number of bolt, which is below north, at 0.15 a minute."""

    def fill(connection: Any) -> None:
        version = TariffVersion("standard", 1, 0, 150_000)
        names = [column.name for column in schema.tariff_version.c]
        row = {name: getattr(version, name) for name in names if hasattr(version, name)}
        row = {name: value for name, value in row.items() if name != "bands"}
        connection.execute(insert(schema.tariff_version).values(row))
        did = {"number": DID, "customer": "bolt", "state": "active", "calls_max": 0}
        connection.execute(insert(schema.did).values(did))

    await bed.books.database.write(fill)
    return bed


def month(bed: Bed) -> BillingMonth:
    return BillingMonth.of(bed.clock.now_us() // 1000)


def fits(reply: Reply, model: type[BaseModel]) -> Any:
    """The answer, which must have the published shape."""
    model.model_validate_json(reply.text)
    return reply.json


async def post(bed: Bed, path: str, who: str, body: Any = None, key: str = "") -> Reply:
    headers = {"Idempotency-Key": key or uuid.uuid4().hex}
    more = {} if body is None else {"json": body}
    return await bed.ask(path, who, "POST", headers=headers, **more)


async def call(bed: Bed, yuan: int, ended_ms: int) -> None:
    owner = {"customer": "bolt", "account": "bolt", "provider": "city", "did": DID}
    money = {"fee_micros": yuan * 1_000_000, "charged_micros": yuan * 1_000_000}
    await bed.books.write_cdrs([cdr(**owner, **money, ended_ms=ended_ms)])


async def test_a_provider_raises_a_minimum(shop: Bed) -> None:
    """Confirmed, from next month on, once for a key; never lowered."""
    body = {"amount": "50.00", "reason": "contract"}
    unsure = await post(shop, MINIMUM, "north", body)
    assert (unsure.status, unsure.json["code"]) == (409, "confirmation_needed")
    body |= {"confirmed": True}
    first = await post(shop, MINIMUM, "north", body, "k-1")
    made = fits(first, models.MinimumVersion)
    assert first.status == 201
    assert made["from_month"] == str(month(shop).next())
    assert made["base"]["amount"] == "100.000000"
    assert (await post(shop, MINIMUM, "north", body, "k-1")).json == made
    lower = await post(shop, MINIMUM, "admin", body | {"amount": "40"})
    assert (lower.status, lower.json["code"]) == (409, "minimum_lowered")
    shown = fits(await shop.ask(MINIMUM, "north"), models.Minimum)
    assert (shown["customer"], shown["rate"]["amount"]) == ("bolt", "0.150000")
    assert shown["history"] == [made]
    at_base = {"amount": "120", "at_rate": "0.3", "confirmed": True}
    raised = fits(await post(shop, MINIMUM, "north", at_base), models.MinimumVersion)
    assert raised["minimum"]["amount"] == "60.000000"


async def test_a_customer_is_not_told_who_raised_its_minimum(shop: Bed) -> None:
    """Neither the token nor its key, as on the pages of its account."""
    moved = update(schema.did).values(customer="acme")
    await shop.books.database.write(lambda connection: connection.execute(moved))
    assert (await post(shop, MINIMUM, "north", {"amount": "50", "confirmed": True})).status == 201
    [version] = fits(await shop.ask(MINIMUM, "acme"), models.Minimum)["history"]
    assert (version["actor"], version["operation_id"]) == (None, None)
    [version] = fits(await shop.ask(MINIMUM, "north"), models.Minimum)["history"]
    assert version["actor"].startswith("token:")


async def test_only_its_own_numbers(shop: Bed) -> None:
    """Another's number looks like none; a NOC sees and changes nothing."""
    for who in ("south", "cork"):
        reply = await shop.ask(MINIMUM, who)
        assert (reply.status, reply.json["code"]) == (404, "number_unknown")
        assert (await post(shop, MINIMUM, who, {"amount": "50"})).status == 404
    assert (await shop.ask("/v1/numbers/4009999999/minimum", "admin")).status == 404
    assert (await shop.ask("/v1/numbers/x/minimum", "admin")).status == 404
    assert (await post(shop, MINIMUM, "noc", {"amount": "50"})).status == 403


async def test_a_bill_to_date(shop: Bed) -> None:
    """Calls, running calls and due; the customer's bill has no feature fees."""
    now = month(shop)
    await call(shop, 7, now.from_ms + 1)
    path = f"/v1/customers/bolt/bills/{now}"
    await shop.top_up("bolt", "100")
    _, token = await shop.ring("bolt", did=DID)
    await shop.answer("bolt", token, before_us=61_000_000)
    bill = fits(await shop.ask(path, "north"), models.Bill)
    assert (bill["state"], bill["due"]["amount"]) == ("open", "7.000000")
    assert [(each["did"], each["calls"]) for each in bill["numbers"]] == [(DID, 1)]
    assert [each["fee"]["amount"] for each in bill["running"]["calls"]] == ["0.300000"]
    assert bill["feature_fees"]["lines"] == []
    assert [(each["kind"], each["amount"]["amount"]) for each in bill["movements"]] == [
        ("top_up", "100.000000")
    ]
    listed = fits(await shop.ask("/v1/customers/bolt/bills", "north"), models.BillMonths)
    assert listed["months"][0] == {"month": str(now), "state": "open"}


async def test_a_customer_sees_its_own_bills(shop: Bed) -> None:
    """And no other's; what its provider pays is not on it."""
    now = month(shop)
    own = fits(await shop.ask(f"/v1/customers/acme/bills/{now}", "acme"), models.Bill)
    assert "feature_fees" not in own
    for path in (f"/v1/customers/bolt/bills/{now}", "/v1/customers/bolt/bills"):
        reply = await shop.ask(path, "acme")
        assert (reply.status, reply.json["code"]) == (404, "customer_unknown")
    ahead = await shop.ask(f"/v1/customers/acme/bills/{now.next()}", "acme")
    assert (ahead.status, ahead.json["code"]) == (404, "month_unknown")
    assert (await shop.ask("/v1/customers/acme/bills/november", "acme")).status == 400


async def test_a_bill_as_csv_and_as_a_page(shop: Bed) -> None:
    """In the form asked for; the page loads nothing and runs nothing."""
    now = month(shop)
    await call(shop, 7, now.from_ms + 1)
    path = f"/v1/customers/bolt/bills/{now}"
    table = await shop.ask(f"{path}?format=csv", "north")
    assert table.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(table.text.splitlines()))
    assert [(row["kind"], row["amount"]) for row in rows] == [
        ("number", "7.000000"),
        ("due", "7.000000"),
    ]
    page = await shop.ask(f"{path}?format=html&lang=en", "north")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert '<html lang="en">' in page.text
    assert '<html lang="zh-CN">' in (await shop.ask(f"{path}?format=html", "north")).text
    assert (await shop.ask(f"{path}?format=pdf", "north")).status == 400
    assert (await shop.ask(f"{path}?format=html&lang=fr", "north")).status == 400


async def test_an_admin_closes_a_month(shop: Bed) -> None:
    """In the background; its report shows each provider its own part."""
    last = month(shop).previous()
    await call(shop, 7, last.from_ms + 1)
    path = f"/v1/months/{last}"
    for who in ("north", "noc", "acme"):
        assert (await post(shop, f"{path}/close", who)).status == 403
    early = await post(shop, f"/v1/months/{last.next()}/close", "admin")
    assert (early.status, early.json["code"]) == (409, "month_not_over")
    begun = await post(shop, f"{path}/close", "admin")
    assert begun.status == 202
    assert fits(begun, models.BegunClose)["warnings"] == []
    async with asyncio.timeout(30):
        while not (await shop.ask(path, "admin")).json["close"]["closed"]:
            await asyncio.sleep(0.05)
    report = fits(await shop.ask(path, "north"), models.MonthReport)
    assert [row["customer"] for row in report["customers"]] == ["bolt"]
    assert report["total"]["charged"]["amount"] == "7.000000"
    assert (await shop.ask(path, "south")).json["customers"] == []
    assert (await shop.ask(path, "acme")).status == 403
    months = fits(await shop.ask("/v1/months", "south"), models.MonthCloses)["months"]
    assert [(each["month"], each["phase"]) for each in months] == [(str(last), "closed")]
    bill = fits(await shop.ask(f"/v1/customers/bolt/bills/{last}", "north"), models.Bill)
    assert (bill["state"], bill["running"], bill["due"]["amount"]) == ("closed", None, "7.000000")
    await shop.top_up("acme", "10")
    await shop.ring("acme")
    shop.services.metrics.watch("callserver_cdrs_waiting", lambda: 3)
    await asyncio.sleep(2 * SHOWN_US / 1_000_000)  # a list of all calls is kept for so long
    again = fits(await post(shop, f"{path}/close", "admin"), models.BegunClose)
    assert again["closed"] is True
    calls, cdrs = again["warnings"]
    assert calls.startswith("1 calls are open")
    assert cdrs.startswith("3 CDRs are not in SQL yet")


async def test_an_admin_corrects_a_month(shop: Bed) -> None:
    """What came late is answered and shown on the bill of the open month."""
    last = month(shop).previous()
    await shop.services.office.months.close(last, "test")
    await call(shop, 3, last.to_ms - 1)
    path = f"/v1/months/{last}/correct"
    assert (await post(shop, path, "north")).status == 403
    made = fits(await post(shop, path, "admin"), models.CorrectionList)["corrections"]
    assert [(each["did"], each["usage"]["calls"]) for each in made] == [(DID, 1)]
    assert (await post(shop, path, "admin")).json["corrections"] == []
    bill = (await shop.ask(f"/v1/customers/bolt/bills/{month(shop)}", "north")).json
    assert bill["late"]["total"]["amount"] == "3.000000"
    unknown = await shop.ask(f"/v1/months/{last.previous()}", "admin")
    assert (unknown.status, unknown.json["code"]) == (404, "month_unknown")


async def test_months_and_bills_come_in_pages(shop: Bed) -> None:
    """The latest first, each once."""
    now = month(shop)
    last = now.previous()
    await call(shop, 3, last.previous().to_ms - 1)
    await call(shop, 4, last.to_ms - 1)
    for each in (last.previous(), last):
        await shop.services.office.months.close(each, "test")
    closed = [str(last), str(last.previous())]
    assert await pages(shop, "/v1/months", "south") == closed
    assert await pages(shop, "/v1/customers/bolt/bills", "north") == [str(now), *closed]
    for path in ("/v1/months", "/v1/customers/bolt/bills"):
        bad = await shop.ask(f"{path}?cursor=last", "north")
        assert (bad.status, bad.json["code"]) == (400, "bad_value")


async def pages(shop: Bed, path: str, who: str) -> list[str]:
    """The months on all pages of one."""
    found, cursor = [], ""
    while cursor is not None:
        page = (await shop.ask(f"{path}?limit=1{cursor and '&cursor=' + cursor}", who)).json
        found += [each["month"] for each in page["months"]]
        assert len(page["months"]) == 1
        cursor = page["next_cursor"]
    return found
