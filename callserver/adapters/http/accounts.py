"""/v1/accounts: the balance, and money put in."""

from http import HTTPStatus

from aiohttp import web

from callserver.adapters.http.access import Viewer, account_unknown, seen_account
from callserver.adapters.http.bodies import body_of
from callserver.adapters.http.idempotency import Idempotency, key_of
from callserver.adapters.http.models import TopUp
from callserver.adapters.http.problems import Code, Problem
from callserver.adapters.http.queries import parameters
from callserver.adapters.http.replies import json_bytes_reply, json_reply
from callserver.adapters.http.services import HttpServices
from callserver.adapters.http.shapes import balance_json, entry_shape
from callserver.ports import AccountUnknown

BALANCE_ROUTE = "/v1/accounts/{account}/balance"
BALANCE_BEGIN, BALANCE_END = BALANCE_ROUTE.split("{account}")


class AccountPages:
    """Answers about accounts."""

    def __init__(self, services: HttpServices, read_s: float) -> None:
        self._accounts = services.accounts
        self._idempotency = Idempotency(services.office.keys, read_s)
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
        if not viewer.may_create_money:
            raise Problem(
                Code.FORBIDDEN, "Only an admin tops up; a provider uses POST /v1/transfers."
            )
        parameters(request.query, ())
        asked = await body_of(request, TopUp, self._read_s)
        operation_id = await self._idempotency.operation_id(request, viewer)
        try:
            entry = await self._accounts.top_up(
                account, asked.amount, operation_id, viewer.actor, asked.reason
            )
        except AccountUnknown as error:
            raise account_unknown() from error
        return json_reply(entry_shape(entry, key_of(request)), HTTPStatus.CREATED)
