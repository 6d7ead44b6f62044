"""Entries, statements and events over HTTP; money moved by hand."""

import asyncio
import csv
import io
import uuid
from typing import Any

import pytest

from callserver.adapters.http import ledger_models as models
from callserver.adapters.http.ledger import ENTRIES_MAX
from callserver.adapters.sql.ledger import add_accounts
from callserver.domain.ledger import EntryKind
from tests.adapters.http.bed import YUAN, Bed, Reply

ADJUSTMENTS = "/v1/accounts/acme/adjustments"
REVERSALS = "/v1/accounts/acme/reversals"
ENTRIES = "/v1/accounts/acme/entries"
STATEMENT = "/v1/accounts/acme/statement"


async def post(bed: Bed, path: str, who: str = "admin", key: str = "", **body: Any) -> Reply:
    """A POST with a reason and a key."""
    headers = {"Idempotency-Key": key or uuid.uuid4().hex}
    return await bed.ask(path, who, "POST", json={"reason": "why", **body}, headers=headers)


async def settled(bed: Bed, account: str = "acme") -> int:
    """Micros in SQL."""
    return (await bed.books.account_sums([account]))[account].settled_micros


@pytest.fixture
async def funded(bed: Bed) -> Bed:
    """acme has 10 yuan, provider north 100."""
    await bed.books.database.write(lambda connection: add_accounts(connection, ["provider:north"]))
    await bed.books.post("provider:north", EntryKind.TOP_UP, 100 * YUAN, "n", "test", "")
    await bed.top_up("acme", "10.00", reason="bank")
    return bed


async def test_an_adjustment_is_in_the_balance_at_once(funded: Bed) -> None:
    """Money and minutes, with who and why."""
    reply = await post(funded, ADJUSTMENTS, amount="-2.5", minutes=30)
    entry = models.LedgerEntry.model_validate(reply.json)
    assert (reply.status, entry.amount.amount, entry.minutes) == (201, "-2.500000", 30)
    assert (entry.kind, entry.reason, entry.actor) == ("adjustment", "why", "token:1:admin's")
    balance = (await funded.ask("/v1/accounts/acme/balance")).json
    assert balance["available"]["amount"] == "7.500000"


async def test_of_many_identical_requests_one_moves_money(funded: Bed) -> None:
    """Retries, also at once, get the first answer."""
    asked = (post(funded, ADJUSTMENTS, key="k", amount="1") for _ in range(10))
    replies = await asyncio.gather(*asked)
    assert {reply.text for reply in replies} == {replies[0].text}
    assert await settled(funded) == 11 * YUAN
    other = await post(funded, ADJUSTMENTS, key="k", amount="2")
    assert (other.status, other.json["code"]) == (409, "idempotency_key_reused")


async def test_below_the_limit_only_an_admin_and_by_force(funded: Bed) -> None:
    """The reason is stable: below_limit."""
    reply = await post(funded, ADJUSTMENTS, amount="-11")
    assert (reply.status, reply.json["code"]) == (409, "below_limit")
    reply = await post(funded, REVERSALS, "north", entry=1, force=True)
    assert (reply.status, reply.json["code"]) == (403, "forbidden")
    reply = await post(funded, ADJUSTMENTS, amount="-11", force=True)
    assert (reply.status, reply.json["forced"]) == (201, True)
    assert await settled(funded) == -YUAN


async def test_an_entry_is_reversed_once(funded: Bed) -> None:
    """A second reversal, and an entry that is not there, are said so."""
    entry = (await post(funded, ADJUSTMENTS, amount="5")).json["id"]
    reply = await post(funded, REVERSALS, entry=entry)
    assert reply.status == 201
    (back,) = models.Reversed.model_validate(reply.json).entries
    assert (back.amount.amount, back.reverses, back.kind) == ("-5.000000", entry, "reversal")
    for asked, code, status in (
        (entry, "already_reversed", 409),
        (back.id, "entry_not_reversible", 409),
        (10**6, "entry_unknown", 404),
    ):
        reply = await post(funded, REVERSALS, entry=asked)
        assert (reply.status, reply.json["code"]) == (status, code)
    assert await settled(funded) == 10 * YUAN


async def test_a_provider_creates_no_money(funded: Bed) -> None:
    """Neither puts it in, nor adjusts, nor takes back what an admin posted: it may transfer."""
    taken = (await post(funded, ADJUSTMENTS, amount="-5")).json["id"]
    put_in = (await funded.ask(ENTRIES + "?kind=top_up")).json["entries"][0]["id"]
    for path, body in (
        ("/v1/accounts/acme/topups", {"amount": "1"}),
        (ADJUSTMENTS, {"amount": "1"}),
        (ADJUSTMENTS, {"amount": "-1"}),
        (ADJUSTMENTS, {"amount": "0", "minutes": 1}),
        (REVERSALS, {"entry": taken}),
        (REVERSALS, {"entry": put_in}),
    ):
        reply = await post(funded, path, "north", **body)
        assert (reply.status, reply.json["code"]) == (403, "forbidden")
        assert "POST /v1/transfers" in reply.json["detail"]
    assert await settled(funded) == 5 * YUAN


