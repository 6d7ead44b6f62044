"""/v1/tariffs: what prices one's calls."""

import asyncio
from collections.abc import Iterator
from typing import Any

from aiohttp import web

from callserver.adapters.http import tariff_models as models
from callserver.adapters.http.access import Viewer
from callserver.adapters.http.operation import Operation, in_path
from callserver.adapters.http.queries import parameters
from callserver.adapters.http.replies import json_reply
from callserver.adapters.http.services import HttpServices
from callserver.adapters.http.tariff_shapes import tariff_shape
from callserver.domain.business import Catalogue
from callserver.domain.declined import Declined, Reason
from callserver.domain.tariff_seen import tariffs_seen

OPERATIONS = (
    Operation("get", "/v1/tariffs", "The tariffs of your calls, and of those you sell",
              models.Tariffs, errors=(400,)),
    Operation("get", "/v1/tariffs/{tariff}", "One tariff with all its versions",
              models.TariffVersions, parameters=(in_path("tariff"),), errors=(400, 404)),
)  # fmt: skip


class TariffPages:
    """Answers about tariffs."""

    def __init__(self, services: HttpServices) -> None:
        self._catalogue = services.catalogue
        self._clock = services.clock

    def routes(self) -> Iterator[tuple[Operation, Any]]:
        """Each operation with its handler."""
        yield from zip(OPERATIONS, (self.every, self.one), strict=True)

    async def every(self, request: web.Request, viewer: Viewer) -> web.Response:
        """GET /v1/tariffs."""
        parameters(request.query, ())
        catalogue = self._catalogue()
        names = await self._seen(catalogue, viewer)
        return json_reply({"tariffs": [self._shape(catalogue, name) for name in sorted(names)]})

    async def one(self, request: web.Request, viewer: Viewer) -> web.Response:
        """GET /v1/tariffs/{tariff}. One that does not concern the bearer is as good as none."""
        parameters(request.query, ())
        name, catalogue = request.match_info["tariff"], self._catalogue()
        if name not in catalogue.tariffs or name not in await self._seen(catalogue, viewer):
            raise Declined(Reason.TARIFF_UNKNOWN, "Check its id; another's looks the same.")
        return json_reply(self._shape(catalogue, name))

    @staticmethod
    async def _seen(catalogue: Catalogue, viewer: Viewer) -> frozenset[str]:
        return await asyncio.to_thread(tariffs_seen, catalogue, viewer.customers, viewer.providers)

    def _shape(self, catalogue: Catalogue, name: str) -> dict[str, Any]:
        return tariff_shape(name, catalogue.tariffs[name], self._clock.now_us() // 1000)
