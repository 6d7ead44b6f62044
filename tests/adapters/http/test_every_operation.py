"""What holds for every operation of the API, whichever area it is of.

A new operation is in here by itself; a new POST asks for a body in BODIES, a new part of a path
for something that exists in PARTS.
"""

import re
from typing import Any

import pytest

from callserver.adapters.http.openapi import OPERATIONS
from callserver.adapters.http.operation import IDEMPOTENCY_KEY, Operation
from callserver.domain.business import Provider
from callserver.domain.features import FeatureVersion
from callserver.domain.ledger import EntryKind
from callserver.domain.periods import Cycle
from tests.adapters.http.bed import YUAN, Bed, Reply
from tests.adapters.sql.samples import cdr, changes

DID = "4001234567"
FORM = {
    "company": "杭州西溪茶业有限公司",
    "credit_code": "91350100M000100Y43",
    "contact": "陈建国",
    "mobile": "13588826633",
    "address": "杭州市西湖区文三路 90 号",
    "purpose": "茶叶订购热线",
    "industry": "食品零售",
}
BODIES: dict[str, Any] = {
    "/v1/accounts/{account}/topups": {"amount": "1.00"},
    "/v1/accounts/{account}/adjustments": {"amount": "1.00", "reason": "goodwill"},
    "/v1/accounts/{account}/reversals": {"entry": 2, "reason": "mistaken"},
    "/v1/transfers": {
        "provider": "north", "customer": "acme", "amount": "1.00", "reason": "credit"
    },
    "/v1/features": {"feature": "menu", "cycle": "month", "fee": "1.00"},
    "/v1/numbers/{did}/features": {"feature": "recording"},
    "/v1/numbers/{did}/features/{activation}/deactivate": None,
    "/v1/numbers/{did}/features/{activation}/fail": {"reason": "never worked"},
    "/v1/providers/{provider}/deductions/{deduction}/notes": {"text": "why?"},
    "/v1/plans": {"plan": "gold", "annual_fee": "1000.00"},
    "/v1/customers/{customer}/plan": {"plan": "gold"},
    "/v1/customers/{customer}/plan/renew": {},
    "/v1/customers/{customer}/plan/cancel": {},
    "/v1/cdrs/{call_id}/dispute": {"note": "never rang"},
    "/v1/cdrs/{call_id}/dispute/close": None,
    "/v1/numbers/{did}/minimum": {"amount": "50.00", "confirmed": True},
    "/v1/months/{month}/close": None,
    "/v1/months/{month}/correct": None,
    "/v1/numbers": {"numbers": ["4008000001"]},
    "/v1/numbers/{did}/reserve": {"intent_form": FORM},
    "/v1/numbers/{did}/cancel": {},
    "/v1/numbers/{did}/lock": {"customer": "acme"},
    "/v1/numbers/{did}/drop": {},
    "/v1/numbers/{did}/submit": {"material": [{"kind": "license", "reference": "file-1"}]},
    "/v1/numbers/{did}/approve": {},
    "/v1/numbers/{did}/reject": {"reason": "unreadable"},
    "/v1/numbers/{did}/activate": {},
    "/v1/numbers/{did}/suspend": {"for": "hold"},
    "/v1/numbers/{did}/resume": {"for": "hold"},
    "/v1/numbers/{did}/close": {},
    "/v1/accounts/{account}/threshold": {"low": "10.00"},
}  # fmt: skip
PARTS = {
    "account": "acme", "provider": "north", "customer": "acme", "did": DID, "entry": "1",
    "activation": "1", "deduction": "1", "application": "1", "month": "2026-09",
    "tariff": "standard",
}  # fmt: skip
POSTS = [each for each in OPERATIONS if each.method == "post"]
# A bearer sees of these only what concerns it, or what concerns nobody in particular.
UNOWNED = {"/v1/tariffs/{tariff}", "/v1/months/{month}"}
# The shelf of numbers is everybody's to look at: which are free and which are not, never whose.
SHELF = "/v1/numbers"
NAMES = re.compile(r'"(?:acme|bolt|north|city)"|艾克米|北方')


@pytest.fixture
async def world(bed: Bed) -> Bed:
    """acme of north has a number with a feature on, a call and an application; money all round."""
    rows = changes(providers=(Provider("north", "北方"),), customers=())
    assert await bed.books.apply_import(rows, "test")
    await bed.books.post("provider:north", EntryKind.TOP_UP, 100 * YUAN, "t-1", "test", "")
    await bed.books.post("acme", EntryKind.TOP_UP, 100 * YUAN, "t-2", "test", "")
    features = bed.services.office.features
    fee = FeatureVersion("recording", "录音", Cycle.MONTH, 0, features.today(), YUAN)
    await features.add(fee, "test")
    await features.activate(DID, "recording", "f-1", "test")
    return bed


