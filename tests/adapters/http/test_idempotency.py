"""Idempotency-Key: a retry is known, and another request under the same key refused."""

import asyncio
import json
from functools import partial
from pathlib import Path

from callserver.adapters.redis.client import RedisLink
from callserver.adapters.sql.books import open_books
from callserver.adapters.sql.idempotency import SqlKeys
from callserver.adapters.sql.ledger import add_accounts
from callserver.domain.ledger import EntryKind
from callserver.service.clocks import SystemClock
from tests.adapters.http.bed import YUAN, Bed, open_bed

TOP_UPS = "/v1/accounts/acme/topups"


async def post(bed: Bed, key: str, body: bytes, path: str = TOP_UPS, who: str = "admin") -> int:
    """The status of a POST of these very bytes."""
    reply = await bed.ask(path, who, "POST", data=body, headers={"Idempotency-Key": key})
    if reply.status == 409:
        assert reply.json["code"] == "idempotency_key_reused"
    return reply.status


async def settled(bed: Bed, account: str = "acme") -> int:
    """What SQL has."""
    return (await bed.books.account_sums([account]))[account].settled_micros


async def test_spaces_and_order_of_a_body_do_not_count(bed: Bed) -> None:
    """A client that writes its JSON anew retries all the same."""
    assert await post(bed, "k", b'{"amount": "5", "reason": "a"}') == 201
    assert await post(bed, "k", b'{"reason":"a","amount":"5"}') == 201
    assert await settled(bed) == 5_000_000


async def test_another_path_under_the_same_key_is_a_conflict(bed: Bed) -> None:
    """A key stands for one request: method, path and body."""
    assert await post(bed, "k", b'{"amount": "5"}') == 201
    assert await post(bed, "k", b'{"amount": "5"}', "/v1/accounts/bolt/topups") == 409
    assert await settled(bed, "bolt") == 0


async def test_a_request_that_cannot_be_read_uses_up_no_key(bed: Bed) -> None:
    """Whoever mistyped a body corrects it under the same key."""
    assert await post(bed, "k", b'{"amount": "five"}') == 400
    assert await post(bed, "k", b'{"amount": "5"}') == 201


async def test_keys_of_different_bearers_do_not_meet(bed: Bed) -> None:
    """What another's back end calls its operations is nobody's business."""
    assert await post(bed, "k", b'{"amount": "5"}') == 201
    for provider, customer in (("north", "acme"), ("south", "cork")):
        account = f"provider:{provider}"
        await bed.books.database.write(partial(add_accounts, accounts=[account]))
        await bed.books.post(account, EntryKind.TOP_UP, 9 * YUAN, f"t-{provider}", "test", "")
        asked = {"provider": provider, "customer": customer, "amount": "7", "reason": "why"}
        body = json.dumps(asked).encode()
        assert await post(bed, "k", body, "/v1/transfers", provider) == 201
    assert (await settled(bed), await settled(bed, "cork")) == (12 * YUAN, 7 * YUAN)


async def test_a_key_is_known_after_a_restart(tmp_path: Path, link: RedisLink) -> None:
    """It is kept in SQL with what it stood for."""
    async with open_bed(tmp_path, link) as bed:
        assert await post(bed, "k", b'{"amount": "5"}') == 201
        async with open_books(bed.database, SystemClock()) as again:
            keys = SqlKeys(again.database, SystemClock())
            assert not await keys.claim_key("admin:", "k", "another digest")
        assert await post(bed, "k", b'{"amount": "6"}') == 409
        assert await post(bed, "k", b'{"amount": "5"}') == 201
        assert await settled(bed) == 5_000_000


async def test_of_different_requests_at_once_under_one_key_one_is_done(bed: Bed) -> None:
    """The first one that SQL sees; all others are conflicts."""
    bodies = [f'{{"amount": "{yuan}"}}'.encode() for yuan in range(1, 21)]
    statuses = await asyncio.gather(*(post(bed, "k", body) for body in bodies))
    assert sorted(statuses) == [201, *[409] * 19]
    assert await settled(bed) == (statuses.index(201) + 1) * 1_000_000
