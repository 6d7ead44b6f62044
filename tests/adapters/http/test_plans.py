"""/v1 of plans: who may do what, once, and what is shown of it."""

import uuid
from typing import Any

import pytest

from callserver.domain.ledger import EntryKind
from callserver.domain.plans import PlanVersion
from tests.adapters.http.bed import YUAN, Bed, Reply

PLAN = "/v1/customers/acme/plan"


@pytest.fixture
async def shop(bed: Bed) -> Bed:
    """Acme has 1000 yuan, and there is a plan for 600."""
    await bed.books.post("acme", EntryKind.TOP_UP, 1000 * YUAN, "t-1", "clerk", "")
    plans = bed.services.office.plans
    wanted = PlanVersion("gold", "金", 0, plans.today(), 600 * YUAN, 500 * YUAN, 1000)
    await plans.add(wanted, "clerk")
    return bed


async def post(bed: Bed, path: str, who: str, body: Any, key: str = "") -> Reply:
    """A POST with a key of its own."""
    headers = {"Idempotency-Key": key or uuid.uuid4().hex}
    return await bed.ask(path, who, "POST", headers=headers, json=body)


async def test_a_provider_subscribes_its_customer_once(shop: Bed) -> None:
    """The same key again answers the same, and the customer sees what it has."""
    first = await post(shop, PLAN, "north", {"plan": "gold", "years": 3}, "k-1")
    assert (first.status, first.json["state"]) == (201, "active")
    again = await post(shop, PLAN, "north", {"plan": "gold", "years": 3}, "k-1")
    assert again.json == first.json
    other = await post(shop, PLAN, "north", {"plan": "gold", "years": 2}, "k-1")
    assert (other.status, other.json["code"]) == (409, "idempotency_key_reused")
    running = await post(shop, PLAN, "admin", {"plan": "gold"})
    assert (running.status, running.json["code"]) == (409, "plan_running")
    shown = (await shop.ask(PLAN, "acme")).json
    [grant] = shown["grants"]
    assert (grant["minutes_left"], grant["credit_left"]["amount"]) == (1000, "500.000000")
    assert [line["event"] for line in shown["history"]] == ["subscribed", "granted"]


async def test_renewed_and_cancelled(shop: Bed) -> None:
    """Booked for the day after the end; what is cancelled at once lapses."""
    await post(shop, PLAN, "north", {"plan": "gold"})
    booked = await post(shop, f"{PLAN}/renew", "north", {"years": 2})
    assert (booked.status, booked.json["state"], booked.json["years"]) == (201, "scheduled", 2)
    short = await post(shop, f"{PLAN}/renew", "north", {})
    assert short.json["code"] == "plan_renewed"
    gone = await post(shop, f"{PLAN}/cancel", "north", {"at_once": True})
    assert (gone.status, gone.json["state"]) == (200, "cancelled")
    [grant] = (await shop.ask(PLAN, "north")).json["grants"]
    assert (grant["minutes_left"], grant["minutes_lapsed"]) == (0, 1000)


async def test_without_funds(shop: Bed) -> None:
    """409 with what it costs and what there is, running calls considered."""
    await shop.books.post("acme", EntryKind.ADJUSTMENT, -500 * YUAN, "a-1", "clerk", "")
    answer = await post(shop, PLAN, "north", {"plan": "gold"})
    assert (answer.status, answer.json["code"]) == (409, "not_covered")
    assert "600.00" in answer.json["detail"]
    assert "500.00" in answer.json["detail"]


async def test_who_may_not(shop: Bed) -> None:
    """Customers and the NOC order nothing, only an admin adds plans; others look unknown."""
    for who, path, body in (
        ("acme", PLAN, {"plan": "gold"}),
        ("noc", PLAN, {"plan": "gold"}),
        ("north", "/v1/plans", {"plan": "x", "annual_fee": "1"}),
    ):
        answer = await post(shop, path, who, body)
        assert (answer.status, answer.json["code"]) == (403, "forbidden")
    for who in ("south", "cork"):
        answer = await shop.ask(PLAN, who)
        assert (answer.status, answer.json["code"]) == (404, "customer_unknown")


async def test_the_catalogue(shop: Bed) -> None:
    """Everybody sees what is on offer."""
    body = {"plan": "silver", "annual_fee": "300", "minutes": 400, "rhythm": "term"}
    made = await post(shop, "/v1/plans", "admin", body)
    assert (made.status, made.json["minutes"]) == (201, 400)
    no_tariff = await post(shop, "/v1/plans", "admin", {**body, "plan": "x", "tariff": "none"})
    assert no_tariff.json["code"] == "tariff_unknown"
    listed = (await shop.ask("/v1/plans", "cork")).json["plans"]
    assert [each["plan"] for each in listed] == ["gold", "silver"]


@pytest.mark.parametrize(
    "body",
    [
        {"plan": "gold", "years": 4},
        {"plan": "gold", "first_day": "tomorrow"},
        {"years": 1},
        {"plan": "gold", "price": "1"},
    ],
)
async def test_wrong_bodies(shop: Bed, body: dict[str, Any]) -> None:
    """Named, and nothing done."""
    answer = await post(shop, PLAN, "north", body)
    assert (answer.status, answer.json["code"]) == (400, "bad_body")


@pytest.mark.parametrize("first_day", ["9998-12-31", "9999-12-31"])
async def test_a_term_ends_within_the_calendar(shop: Bed, first_day: str) -> None:
    """A first day so late that there is no last one is refused."""
    asked = {"plan": "gold", "years": 3, "first_day": first_day}
    found = await post(shop, PLAN, "north", asked)
    assert (found.status, found.json["code"]) == (400, "bad_body")


async def test_an_id_that_is_none_has_no_plan(shop: Bed) -> None:
    """Nothing is looked for under it: PostgreSQL takes no NUL."""
    found = await shop.ask("/v1/customers/a%00b/plan")
    assert (found.status, found.json["code"]) == (404, "customer_unknown")
