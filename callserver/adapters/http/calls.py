"""/v1/calls: the calls that are up, and one call, live or finished."""

import asyncio

from aiohttp import web

from callserver.adapters.http import queries
from callserver.adapters.http.access import Access, Viewer
from callserver.adapters.http.problems import Code, Problem
from callserver.adapters.http.replies import json_reply
from callserver.adapters.http.services import HttpServices
from callserver.adapters.http.settings import PAGE_MAX
from callserver.adapters.http.shapes import cdr_shape, live_shape
from callserver.domain.cdr import Cdr
from callserver.domain.identity import is_call_id
from callserver.service.live import LiveCall

WRITTEN_WITHIN_S = 0.1  # a call that just ended is in neither place until SQL has it


class CallPages:
    """Answers about calls."""

    def __init__(self, services: HttpServices, access: Access) -> None:
        self._live = services.live
        self._books = services.books
        self._access = access

    async def live(self, request: web.Request, viewer: Viewer) -> web.Response:
        """GET /v1/calls?state=live: the newest first, all of them counted."""
        found = queries.parameters(request.query, ("state", "did", "limit"))
        queries.only(found, "state", "live", "finished calls are at /v1/cdrs")
        did, limit = queries.did(found), queries.limit(found, PAGE_MAX)
        with self._access.list_request(viewer):
            calls = await self._seen(viewer)
        wanted = [call for call in calls if did is None or call.did == did]
        shown = [live_shape(call, in_full=viewer.in_full) for call in wanted[:limit]]
        return json_reply({"calls": shown, "total": len(wanted)})

    async def _seen(self, viewer: Viewer) -> list[LiveCall]:
        if viewer.only_customer is not None:
            return list(await self._live.of_customer(viewer.only_customer))
        return [call for call in await self._live.all() if viewer.sees(call.customer)]

    async def one(self, request: web.Request, viewer: Viewer) -> web.Response:
        """GET /v1/calls/{call_id}."""
        queries.parameters(request.query, ())
        call_id = request.match_info["call_id"]
        if not is_call_id(call_id):
            raise call_unknown()
        with self._access.list_request(viewer):
            live, cdr = await self._find(viewer, call_id)
        if live is not None and viewer.sees(live.customer):
            shape = live_shape(live, in_full=viewer.in_full)
            return json_reply(
                {"call_id": call_id, "state": live.state.value, "live": shape, "cdr": None}
            )
        if cdr is not None and viewer.sees(cdr.customer):
            shape = cdr_shape(cdr, in_full=viewer.in_full, with_cost=viewer.sees_cost)
            return json_reply({"call_id": call_id, "state": "ended", "live": None, "cdr": shape})
        raise call_unknown()

    async def _find(self, viewer: Viewer, call_id: str) -> tuple[LiveCall | None, Cdr | None]:
        if cdr := await self._books.cdr(call_id):
            return None, cdr
        if live := await self._live.find(call_id, viewer.only_customer):
            return live, None
        await asyncio.sleep(WRITTEN_WITHIN_S)
        return None, await self._books.cdr(call_id)


def call_unknown() -> Problem:
    """The same answer for a foreign call and for one that never was."""
    return Problem(Code.CALL_UNKNOWN, "Check the call_id; another's call looks the same.")
