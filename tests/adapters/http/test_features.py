"""/v1 of features: who may do what, once, and what is shown of it."""

import uuid
from typing import Any

import pytest
from sqlalchemy import insert

from callserver.adapters.sql import schema
from callserver.adapters.sql.ledger import add_accounts
from callserver.domain.features import FeatureVersion
from callserver.domain.ledger import EntryKind
from callserver.domain.periods import Cycle
from tests.adapters.http.bed import PROVIDERS, YUAN, Bed, Reply

DID = "4001234567"
FEATURES = f"/v1/numbers/{DID}/features"


@pytest.fixture
async def shop(bed: Bed) -> Bed:
    """A number of bolt, whose provider city (below north) has 100 yuan, and a feature for 30."""

    def fill(connection: Any) -> None:
        add_accounts(connection, [f"provider:{provider.id}" for provider in PROVIDERS])
        row = {"number": DID, "customer": "bolt", "state": "active", "calls_max": 0}
        connection.execute(insert(schema.did).values(row))

    await bed.books.database.write(fill)
    await bed.books.post("provider:city", EntryKind.TOP_UP, 100 * YUAN, "t-1", "clerk", "")
    features = bed.services.office.features
    wanted = FeatureVersion("recording", "录音", Cycle.MONTH, 0, features.today(), 30 * YUAN)
    await features.add(wanted, "clerk")
    return bed


async def post(bed: Bed, path: str, who: str, body: Any = None, key: str = "") -> Reply:
    """A POST with a key of its own."""
    headers = {"Idempotency-Key": key or uuid.uuid4().hex}
    more = {} if body is None else {"json": body}
    return await bed.ask(path, who, "POST", headers=headers, **more)


async def test_a_provider_switches_a_feature_on_once(shop: Bed) -> None:
    """The same key again answers the same; the provider of the number's customer pays once."""
    body = {"feature": "recording"}
    first = await post(shop, FEATURES, "north", body, "k-1")
    assert first.status == 201
    assert (first.json["state"], first.json["provider"]) == ("active", "city")
    assert (await post(shop, FEATURES, "north", body, "k-1")).json == first.json
    other = await post(shop, FEATURES, "north", {"feature": "menu"}, "k-1")
    assert (other.status, other.json["code"]) == (409, "idempotency_key_reused")
    again = await post(shop, FEATURES, "admin", body)
    assert (again.status, again.json["code"]) == (409, "feature_active")
    page = (await shop.ask("/v1/providers/city/deductions", "north")).json
    [row] = page["deductions"]
    assert (row["fee"]["amount"], row["number"], page["next_cursor"]) == ("30.000000", DID, None)
    shown = (await shop.ask(FEATURES, "north")).json["activations"]
    assert [each["activation"] for each in shown] == [first.json["activation"]]


async def test_what_cannot_be_seen_looks_unknown(shop: Bed) -> None:
    """Another tree's numbers and providers, and numbers nobody has."""
    made = await post(shop, FEATURES, "north", {"feature": "recording"})
    activation = made.json["activation"]
    for path in (FEATURES, "/v1/numbers/4009999999/features"):
        answer = await shop.ask(path, "south")
        assert (answer.status, answer.json["code"]) == (404, "number_unknown")
    answer = await shop.ask("/v1/providers/city/deductions", "south")
    assert (answer.status, answer.json["code"]) == (404, "provider_unknown")
    answer = await post(shop, f"{FEATURES}/{activation}/deactivate", "south")
    assert (answer.status, answer.json["code"]) == (404, "activation_unknown")
    answer = await shop.ask("/v1/providers/north/deductions/1", "north")
    assert (answer.status, answer.json["code"]) == (404, "deduction_unknown")
    assert (await shop.ask("/v1/reconciliation", "south")).json["providers"] == []


async def test_who_may_not(shop: Bed) -> None:
    """Customers and the NOC switch nothing; only an admin gives money back or sets fees."""
    body = {"feature": "recording"}
    await post(shop, FEATURES, "north", body)
    for who, path, sent in (
        ("noc", FEATURES, body),
        ("acme", FEATURES, body),
        ("north", f"{FEATURES}/1/fail", {"reason": "no"}),
        ("north", "/v1/features", {"feature": "x", "cycle": "once", "fee": "1"}),
    ):
        answer = await post(shop, path, who, sent)
        assert (answer.status, answer.json["code"]) == (403, "forbidden"), path
    for path in ("/v1/features", "/v1/reconciliation"):
        assert (await shop.ask(path, "acme")).status == 403


