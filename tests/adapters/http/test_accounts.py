"""Balances and top-ups over HTTP."""

import asyncio

import pytest

from callserver.adapters.http import models
from callserver.domain.identity import shard_of
from callserver.domain.ledger import EntryKind
from tests.adapters.http.bed import YUAN, Bed

BALANCE = "/v1/accounts/acme/balance"


async def test_a_balance_shows_what_is_settled_held_running_and_available(bed: Bed) -> None:
    """available = settled − held; the running fee of a live call is inside held."""
    await bed.top_up("acme", "10.00")
    _, token = await bed.ring()
    await bed.answer("acme", token, before_us=61_000_000)
    reply = await bed.ask(BALANCE, "acme")
    shown = models.Balance.model_validate(reply.json)
    assert (shown.settled.amount, shown.held.amount) == ("10.000000", "0.750000")
    assert (shown.running.amount, shown.available.amount) == ("0.300000", "9.250000")
    assert (shown.live_calls, shown.live, shown.account) == (1, True, "acme")
    assert abs(shown.as_of.timestamp() - bed.clock.now_us() / 1e6) < 60


async def test_a_top_up_is_in_the_balance_at_once_and_in_the_ledger(bed: Bed) -> None:
    """The answer shows the entry; who posted it stands in it."""
    reply = await bed.top_up("acme", "12.5", "key-1", reason="三月")
    entry = models.Entry.model_validate(reply.json)
    assert reply.status == 201
    assert (entry.amount.amount, entry.seq, entry.kind) == ("12.500000", 1, "top_up")
    assert (entry.idempotency_key, entry.reason, entry.actor) == (
        "key-1",
        "三月",
        "token:1:admin's",
    )
    balance = await bed.ask(BALANCE)
    assert balance.json["available"] == {"amount": "12.500000", "currency": "CNY"}
    assert (await bed.books.account_sums(["acme"]))["acme"].settled_micros == 12_500_000


async def test_the_same_key_again_moves_no_money(bed: Bed) -> None:
    """Retries, also at once, get the first answer."""
    replies = await asyncio.gather(*(bed.top_up("acme", "5.00", "again") for _ in range(8)))
    assert {reply.status for reply in replies} == {201}
    assert len({reply.text for reply in replies}) == 1
    assert (await bed.ask(BALANCE)).json["settled"]["amount"] == "5.000000"


async def test_the_same_key_for_something_else_is_a_conflict(bed: Bed) -> None:
    """Another amount or reason under a used key is refused and moves nothing."""
    await bed.top_up("acme", "5.00", "k")
    for amount, reason in (("6.00", ""), ("5.00", "other")):
        reply = await bed.top_up("acme", amount, "k", reason=reason)
        assert (reply.status, reply.json["code"]) == (409, "idempotency_key_reused")
    assert (await bed.ask(BALANCE)).json["settled"]["amount"] == "5.000000"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "JSON"),
        (b"[]", "object"),
        (b"{}", "string"),
        (b'{"amount": 5}', "string"),
        (b'{"amount": "5e3"}', "12.50"),
        (b'{"amount": "0"}', "more than 0"),
        (b'{"amount": "-1"}', "more than 0"),
        (b'{"amount": "100000000.01"}', "at most"),
        (b'{"amount": "5", "currency": "USD"}', "CNY"),
        (b'{"amount": "5", "reson": "x"}', "reson"),
        (b'{"amount": "5", "reason": 5}', "reason"),
        (b'{"amount": "5", "reason": "a\\nb"}', "one line"),
        (b'{"amount": "5", "reason": "' + b"x" * 201 + b'"}', "200"),
        (b"\xff\xfe", "UTF-8"),
    ],
)
async def test_a_body_that_cannot_be_used_is_said_why(bed: Bed, body: bytes, says: str) -> None:
    """Every refusal is a problem with a stable code and what to do."""
    reply = await bed.ask(
        "/v1/accounts/acme/topups", method="POST", data=body, headers={"Idempotency-Key": "k"}
    )
    assert (reply.status, reply.json["code"]) == (400, "bad_body")
    assert says in reply.json["detail"]
    models.Problem.model_validate(reply.json)


async def test_a_top_up_needs_a_key(bed: Bed) -> None:
    """Without one, a retry could pay twice."""
    path = "/v1/accounts/acme/topups"
    reply = await bed.ask(path, method="POST", json={"amount": "1"})
    assert (reply.status, reply.json["code"]) == (400, "idempotency_key_missing")
    reply = await bed.ask(
        path, method="POST", json={"amount": "1"}, headers={"Idempotency-Key": "a b"}
    )
    assert (reply.status, reply.json["code"]) == (400, "bad_value")


async def test_accounts_that_do_not_exist_are_not_found(bed: Bed) -> None:
    """For admin too, and whatever the path holds."""
    for account in ("nobody", "provider:north", "ACME", "a%20b", "x" * 200):
        reply = await bed.ask(f"/v1/accounts/{account}/balance")
        assert (reply.status, reply.json["code"]) == (404, "account_unknown")
    assert (await bed.top_up("nobody", "1.00")).status == 404


async def test_money_put_in_by_another_process_is_loaded_with_the_account(bed: Bed) -> None:
    """An account that Redis lacks is read from SQL."""
    await bed.link.query("DEL", f"{{cs:{shard_of('cork'):02d}}}:acct:cork")
    await bed.books.post("cork", EntryKind.TOP_UP, 3 * YUAN, "cli-1", "cli", "")
    reply = await bed.ask("/v1/accounts/cork/balance", "cork")
    assert reply.json["available"]["amount"] == "3.000000"


async def test_the_quick_way_to_a_balance_is_no_other_way(bed: Bed) -> None:
    """GET passes the router by; other methods and paths meet it as ever."""
    assert (await bed.ask(BALANCE, method="HEAD")).status == 200
    assert (await bed.ask(BALANCE, method="DELETE")).json["code"] == "method_not_allowed"
    assert (await bed.ask(BALANCE + "?now=1")).json["code"] == "bad_value"
    assert (await bed.ask("/v1/accounts/a/b/balance")).json["code"] == "route_unknown"
    assert (await bed.ask("/v1/accounts/balance")).json["code"] == "route_unknown"
    assert (await bed.ask("/v1/accounts//balance")).status == 404
    assert (await bed.ask(BALANCE, None)).json["code"] == "unauthenticated"
