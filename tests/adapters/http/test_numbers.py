"""/v1/numbers: each provider within its tree, the operator beside them, every POST once."""

import base64
import uuid
from typing import Any

import pytest

from callserver.adapters.sql.ledger import add_accounts
from tests.adapters.http.bed import PROVIDERS, Bed, Reply
from tests.adapters.sql.number_bed import FORM, LONG, ORDINARY, SHELF, SPECIAL
from tests.adapters.sql.opening_bed import add_to_catalogue

ONE = f"/v1/numbers/{ORDINARY}"


@pytest.fixture
async def shop(bed: Bed) -> Bed:
    """Numbers on the shelf, accounts of the providers."""
    names = [f"provider:{provider.id}" for provider in PROVIDERS]
    await bed.books.database.write(lambda connection: add_accounts(connection, names))
    await bed.services.office.numbers.add(SHELF)
    await add_to_catalogue(bed.books, bed.clock)
    return bed


async def post(bed: Bed, path: str, who: str, body: Any = None, key: str = "") -> Reply:
    """A POST with a key of its own."""
    headers = {"Idempotency-Key": key or uuid.uuid4().hex}
    return await bed.ask(path, who, "POST", headers=headers, json=body or {})


async def reserve(bed: Bed, number: str = ORDINARY, who: str = "north", **more: Any) -> Reply:
    """Reserve with a good form."""
    return await post(bed, f"/v1/numbers/{number}/reserve", who, {"intent_form": FORM, **more})


async def test_the_whole_way(shop: Bed) -> None:
    """A provider and the operator, from the search to calls."""
    found = await shop.ask("/v1/numbers?pattern=*4569&special=false", "north")
    assert [each["number"] for each in found.json["numbers"]] == [ORDINARY, LONG]
    held = await reserve(shop, features=["recording"], plan="gold")
    assert (held.status, held.json["state"], held.json["provider"]) == (200, "reserved", "north")
    locked = await post(shop, f"{ONE}/lock", "north", {"customer": "acme", "contract": "C-17"})
    assert (locked.status, locked.json["customer"]) == (200, "acme")
    scan = base64.b64encode(b"a scan").decode()
    files = [
        {"kind": "licence", "reference": "licence.pdf", "content": scan},
        {"kind": "id", "reference": "archive/17", "sha256": "0" * 64},
    ]
    assert (await post(shop, f"{ONE}/submit", "north", {"material": files})).status == 200
    rejected = await post(shop, f"{ONE}/reject", "admin", {"reason": "blurred"})
    assert rejected.json["state"] == "locked"
    assert (await post(shop, f"{ONE}/submit", "north", {"material": files})).status == 200
    assert (await post(shop, f"{ONE}/approve", "admin")).json["state"] == "review"
    await shop.top_up("provider:north", "30")
    opened = await post(shop, f"{ONE}/activate", "admin", {"carrier_reference": "CT-1"}, "open")
    assert opened.json["state"] == "active"
    assert [(each["name"], each["state"], each["reason"]) for each in opened.json["opening"]] == [
        ("recording", "done", None),
        ("gold", "refused", "not_covered"),
    ]
    await shop.top_up("acme", "600")
    again = await post(shop, f"{ONE}/activate", "admin", {"carrier_reference": "CT-1"}, "open")
    assert [each["state"] for each in again.json["opening"]] == ["done"] * 2
    later = await post(shop, f"{ONE}/activate", "admin", {"carrier_reference": "CT-1"})
    assert (later.status, later.json["code"]) == (409, "state_forbids")
    page = (await shop.ask("/v1/applications", "north")).json
    [application] = page["applications"]
    assert [step["state"] for step in application["steps"]] == ["done"] * 4
    one = (await shop.ask(f"/v1/applications/{application['id']}", "north")).json
    assert [each["kept_here"] for each in one["material"]] == [True, False]
    assert (one["features"], one["plan"], one["contract"]) == (["recording"], "gold", "C-17")
    assert [each["kind"] for each in one["opening"]] == ["feature", "plan"]
    assert {each["state"] for each in application["opening"]} == {"done"}
    form = (await shop.ask(f"/v1/applications/{application['id']}/intent-form", "north")).json
    assert form["intent_form"]["company"] == FORM["company"]
    history = (await shop.ask(f"{ONE}/history", "north")).json["history"]
    assert len(history) == 7
    number = (await shop.ask(ONE, "north")).json
    assert (number["state"], number["class"], number["special"]) == ("active", "", False)