async def filled(bed: Bed) -> dict[str, str]:
    """Parts of paths that exist, a finished call of acme's among them."""
    call = cdr()
    await bed.books.write_cdrs([call])
    return {**PARTS, "call_id": call.call_id}


async def send(
    bed: Bed, operation: Operation, parts: dict[str, str], who: str | None, **headers: str
) -> Reply:
    """The operation on what exists, with a good body."""
    body = BODIES[operation.path] if operation.method in {"post", "put"} else None
    more = {} if body is None else {"json": body}
    return await bed.ask(
        operation.path.format(**parts), who, operation.method.upper(), headers=headers, **more
    )


def test_every_post_takes_a_key_and_says_so() -> None:
    """In the document, with the answer for a key that was used for something else."""
    assert [o.path for o in POSTS if IDEMPOTENCY_KEY not in o.parameters] == []
    assert [o.path for o in POSTS if 409 not in o.errors] == []
    assert [o.path for o in POSTS if o.path not in BODIES] == []


async def test_no_post_is_done_without_a_key(world: Bed) -> None:
    """400, whatever it would do; money and numbers stay as they are."""
    parts = await filled(world)
    before = await world.books.account_sums()
    found = {}
    for operation in POSTS:
        reply = await send(world, operation, parts, "admin")
        found[operation.path] = (reply.status, reply.json["code"])
    assert found == dict.fromkeys(found, (400, "idempotency_key_missing"))
    assert await world.books.account_sums() == before


async def test_no_key_stands_for_two_requests(world: Bed) -> None:
    """A key that came with another request: 409, and nothing is done."""
    parts = await filled(world)
    assert (await world.top_up("cork", "1.00", "used")).status == 201
    before = await world.books.account_sums()
    found = {}
    for operation in POSTS:
        reply = await send(world, operation, parts, "admin", **{"Idempotency-Key": "used"})
        found[operation.path] = (reply.status, reply.json["code"])
    assert found == dict.fromkeys(found, (409, "idempotency_key_reused"))
    assert await world.books.account_sums() == before


async def test_a_repeated_post_is_done_once(world: Bed) -> None:
    """The same key with the same body: no further money moves, and no fault comes of it."""
    parts = await filled(world)
    differing = {}
    for operation in POSTS:
        key = {"Idempotency-Key": f"key-{operation.path}".translate(str.maketrans("{}", "--"))}
        first = await send(world, operation, parts, "admin", **key)
        moved = await world.books.account_sums()
        again = await send(world, operation, parts, "admin", **key)
        assert first.status < 500, (operation.path, first.text)
        if again.status != first.status and not (first.status < 300 and again.status < 300):
            differing[operation.path] = (first.status, again.status, again.text)
        assert await world.books.account_sums() == moved, operation.path
    assert differing == {}


@pytest.mark.parametrize("who", ["south", "cork"])
async def test_nobody_reaches_into_another_tree(world: Bed, who: str) -> None:
    """A foreign provider's or customer's token: no answer, no change, and no name of theirs."""
    parts = await filled(world)
    before = await world.books.account_sums()
    catalogue = await world.books.load_catalogue()
    reached = {}
    for number, operation in enumerate(OPERATIONS):
        if operation.public or operation.path in UNOWNED:
            continue
        reply = await send(world, operation, parts, who, **{"Idempotency-Key": f"k{number}"})
        refused = {403, 404, 409} if operation.path.startswith(SHELF) else {403, 404}
        owned = "{" in operation.path or operation.path == "/v1/transfers"
        looks = operation.method == "get" and operation.path.startswith(SHELF)
        if reply.status >= 500 or (owned and not looks and reply.status not in refused):
            reached[operation.path] = (operation.method, reply.status, reply.text)
        elif shown := NAMES.search(reply.text):
            reached[operation.path] = (operation.method, reply.status, shown[0])
        elif DID in reply.text and not operation.path.startswith(SHELF):
            reached[operation.path] = (operation.method, reply.status, DID)
    assert reached == {}
    assert await world.books.account_sums() == before
    assert await world.books.load_catalogue() == catalogue


async def test_only_bearers_are_answered(bed: Bed) -> None:
    """401 for every operation that is not public."""
    parts = {**PARTS, "call_id": "07-" + "0" * 32}
    statuses = {
        operation.path: (await send(bed, operation, parts, None)).status
        for operation in OPERATIONS
        if not operation.public
    }
    assert statuses == dict.fromkeys(statuses, 401)
