"""/v1/applications: how far each has come, and the intent form behind it."""

import re
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from aiohttp import web

from callserver.adapters.http import number_models as models
from callserver.adapters.http.access import Viewer
from callserver.adapters.http.numbers import not_for_customers
from callserver.adapters.http.operation import LIMIT, Operation, in_path, in_query
from callserver.adapters.http.problems import Code, Problem, bad_value
from callserver.adapters.http.queries import did, limit, parameters
from callserver.adapters.http.replies import json_reply, rfc3339
from callserver.adapters.http.services import HttpServices
from callserver.domain.api_token import Scope
from callserver.domain.declined import Declined, Reason
from callserver.domain.number_application import Application
from callserver.domain.number_change import ApplicationQuery
from callserver.ports.numbers import SealBroken
from callserver.service.number_views import application_view

_WHOLE: dict[str, Any] = {"type": "integer", "minimum": 1}
_ID = re.compile(r"[1-9]\d{0,17}", re.ASCII)
_APPLICATION = in_path("application", _WHOLE)
_LIST = ("did", "state", "before", "limit")

OPERATIONS = (
    Operation("get", "/v1/applications", "Applications, the newest first",
              models.ApplicationPage, errors=(400, 403),
              parameters=(in_query("did"), in_query("state", {"enum": ["open", "all"]}),
                          in_query("before", _WHOLE), LIMIT)),
    Operation("get", "/v1/applications/{application}", "One application and its progress",
              models.Application, parameters=(_APPLICATION,), errors=(400, 403, 404)),
    Operation("get", "/v1/applications/{application}/intent-form", "What its form says",
              models.KeptIntentForm, parameters=(_APPLICATION,), errors=(400, 403, 404)),
)  # fmt: skip


class ApplicationPages:
    """Answers about applications."""

    def __init__(self, services: HttpServices) -> None:
        self._numbers = services.office.numbers

    def routes(self) -> Iterator[tuple[Operation, Any]]:
        """Each operation with its handler."""
        yield from zip(OPERATIONS, (self.page, self.one, self.form), strict=True)

    async def page(self, request: web.Request, viewer: Viewer) -> web.Response:
        """GET /v1/applications."""
        not_for_customers(viewer)
        found = parameters(request.query, _LIST)
        state, before, most = found.get("state", "open"), found.get("before"), limit(found)
        if state not in {"open", "all"}:
            raise bad_value("state", "write open or all")
        if before is not None and not _ID.fullmatch(before):
            raise bad_value("before", "write the id of an application")
        query = ApplicationQuery(
            number=did(found),
            providers=viewer.providers,
            open_only=state == "open",
            before=int(before) if before else None,
            limit=most + 1,
        )
        rows = await self._numbers.applications(query)
        following = rows[most - 1].id if len(rows) > most else None
        shown = [application_view(row, rfc3339) for row in rows[:most]]
        return json_reply({"applications": shown, "next_before": following})

    async def one(self, request: web.Request, viewer: Viewer) -> web.Response:
        """GET /v1/applications/{application}."""
        parameters(request.query, ())
        return json_reply(application_view(await self._seen(request, viewer), rfc3339))

    async def form(self, request: web.Request, viewer: Viewer) -> web.Response:
        """GET /v1/applications/{application}/intent-form: personal data, not for the NOC."""
        parameters(request.query, ())
        if viewer.token.scope is Scope.NOC:
            raise Problem(Code.FORBIDDEN, "Intent forms are for their provider and the operator.")
        application = await self._seen(request, viewer)
        try:
            found = await self._numbers.intent_form(application.id)
        except SealBroken as fault:
            raise Problem(Code.UNAVAILABLE, "The key that sealed the form is missing.") from fault
        return json_reply({"intent_form": asdict(found) if found else None})

    async def _seen(self, request: web.Request, viewer: Viewer) -> Application:
        """The application, if it may be seen; else Declined as for one that does not exist."""
        not_for_customers(viewer)
        text = request.match_info["application"]
        if _ID.fullmatch(text):
            found = await self._numbers.application(int(text))
            if viewer.sees_provider(found.provider):
                return found
        raise Declined(Reason.APPLICATION_UNKNOWN, f"There is no application {text[:20]}.")
