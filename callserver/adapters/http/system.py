"""What monitoring asks: alive, ready, metrics. No token: nothing of a customer is in them."""

from http import HTTPStatus

import orjson
from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from callserver.adapters.http.openapi import document
from callserver.adapters.http.replies import (
    json_bytes_reply,
    json_reply,
    rfc3339,
    text_reply,
)
from callserver.adapters.http.services import HttpServices

_ALIVE = orjson.dumps({"status": "ok"})


class SystemPages:
    """Answers about the server itself."""

    def __init__(self, services: HttpServices) -> None:
        self._health = services.health
        self._metrics = services.metrics
        self._openapi = b""

    async def healthz(self, _request: web.Request) -> web.Response:
        """GET /healthz: the process lives and its loop turns."""
        return json_bytes_reply(_ALIVE)

    async def readyz(self, _request: web.Request) -> web.Response:
        """GET /readyz: whether calls can be taken, and which part is missing why; 503 if not."""
        readiness = self._health.readiness()
        body = {
            "ready": readiness.ready,
            "reasons": readiness.reasons,
            "components": {
                part.name: {
                    "state": part.state.value,
                    "reason": part.reason,
                    "since": rfc3339(part.since_us // 1000),
                }
                for part in readiness.components
            },
        }
        status = HTTPStatus.OK if readiness.ready else HTTPStatus.SERVICE_UNAVAILABLE
        response = json_reply(body, status)
        if not readiness.ready:
            response.headers["Retry-After"] = "1"
        return response

    async def metrics(self, _request: web.Request) -> web.Response:
        """GET /metrics in Prometheus' text format."""
        return text_reply(self._metrics.exposition(), CONTENT_TYPE_LATEST)

    async def openapi(self, _request: web.Request) -> web.Response:
        """GET /openapi.json."""
        self._openapi = self._openapi or orjson.dumps(document())
        return json_bytes_reply(self._openapi)