async def test_a_provider_takes_its_own_transfer_back(funded: Bed) -> None:
    """Both its entries: no money comes of it, and none is lost."""
    asked = {"provider": "north", "customer": "acme", "amount": "7"}
    credit = (await post(funded, "/v1/transfers", "north", **asked)).json["credit"]["id"]
    assert (await post(funded, REVERSALS, "north", entry=credit)).status == 201
    assert await settled(funded) == 10 * YUAN
    assert await settled(funded, "provider:north") == 100 * YUAN


async def test_a_provider_does_not_take_back_what_the_house_charged(funded: Bed) -> None:
    """A shortfall or a fee is an admin's to reverse."""
    entry = await funded.books.post("acme", EntryKind.SHORTFALL, -YUAN, "s", "months", "")
    assert (await post(funded, REVERSALS, "north", entry=entry.id)).status == 403
    assert (await post(funded, REVERSALS, entry=entry.id)).status == 201


async def test_a_provider_moves_its_credit_to_its_customer(funded: Bed) -> None:
    """Both entries in the answer; more than it has is refused."""
    asked = {"provider": "north", "customer": "bolt"}
    reply = await post(funded, "/v1/transfers", "north", **asked, amount="60")
    moved = models.Transferred.model_validate(reply.json)
    assert (moved.debit.amount.amount, moved.credit.amount.amount) == ("-60.000000", "60.000000")
    assert (await funded.ask("/v1/accounts/bolt/balance")).json["available"]["amount"] == (
        "60.000000"
    )
    reply = await post(funded, "/v1/transfers", "north", **asked, amount="41")
    assert (reply.status, reply.json["code"]) == (409, "not_covered")
    assert await settled(funded, "provider:north") == 40 * YUAN


@pytest.mark.parametrize(
    ("who", "provider", "customer", "status", "code"),
    [
        ("south", "north", "acme", 404, "provider_unknown"),
        ("north", "north", "cork", 404, "customer_unknown"),
        ("admin", "north", "cork", 409, "customer_of_another_provider"),
        ("acme", "north", "acme", 404, "provider_unknown"),
        ("noc", "north", "acme", 403, "forbidden"),
    ],
)
async def test_a_transfer_stays_within_ones_own_tree(
    funded: Bed, who: str, provider: str, customer: str, status: int, code: str
) -> None:
    """What a bearer may not see looks like what does not exist."""
    asked = {"provider": provider, "customer": customer, "amount": "1"}
    reply = await post(funded, "/v1/transfers", who, **asked)
    assert (reply.status, reply.json["code"]) == (status, code)


async def test_only_an_admin_adjusts(funded: Bed) -> None:
    """Customers and the NOC look; a provider's own account is an admin's to adjust."""
    for who, status in (("acme", 403), ("noc", 403), ("south", 404), ("cork", 404)):
        for path, body in ((ADJUSTMENTS, {"amount": "1"}), (REVERSALS, {"entry": 1})):
            assert (await post(funded, path, who, **body)).status == status
    path = "/v1/accounts/provider:north/adjustments"
    assert (await post(funded, path, "north", amount="1")).status == 403
    assert (await post(funded, path, "admin", amount="1")).status == 201


async def test_entries_are_listed_in_pages_by_kind_and_time(funded: Bed) -> None:
    """The newest first; a customer sees no actors."""
    for amount in ("1", "2", "3"):
        await post(funded, ADJUSTMENTS, amount=amount)
    first = models.LedgerPage.model_validate((await funded.ask(ENTRIES + "?limit=3")).json)
    assert [entry.amount.amount[0] for entry in first.entries] == ["3", "2", "1"]
    rest = (await funded.ask(f"{ENTRIES}?limit=3&cursor={first.next_cursor}", "acme")).json
    assert [(e["kind"], e["actor"]) for e in rest["entries"]] == [("top_up", None)]
    assert rest["next_cursor"] is None
    adjusted = (await funded.ask(ENTRIES + "?kind=adjustment&from=2026-01-01T00:00:00Z")).json
    assert len(adjusted["entries"]) == 3
    one = (await funded.ask(f"{ENTRIES}/{first.entries[0].id}")).json
    assert one == (await funded.ask(ENTRIES + "?limit=1")).json["entries"][0]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (ENTRIES + "?kind=call_", 400, "bad_value"),
        (ENTRIES + "?cursor=x", 400, "bad_value"),
        (ENTRIES + "/x", 404, "entry_unknown"),
        (ENTRIES + "/999", 404, "entry_unknown"),
        (STATEMENT + "?month=2026-13", 400, "bad_value"),
        (STATEMENT + "?month=2026-01&from=2026-01-01T00:00:00Z", 400, "bad_value"),
        (STATEMENT + "?from=2126-01-01T00:00:00Z", 400, "bad_value"),
        (STATEMENT + "?format=xml", 400, "bad_value"),
        ("/v1/accounts/acme/events?cursor=x", 400, "bad_value"),
        ("/v1/accounts/nobody/entries", 404, "account_unknown"),
        ("/v1/accounts/nobody/statement", 404, "account_unknown"),
        ("/v1/accounts/nobody/events", 404, "account_unknown"),
        ("/v1/accounts/nobody/threshold", 404, "account_unknown"),
    ],
)
async def test_a_question_that_cannot_be_answered_is_a_problem(
    funded: Bed, path: str, status: int, code: str
) -> None:
    """With a stable code."""
    reply = await funded.ask(path)
    assert (reply.status, reply.json["code"]) == (status, code)


