"""The HTTP server: routes, and the socket they are served on."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

import structlog
from aiohttp import web

from callserver.adapters.http.access import Access, Viewer
from callserver.adapters.http.accounts import (
    BALANCE_BEGIN,
    BALANCE_END,
    BALANCE_ROUTE,
    AccountPages,
)
from callserver.adapters.http.arrears import ArrearsPages
from callserver.adapters.http.calls import CallPages
from callserver.adapters.http.cdrs import CdrPages
from callserver.adapters.http.connections import Connections, connection_factory
from callserver.adapters.http.features import FeaturePages
from callserver.adapters.http.ledger import LedgerPages
from callserver.adapters.http.months import MonthPages
from callserver.adapters.http.number_applications import ApplicationPages
from callserver.adapters.http.numbers import NumberPages
from callserver.adapters.http.operation import Operation
from callserver.adapters.http.outermost import Outermost
from callserver.adapters.http.plans import PlanPages
from callserver.adapters.http.providers import ProviderPages
from callserver.adapters.http.rate import RatePages
from callserver.adapters.http.services import HttpServices
from callserver.adapters.http.settings import BODY_BYTES_MAX, HttpSettings
from callserver.adapters.http.system import SystemPages
from callserver.adapters.http.tariffs import TariffPages

log = structlog.get_logger()

BACKLOG = 512
RequestHandler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
BearerHandler = Callable[[web.Request, Viewer], Awaitable[web.Response]]


class HttpServer:
    """Serves the API from `start` to `stop`; afterwards it may be started again."""

    def __init__(self, settings: HttpSettings, services: HttpServices) -> None:
        self._settings = settings
        self._services = services
        self._connections = Connections(settings, services.metrics.http_dropped)
        self._outermost = Outermost(services.metrics)
        self._access = Access(
            services.tokens,
            services.catalogue,
            settings.requests_per_token_max,
            settings.lists_per_token_max,
        )
        self._accounts = AccountPages(services, settings.request_read_s)
        self._runner: web.AppRunner | None = None
        self._listener: asyncio.Server | None = None
        self._sweeper: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port it listens on; 0 while it does not."""
        sockets = self._listener.sockets if self._listener is not None else ()
        return int(sockets[0].getsockname()[1]) if sockets else 0

    async def start(self) -> None:
        """Listen. Raises OSError when the address is taken."""
        settings = self._settings
        self._services.metrics.watch("callserver_http_connections", lambda: self._connections.count)
        self._runner = web.AppRunner(
            self._application(), access_log=None, shutdown_timeout=settings.stop_s
        )
        await self._runner.setup()
        server = self._runner.server
        assert server is not None, "set up just now"
        server.request_handler = self._quick_way(server.request_handler)
        try:
            self._listener = await asyncio.get_running_loop().create_server(
                connection_factory(self._connections, server, settings),
                settings.host,
                settings.port,
                backlog=BACKLOG,
                reuse_port=settings.reuse_port or None,
            )
        except OSError:
            await self._runner.cleanup()
            raise
        self._sweeper = asyncio.create_task(self._connections.sweep(), name="http-sweep")
        log.info("http.listening", host=settings.host, port=self.port)

    async def stop(self) -> None:
        """Take no more connections, let requests in progress end, close all."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        if self._sweeper is not None:
            self._sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeper
            self._sweeper = None

    def _application(self) -> web.Application:
        services, access, accounts = self._services, self._access, self._accounts
        calls, cdrs = CallPages(services, access), CdrPages(services, access)
        system = SystemPages(services)
        application = web.Application(
            client_max_size=BODY_BYTES_MAX, middlewares=[self._outermost.middleware()]
        )
        application.add_routes(
            [
                web.get(BALANCE_ROUTE, for_bearers(access, accounts.balance)),
                web.post("/v1/accounts/{account}/topups", for_bearers(access, accounts.top_up)),
                web.get("/v1/calls", for_bearers(access, calls.live)),
                web.get("/v1/calls/{call_id}", for_bearers(access, calls.one)),
                web.get("/v1/cdrs", for_bearers(access, cdrs.page)),
                web.get("/v1/cdrs/{call_id}", for_bearers(access, cdrs.one)),
                web.get("/healthz", system.healthz),
                web.get("/readyz", system.readyz),
                web.get("/metrics", system.metrics),
                web.get("/openapi.json", system.openapi),
            ]
        )
        application.add_routes(
            web.route(operation.method, operation.path, for_bearers(access, handler))
            for operation, handler in self._area_routes()
        )
        return application

    def _area_routes(self) -> Iterator[tuple[Operation, BearerHandler]]:
        """The routes of the areas beside calls; each gives its operations with their handlers."""
        read_s = self._settings.request_read_s
        yield from LedgerPages(self._services, self._access, read_s).routes()
        yield from FeaturePages(self._services, read_s).routes()
        yield from PlanPages(self._services, read_s).routes()
        yield from ProviderPages(self._services, read_s).routes()
        yield from MonthPages(self._services, self._access, read_s).routes()
        yield from NumberPages(self._services, read_s).routes()
        yield from ApplicationPages(self._services).routes()
        yield from TariffPages(self._services).routes()
        yield from RatePages(self._services).routes()
        yield from ArrearsPages(self._services, self._access).routes()

    def _quick_way(self, application: RequestHandler) -> RequestHandler:
        """Balances, which back ends poll, pass aiohttp's router by: a sixth of their time."""

        async def first(request: web.BaseRequest) -> web.StreamResponse:
            path = request.path
            if path.endswith(BALANCE_END) and path.startswith(BALANCE_BEGIN):
                account = path[len(BALANCE_BEGIN) : -len(BALANCE_END)]
                if account and "/" not in account and request.method == "GET":
                    assert isinstance(request, web.Request), "an application's own"
                    handler = for_bearers(self._access, partial(self._accounts.balance_of, account))
                    return await self._outermost.run(request, handler, BALANCE_ROUTE)
            return await application(request)

        return first


def for_bearers(
    access: Access, handler: BearerHandler
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A handler that knows who asks, and runs only so often at once for each token."""

    async def authenticated(request: web.Request) -> web.Response:
        viewer = await access.viewer(request)
        access.enter(viewer)
        try:
            return await handler(request, viewer)
        finally:
            access.leave(viewer)

    return authenticated