async def test_a_post_is_done_once(shop: Bed) -> None:
    """The same key again: the same answer, also when the number has moved on."""
    body = {"intent_form": FORM}
    first = await post(shop, f"{ONE}/reserve", "north", body, "k-1")
    assert (await post(shop, f"{ONE}/cancel", "north")).status == 200
    assert (await post(shop, f"{ONE}/reserve", "north", body, "k-1")).json == first.json
    other = await post(shop, f"{ONE}/reserve", "north", {**body, "plan": "gold"}, "k-1")
    assert (other.status, other.json["code"]) == (409, "idempotency_key_reused")
    bare = await shop.ask(f"{ONE}/cancel", "north", "POST", json={})
    assert (bare.status, bare.json["code"]) == (400, "idempotency_key_missing")


CHOICES = [
    ({"features": ["recordin"]}, "feature_unknown", "did you mean 'recording'?"),
    ({"features": ["hologram"]}, "feature_unknown", "from 2099-01-01 on"),
    ({"plan": "glod"}, "plan_unknown", "did you mean 'gold'?"),
]


@pytest.mark.parametrize(("choice", "code", "said"), CHOICES)
async def test_what_is_not_on_offer(
    shop: Bed, choice: dict[str, Any], code: str, said: str
) -> None:
    """It cannot be chosen, and nothing is reserved."""
    refused = await reserve(shop, **choice)
    assert (refused.status, refused.json["code"]) == (404, code)
    assert said in refused.json["detail"]
    assert (await shop.ask(ONE, "north")).json["state"] == "available"


async def test_a_form_that_is_not_real_is_refused_field_by_field(shop: Bed) -> None:
    """The detail names each, and repeats nothing of what was written."""
    form = {**FORM, "company": "测试公司", "mobile": "13800000000"}
    refused = await post(shop, f"{ONE}/reserve", "north", {"intent_form": form})
    assert (refused.status, refused.json["code"]) == (409, "intent_form_refused")
    assert {"company", "mobile"} <= set(refused.json["detail"].replace(":", " ").split())
    assert "13800000000" not in refused.text


async def test_who_may_act_for_whom(shop: Bed) -> None:
    """Itself and those below it; others look like nobody."""
    held = await reserve(shop, provider="city")
    assert held.json["provider"] == "city"
    assert (await post(shop, f"{ONE}/cancel", "north")).json["code"] == "not_the_holder"
    foreign = await post(shop, f"{ONE}/cancel", "south", {"provider": "city"})
    assert (foreign.status, foreign.json["code"]) == (404, "provider_unknown")
    assert (await post(shop, f"{ONE}/cancel", "north", {"provider": "city"})).status == 200
    nobody = await post(shop, f"/v1/numbers/{LONG}/reserve", "admin", {"intent_form": FORM})
    assert (nobody.status, "provider" in nobody.json["detail"]) == (400, True)


FORBIDDEN = [
    ("acme", "GET", "/v1/numbers"), ("acme", "GET", ONE), ("acme", "GET", "/v1/applications"),
    ("acme", "POST", f"{ONE}/reserve"), ("noc", "POST", f"{ONE}/reserve"),
    ("north", "POST", "/v1/numbers"), ("north", "POST", f"{ONE}/approve"),
    ("north", "POST", f"{ONE}/reject"), ("north", "POST", f"{ONE}/activate"),
    ("noc", "GET", "/v1/applications/1/intent-form"),
]  # fmt: skip


@pytest.mark.parametrize(("who", "method", "path"), FORBIDDEN)
async def test_what_is_forbidden(shop: Bed, who: str, method: str, path: str) -> None:
    """Customers choose no numbers, providers review nothing, the NOC reads no forms."""
    await reserve(shop)
    answer = await shop.ask(path, who, method, headers={"Idempotency-Key": "k"}, json={})
    assert (answer.status, answer.json["code"]) == (403, "forbidden")


