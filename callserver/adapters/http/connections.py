"""The bounds of connections: how many, how many from one address, and how long a request takes.

aiohttp itself waits for ever for the rest of a request.
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, cast

import structlog
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from callserver.adapters.http.problems import Code, Problem
from callserver.adapters.http.settings import HttpSettings

log = structlog.get_logger()

SWEEP_S = 1.0
LINGER_S = 1.0
LINE_BYTES_MAX = 8190


class Connections:
    """All open connections, and the sweep that ends those over their time."""

    def __init__(self, settings: HttpSettings, on_dropped: Callable[[str], None]) -> None:
        self._settings = settings
        self._on_dropped = on_dropped
        self._by_address: dict[str, set[Connection]] = {}
        self.count = 0

    def enter(self, connection: "Connection") -> bool:
        """Let a connection in. One without a request in progress makes room if there is none."""
        same = self._by_address.setdefault(connection.address, set())
        if len(same) >= self._settings.connections_per_address_max:
            oldest = min((c for c in same if not c.running), key=lambda c: c.since, default=None)
            if oldest is None:
                self._on_dropped("address_full")
                return False
            self._drop(oldest, "address_full")
            self.leave(oldest)
            same = self._by_address.setdefault(connection.address, set())
        elif self.count >= self._settings.connections_max:
            self._forget_if_empty(connection.address)
            self._on_dropped("server_full")
            return False
        same.add(connection)
        self.count += 1
        return True

    def leave(self, connection: "Connection") -> None:
        """The connection is closed; twice is fine."""
        same = self._by_address.get(connection.address, set())
        if connection in same:
            same.remove(connection)
            self.count -= 1
            self._forget_if_empty(connection.address)

    def _forget_if_empty(self, address: str) -> None:
        if not self._by_address.get(address):
            self._by_address.pop(address, None)

    async def sweep(self) -> None:
        """End connections whose time is over, every second; for ever."""
        while True:
            await asyncio.sleep(SWEEP_S)
            now = asyncio.get_running_loop().time()
            for connection in [c for same in self._by_address.values() for c in same]:
                if reason := connection.overdue(now, self._settings):
                    self._drop(connection, reason)

    def _drop(self, connection: "Connection", reason: str) -> None:
        log.info("http.connection_dropped", reason=reason)
        self._on_dropped(reason)
        connection.abort()


class Connection(RequestHandler):
    """One connection: aiohttp's, with a note of what it is at and since when."""

    __slots__ = ("_connections", "_half_sent_at", "_sock", "address", "endless", "running", "since")

    def __init__(self, connections: Connections, server: web.Server, **options: Any) -> None:
        super().__init__(server, **options)
        self._connections = connections
        self._sock: asyncio.Transport | None = None
        self._half_sent_at: float | None = None
        self.address = ""
        self.running = False
        self.endless = False
        """True while a request may run without limit (a stream)."""
        self.since = self._loop.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Enter, or be closed at once."""
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if isinstance(peer, tuple) and peer else "local"
        self._sock = cast(asyncio.Transport, transport)
        self._half_sent_at = self._loop.time()  # the first request is due from here
        if self._connections.enter(self):
            super().connection_made(transport)
        else:
            self._sock.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Leave."""
        self._connections.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Note when a request began to arrive."""
        if self._half_sent_at is None and not self.running:
            self._half_sent_at = self._loop.time()
        super().data_received(data)

    def request_started(self) -> None:
        """A request is complete (its body perhaps not) and runs from now on."""
        self.running = True
        self._half_sent_at = None
        self.since = self._loop.time()

    def request_ended(self) -> None:
        """Its answer is ready to be sent."""
        self.running = False
        self.endless = False
        self.since = self._loop.time()

    def overdue(self, now: float, settings: HttpSettings) -> str:
        """Why the connection should end; empty if it should not."""
        if self.running:
            late = not self.endless and now - self.since > settings.request_run_s
            return "request_too_long" if late else ""
        if self._half_sent_at is not None:
            late = now - self._half_sent_at > settings.request_read_s
            return "request_half_sent" if late else ""
        return "idle" if now - self.since > settings.idle_s else ""

    def abort(self) -> None:
        """End it now, whatever is still to be sent."""
        if self._sock is not None:
            self._sock.abort()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = HTTPStatus.INTERNAL_SERVER_ERROR,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What the HTTP parser refused, as a problem; the connection ends with it."""
        if request.writer.output_size > 0:
            raise ConnectionError("half an answer is sent already")
        if status == HTTPStatus.BAD_REQUEST:
            log.info("http.bad_request", reason=type(exc).__name__)
            problem = Problem(
                Code.BAD_REQUEST, "Send HTTP/1.1 with a head of at most 8 KiB a line."
            )
        else:
            log.error("http.failed", reason=type(exc).__name__, status=status)
            problem = Problem(Code.INTERNAL, "It was logged; try again or tell the operator.")
        response = problem.response()
        response.force_close()
        return response


def connection_factory(
    connections: Connections, server: web.Server, settings: HttpSettings
) -> Callable[[], Connection]:
    """What makes a protocol for each accepted socket."""
    loop = asyncio.get_running_loop()

    def make() -> Connection:
        return Connection(
            connections,
            server,
            loop=loop,
            access_log=None,
            keepalive_timeout=settings.idle_s * 2,  # the sweep does it; this is the second line
            lingering_time=LINGER_S,
            max_line_size=LINE_BYTES_MAX,
            max_field_size=LINE_BYTES_MAX,
            auto_decompress=False,
        )

    return make