async def test_a_statement_adds_up(funded: Bed) -> None:
    """By default the running month up to now; with or without its entries."""
    await post(funded, ADJUSTMENTS, amount="-2.5", minutes=30)
    shown = models.AccountStatement.model_validate((await funded.ask(STATEMENT, "acme")).json)
    assert (shown.opening.amount.amount, shown.closing.amount.amount) == ("0.000000", "7.500000")
    assert (shown.closing.minutes, len(shown.entries or ())) == (30, 2)
    assert [(line.kind, line.count) for line in shown.movements] == [
        ("top_up", 1),
        ("adjustment", 1),
    ]
    before = (await funded.ask(STATEMENT + "?month=2020-01&entries=false")).json
    assert (before["movements"], before["entries"]) == ([], None)
    assert before["closing"]["amount"]["amount"] == "0.000000"


async def test_a_statement_as_csv(funded: Bed) -> None:
    """By ?format= or Accept; each row has the balance after it, and no cell is a formula."""
    await post(funded, ADJUSTMENTS, amount="-2.5", reason="=1+1")
    for path, headers in ((STATEMENT + "?format=csv", {}), (STATEMENT, {"Accept": "text/csv"})):
        reply = await funded.ask(path, headers=headers)
        assert reply.headers["Content-Type"] == "text/csv; charset=utf-8"
        rows = list(csv.DictReader(io.StringIO(reply.text)))
        assert [(row["row"], row["balance"]) for row in rows] == [
            ("opening", "0.000000"),
            ("entry", "10.000000"),
            ("entry", "7.500000"),
            ("closing", "7.500000"),
        ]
        assert rows[2]["reason"] == "'=1+1"


async def test_a_statement_that_is_too_long_is_refused_not_cut(funded: Bed) -> None:
    """A cut one would not add up."""
    many = (
        "INSERT INTO ledger_entry (account, kind, amount_micros, operation_id, actor, reason,"
        " created_ms) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
        " SELECT 'acme', 'call', -1, 'call:' || i, 'meter', '', ? FROM n"
    )
    now_ms = funded.clock.now_us() // 1000
    await funded.books.database.write(
        lambda connection: connection.exec_driver_sql(many, (ENTRIES_MAX, now_ms))
    )
    reply = await funded.ask(STATEMENT)
    assert (reply.status, reply.json["code"]) == (409, "statement_too_long")
    shown = (await funded.ask(STATEMENT + "?entries=false")).json
    assert shown["movements"][1]["count"] == ENTRIES_MAX


async def test_events_and_thresholds(funded: Bed) -> None:
    """An account that falls below its threshold tells it, to those who may see the account."""
    path = "/v1/accounts/acme/threshold"
    for _ in range(2):
        reply = await funded.ask(path, "north", "PUT", json={"low_balance": "8"})
        assert reply.json["low_balance"]["amount"] == "8.000000"
    assert (await funded.ask(path, "acme", "PUT", json={"low_balance": "0"})).status == 403
    await post(funded, ADJUSTMENTS, amount="-3")
    await post(funded, ADJUSTMENTS, amount="-7")
    events = "/v1/accounts/acme/events"
    page = models.AccountEventPage.model_validate((await funded.ask(events + "?limit=1")).json)
    assert [event.event for event in page.events] == ["zero_balance"]
    rest = (await funded.ask(f"{events}?cursor={page.next_cursor}", "acme")).json
    assert [event["event"] for event in rest["events"]] == ["low_balance"]
    reply = await funded.ask(path, "north", "PUT", json={"low_balance": None})
    assert reply.json == {
        "account": "acme",
        "low_balance": {"amount": "0.000000", "currency": "CNY"},
        "own": False,
    }