async def test_a_violation_is_the_operators_to_say(shop: Bed) -> None:
    """A provider may stop its number for arrears or a hold, and lift that again."""
    await reserve(shop)
    await post(shop, f"{ONE}/lock", "north", {"customer": "acme"})
    files = [{"kind": "licence", "reference": "x", "sha256": "0" * 64}]
    await post(shop, f"{ONE}/submit", "north", {"material": files})
    await post(shop, f"{ONE}/approve", "admin")
    await post(shop, f"{ONE}/activate", "admin")
    assert (await post(shop, f"{ONE}/suspend", "north", {"for": "violation"})).status == 403
    assert (await post(shop, f"{ONE}/suspend", "admin", {"for": "violation"})).status == 200
    assert (await post(shop, f"{ONE}/suspend", "north", {"for": "hold"})).status == 200
    assert (await shop.ask(ONE, "north")).json["suspended_for"] == ["hold", "violation"]
    assert (await post(shop, f"{ONE}/resume", "north", {"for": "violation"})).status == 403
    assert (await post(shop, f"{ONE}/suspend", "south", {"for": "hold"})).status == 409
    assert (await post(shop, f"{ONE}/resume", "admin", {"for": "violation"})).status == 200
    assert (await post(shop, f"{ONE}/resume", "north", {"for": "hold"})).json["state"] == "active"
    assert (await post(shop, f"{ONE}/close", "north")).json["state"] == "frozen"


async def test_what_others_hold_shows_no_more_than_its_state(shop: Bed) -> None:
    """Not in a search, not in a history, not as an application."""
    await reserve(shop)
    seen = (await shop.ask(ONE, "south")).json
    assert (seen["state"], seen["provider"], seen["application"]) == ("reserved", None, None)
    assert (await shop.ask(f"{ONE}/history", "south")).json == {"history": []}
    assert (await shop.ask("/v1/applications/1", "south")).json["code"] == "application_unknown"
    assert (await shop.ask("/v1/applications?state=all", "south")).json["applications"] == []
    found = (await shop.ask("/v1/numbers?state=any", "south")).json["numbers"]
    assert [each["number"] for each in found] == [SPECIAL, LONG]


async def test_a_special_number_needs_money(shop: Bed) -> None:
    """The provider's, when it is locked."""
    await reserve(shop, SPECIAL)
    lock = await post(shop, f"/v1/numbers/{SPECIAL}/lock", "north", {"customer": "acme"})
    assert (lock.status, lock.json["code"]) == (409, "not_covered")


async def test_the_operator_fills_the_shelf(shop: Bed) -> None:
    """With ranges and single numbers, by class or not; again, none is new."""
    body = {"numbers": ["4007000000-4007000099", "4007770777"], "class": "AAA"}
    added = await post(shop, "/v1/numbers", "admin", {**body, "price": "88.00"})
    assert (added.status, added.json) == (201, {"numbers": 101, "new": 101})
    again = await post(shop, "/v1/numbers", "admin", {"numbers": ["4007770777"]})
    assert again.json == {"numbers": 1, "new": 0}
    first = (await shop.ask("/v1/numbers?class=AAA&limit=60", "admin")).json
    assert (len(first["numbers"]), first["next_after"]) == (60, first["numbers"][-1]["number"])
    rest = await shop.ask(f"/v1/numbers?class=AAA&after={first['next_after']}&limit=60", "admin")
    assert rest.json["next_after"] is None
    for wrong in (["400"], ["4000000000-4009999999"], ["4007000001-4007000000"]):
        refused = await post(shop, "/v1/numbers", "admin", {"numbers": wrong})
        assert (refused.status, refused.json["code"]) == (400, "bad_body")


WRONG = ["pattern=888", "state=gone", "special=yes", "price_max=cheap", "limit=0", "colour=red"]


@pytest.mark.parametrize("query", WRONG)
async def test_searches_that_cannot_be_used(shop: Bed, query: str) -> None:
    """Said, not ignored."""
    answer = await shop.ask(f"/v1/numbers?{query}", "admin")
    assert (answer.status, answer.json["code"]) == (400, "bad_value")


async def test_numbers_and_applications_that_are_not_there(shop: Bed) -> None:
    """404, with what is unknown."""
    for path, code in (
        ("/v1/numbers/4009999999", "number_unknown"),
        ("/v1/numbers/4009999999/history", "number_unknown"),
        ("/v1/numbers/123", "number_unknown"),
        ("/v1/applications/99", "application_unknown"),
        ("/v1/applications/x", "application_unknown"),
    ):
        answer = await shop.ask(path, "admin")
        assert (answer.status, answer.json["code"]) == (404, code)
    for query in ("state=old", "before=x", "did=12"):
        assert (await shop.ask(f"/v1/applications?{query}", "admin")).status == 400
