"""/v1/accounts: the balance, and money put in."""

import asyncio
import re
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web

from callserver.adapters.http.access import Viewer, account_unknown, seen_account
from callserver.adapters.http.problems import Code, Problem
from callserver.adapters.http.queries import parameters
from callserver.adapters.http.replies import json_bytes_reply, json_reply
from callserver.adapters.http.services import HttpServices
from callserver.adapters.http.shapes import balance_json, entry_shape
from callserver.domain.ledger import TOP_UP_MICROS_MAX, OperationReused
from callserver.domain.money import BadAmount, parse_yuan, yuan_text
from callserver.ports import AccountUnknown

REASON_CHARS_MAX = 200
_KEY = re.compile(r"[\x21-\x7e]{1,128}", re.ASCII)


BALANCE_ROUTE = "/v1/accounts/{account}/balance"
BALANCE_BEGIN, BALANCE_END = BALANCE_ROUTE.split("{account}")


class AccountPages:
    """Answers about accounts."""

    def __init__(self, services: HttpServices, read_s: float) -> None:
        self._accounts = services.accounts
        self._read_s = read_s

    async def balance(self, request: web.Request, viewer: Viewer) -> web.Response:
        """GET /v1/accounts/{account}/balance."""
        return await self.balance_of(request.match_info["account"], request, viewer)

    async def balance_of(self, account: str, request: web.Request, viewer: Viewer) -> web.Response:
        """The same, for an account that was found in the path already."""
        seen_account(viewer, account)
        if request.query_string:
            parameters(request.query, ())
        try:
            return json_bytes_reply(balance_json(await self._accounts.balance(account)))
        except AccountUnknown as error:
            raise account_unknown() from error

    async def top_up(self, request: web.Request, viewer: Viewer) -> web.Response:
        """POST /v1/accounts/{account}/topups. The same key again: the same answer, no money."""
        account = seen_account(viewer, request.match_info["account"])
        if not viewer.may_top_up:
            raise Problem(Code.FORBIDDEN, "Top-ups need a token of scope provider or admin.")
        parameters(request.query, ())
        key = _idempotency_key(request)
        amount_micros, reason = _top_up_of(await self._body(request))
        operation_id = f"top_up:{account}:{key}"  # another account's keys are nobody's business
        try:
            entry = await self._accounts.top_up(
                account, amount_micros, operation_id, viewer.actor, reason
            )
        except AccountUnknown as error:
            raise account_unknown() from error
        except OperationReused as error:
            raise Problem(
                Code.IDEMPOTENCY_KEY_REUSED,
                "This account had another top-up under this key; use a new key for a new one.",
            ) from error
        return json_reply(entry_shape(entry, key), HTTPStatus.CREATED)

    async def _body(self, request: web.Request) -> Any:
        try:
            async with asyncio.timeout(self._read_s):
                text = await request.read()
        except TimeoutError as error:
            raise Problem(Code.BODY_TOO_SLOW, "Send the whole body at once.") from error
        try:
            return orjson.loads(text)
        except ValueError as error:
            raise Problem(Code.BAD_BODY, "Send JSON in UTF-8.") from error


def _idempotency_key(request: web.Request) -> str:
    key = request.headers.get("Idempotency-Key", "").strip()
    if not key:
        raise Problem(
            Code.IDEMPOTENCY_KEY_MISSING,
            "Send `Idempotency-Key: <a new id of yours>`, and the same one when you retry.",
        )
    if not _KEY.fullmatch(key):
        raise Problem(Code.BAD_VALUE, "Idempotency-Key: write 1 to 128 ASCII characters, no space")
    return key


def _top_up_of(body: Any) -> tuple[int, str]:
    """Amount in micros (> 0) and reason of `{"amount": "100.00", "reason": "…"}`."""
    if not isinstance(body, dict):
        raise Problem(Code.BAD_BODY, 'Send an object such as {"amount": "100.00"}.')
    if unknown := sorted(set(body) - {"amount", "currency", "reason"}):
        raise Problem(Code.BAD_BODY, f"There is no field {unknown[0][:40]!r} in a top-up.")
    if body.get("currency", "CNY") != "CNY":
        raise Problem(Code.BAD_BODY, "currency: only CNY is kept")
    return _amount(body.get("amount")), _reason(body.get("reason", ""))


def _amount(text: Any) -> int:
    if not isinstance(text, str):
        raise Problem(Code.BAD_BODY, 'amount: write yuan as a string, such as "100.00"')
    try:
        micros = parse_yuan(text[:40])
    except BadAmount as error:
        raise Problem(Code.BAD_BODY, f"amount: {error}") from error
    if not 0 < micros <= TOP_UP_MICROS_MAX:
        most = yuan_text(TOP_UP_MICROS_MAX)
        raise Problem(Code.BAD_BODY, f"amount: must be more than 0 and at most {most}")
    return micros


def _reason(text: Any) -> str:
    if not isinstance(text, str) or len(text) > REASON_CHARS_MAX or not text.isprintable():
        raise Problem(
            Code.BAD_BODY, f"reason: write one line of at most {REASON_CHARS_MAX} characters"
        )
    return text
