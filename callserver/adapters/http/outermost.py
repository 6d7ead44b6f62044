"""Around every request: errors become problems, and what was answered is counted."""

import time

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from callserver.adapters.http.connections import Connection
from callserver.adapters.http.metrics import Metrics
from callserver.adapters.http.problems import Code, Problem, away, declined_response
from callserver.adapters.http.settings import BODY_BYTES_MAX
from callserver.domain.declined import Declined
from callserver.domain.meter import ShardLost
from callserver.ports import OutcomeUnknown, StoreUnavailable

log = structlog.get_logger()

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNMATCHED = "unmatched"


class Outermost:
    """What every request goes through, whether the router or the quick way found its handler."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def middleware(self) -> Middleware:
        """For the application: the route is the one it found."""

        @web.middleware
        async def around(request: web.Request, handler: Handler) -> web.StreamResponse:
            resource = request.match_info.route.resource
            route = resource.canonical if resource is not None else UNMATCHED
            return await self.run(request, handler, route)

        return around

    async def run(self, request: web.Request, handler: Handler, route: str) -> web.StreamResponse:
        """Answer, whatever happens, and count it under `route`."""
        started = time.perf_counter()
        connection = request.protocol
        if isinstance(connection, Connection):
            connection.request_started()
        try:
            response = await _answer(request, handler)
        finally:
            if isinstance(connection, Connection):
                connection.request_ended()
        method = request.method if request.method in _METHODS else "other"
        self._metrics.http_answered(route, method, response.status, time.perf_counter() - started)
        return response


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Problem as problem:
        return problem.response()
    except Declined as declined:
        return declined_response(declined)
    except web.HTTPException as error:
        return _problem_of(request, error).response()
    except (StoreUnavailable, ShardLost) as error:
        log.warning("http.store_away", reason=str(error))
        return away("Redis or the database cannot be reached; try again shortly.").response()
    except OutcomeUnknown as error:
        log.warning("http.outcome_unknown", reason=str(error))
        return Problem(
            Code.OUTCOME_UNKNOWN,
            "It may have been done or not: send it again with the same Idempotency-Key.",
            {"Retry-After": "1"},
        ).response()
    except Exception:
        log.exception("http.failed", method=request.method)
        return Problem(Code.INTERNAL, "It was logged; try again or tell the operator.").response()


def _problem_of(request: web.Request, error: web.HTTPException) -> Problem:
    """What aiohttp itself refused."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        return Problem(Code.METHOD_NOT_ALLOWED, f"Use {allowed}.", {"Allow": allowed})
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        detail = f"Send at most {BODY_BYTES_MAX} bytes."
        return Problem(Code.BODY_TOO_LARGE, detail, {"Connection": "close"})
    if isinstance(error, web.HTTPNotFound):
        return Problem(Code.ROUTE_UNKNOWN, "See /openapi.json for what there is.")
    log.warning("http.refused_by_aiohttp", status=error.status, method=request.method)
    return Problem(Code.BAD_REQUEST, f"{error.reason}.")
