"""/v1/arrears: who may be suspended for them, and who has paid and must be resumed."""

from collections.abc import Iterator
from typing import Any

from aiohttp import web

from callserver.adapters.http import arrears_models as models
from callserver.adapters.http.access import Access, Viewer, seen_provider
from callserver.adapters.http.arrears_shapes import arrears_shape
from callserver.adapters.http.operation import Operation, in_query
from callserver.adapters.http.problems import Code, Problem
from callserver.adapters.http.queries import parameters
from callserver.adapters.http.replies import json_reply
from callserver.adapters.http.services import HttpServices
from callserver.domain.api_token import Scope

OPERATIONS = (
    Operation("get", "/v1/arrears", "Who may be suspended for arrears, and who must be resumed",
              models.Arrears, parameters=(in_query("provider"),), errors=(400, 403, 404)),
)  # fmt: skip


class ArrearsPages:
    """Answers about arrears."""

    def __init__(self, services: HttpServices, access: Access) -> None:
        self._arrears = services.office.arrears
        self._catalogue = services.catalogue
        self._access = access

    def routes(self) -> Iterator[tuple[Operation, Any]]:
        """Each operation with its handler."""
        yield from zip(OPERATIONS, (self.every,), strict=True)

    async def every(self, request: web.Request, viewer: Viewer) -> web.Response:
        """GET /v1/arrears: of the bearer's tree, or of one provider's in it."""
        if viewer.token.scope is Scope.CUSTOMER:
            raise Problem(Code.FORBIDDEN, "Arrears are for providers and the operator.")
        provider = parameters(request.query, ("provider",)).get("provider")
        if provider is not None:
            seen_provider(viewer, provider)
        elif viewer.token.scope is Scope.PROVIDER:
            provider = viewer.token.subject
        catalogue = self._catalogue()
        with self._access.list_request(viewer):
            owing = await self._arrears.overdue(catalogue, provider)
            paid = await self._arrears.to_restore(catalogue, provider)
        return json_reply(arrears_shape(owing, paid))