async def test_without_funds(shop: Bed) -> None:
    """409 with what it costs and what there is."""
    await shop.books.post("provider:city", EntryKind.ADJUSTMENT, -80 * YUAN, "a-1", "clerk", "")
    answer = await post(shop, FEATURES, "north", {"feature": "recording"})
    assert (answer.status, answer.json["code"]) == (409, "not_covered")
    assert "30.00" in answer.json["detail"]
    assert "20.00" in answer.json["detail"]


async def test_a_failure_and_a_dispute(shop: Bed) -> None:
    """A reversal beside the deduction; notes in order; the day still agrees."""
    await post(shop, FEATURES, "north", {"feature": "recording"})
    failed = await post(shop, f"{FEATURES}/1/fail", "admin", {"reason": "switch refused"})
    assert (failed.status, failed.json["state"]) == (200, "failed")
    path = "/v1/providers/city/deductions/1"
    said = await post(shop, f"{path}/notes", "north", {"text": "never worked"})
    assert (said.status, said.json["step"]) == (201, "opened")
    await post(shop, f"{path}/notes", "admin", {"text": "given back", "resolves": True})
    shown = (await shop.ask(path, "north")).json
    assert shown["deduction"]["dispute"] == "resolved"
    assert [note["step"] for note in shown["notes"]] == ["opened", "resolved"]
    found = (await shop.ask("/v1/reconciliation", "north")).json
    assert (found["agrees"], found["providers"][0]["deductions"]) == (True, 2)
    again = await post(shop, f"{path}/notes", "admin", {"text": "x", "resolves": True})
    assert again.json["code"] == "dispute_not_open"


async def test_the_catalogue(shop: Bed) -> None:
    """An admin adds a feature; everybody who pays for one sees what it costs."""
    body = {"feature": "menu", "name": "导航", "cycle": "year", "fee": "300.00"}
    made = await post(shop, "/v1/features", "admin", body)
    assert (made.status, made.json["fee"]["amount"]) == (201, "300.000000")
    clash = await post(shop, "/v1/features", "admin", {**body, "fee": "301"})
    assert clash.json["code"] == "version_exists"
    listed = (await shop.ask("/v1/features", "south")).json["features"]
    assert [each["feature"] for each in listed] == ["menu", "recording"]


async def test_wrong_values(shop: Bed) -> None:
    """Days, numbers and ids are checked before anything is done."""
    for path in (
        f"{FEATURES}?ended=yes",
        "/v1/providers/city/deductions?from=21.11.2026",
        "/v1/providers/city/deductions?cursor=x",
        "/v1/providers/city/deductions/x",
        "/v1/reconciliation?day=today",
        "/v1/numbers/123/features",
    ):
        answer = await shop.ask(path, "admin")
        assert (answer.status, answer.json["code"]) == (400, "bad_value"), path


async def test_deductions_come_in_pages(shop: Bed) -> None:
    """Each once, the newest first."""
    for key in ("1", "2", "3"):
        made = await post(shop, FEATURES, "north", {"feature": "recording"}, key)
        await post(shop, f"{FEATURES}/{made.json['activation']}/deactivate", "north")
    path, seen = "/v1/providers/city/deductions?limit=2", []
    page = (await shop.ask(path, "north")).json
    seen += [row["deduction"] for row in page["deductions"]]
    page = (await shop.ask(f"{path}&cursor={page['next_cursor']}", "north")).json
    seen += [row["deduction"] for row in page["deductions"]]
    assert (seen, page["next_cursor"]) == ([3, 2, 1], None)


async def test_a_day_at_the_end_of_the_calendar_is_refused(shop: Bed) -> None:
    """There is no day after it, and so no end of it."""
    found = await shop.ask("/v1/reconciliation?day=9999-12-31", "north")
    assert (found.status, found.json["code"]) == (400, "bad_value")
