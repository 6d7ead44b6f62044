"""/v1/cdrs: finished calls, the newest first."""

from typing import Any

from aiohttp import web

from callserver.adapters.http import queries
from callserver.adapters.http.access import Access, Viewer
from callserver.adapters.http.correction_shapes import correction_shape
from callserver.adapters.http.problems import Code, Problem, bad_value
from callserver.adapters.http.replies import json_reply
from callserver.adapters.http.services import HttpServices
from callserver.adapters.http.shapes import cdr_shape
from callserver.domain.cdr import Cdr
from callserver.domain.identity import is_call_id
from callserver.ports import BadCursor, CdrQuery

CURSOR_CHARS_MAX = 200


class CdrPages:
    """Answers about CDRs."""

    def __init__(self, services: HttpServices, access: Access) -> None:
        self._books = services.books
        self._rerating = services.office.rerating
        self._access = access

    async def page(self, request: web.Request, viewer: Viewer) -> web.Response:
        """GET /v1/cdrs: those that ended in [from, to)."""
        found = queries.parameters(request.query, ("from", "to", "did", "limit", "cursor"))
        from_ms, to_ms = queries.time_range(found)
        query = CdrQuery(
            customers=viewer.customers,
            did=queries.did(found),
            from_ms=from_ms,
            to_ms=to_ms,
            cursor=_cursor(found.get("cursor")),
            limit=queries.limit(found),
        )
        with self._access.list_request(viewer):
            try:
                page = await self._books.cdrs(query)
            except BadCursor as error:
                raise _bad_cursor() from error
        shown = [_shown(cdr, viewer) for cdr in page.cdrs]
        return json_reply({"cdrs": shown, "next_cursor": page.next_cursor})

    async def one(self, request: web.Request, viewer: Viewer) -> web.Response:
        """GET /v1/cdrs/{call_id}."""
        queries.parameters(request.query, ())
        call_id = request.match_info["call_id"]
        cdr = await self._books.cdr(call_id) if is_call_id(call_id) else None
        if cdr is None or not viewer.sees(cdr.customer):
            raise Problem(Code.CDR_UNKNOWN, "Check the call_id; a live call has no CDR yet.")
        corrections = await self._rerating.corrections([call_id])
        shown = _shown(cdr, viewer) | {"corrections": list(map(correction_shape, corrections))}
        return json_reply(shown)


def _shown(cdr: Cdr, viewer: Viewer) -> dict[str, Any]:
    return cdr_shape(cdr, in_full=viewer.in_full, with_cost=viewer.sees_cost)


def _cursor(text: str | None) -> str | None:
    if text is not None and not 0 < len(text) <= CURSOR_CHARS_MAX:
        raise _bad_cursor()
    return text


def _bad_cursor() -> Problem:
    return bad_value("cursor", "send next_cursor of the page before, unchanged, or none")
