"""The FastAGI port: bounded in sessions, bytes and time, whoever connects."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import assert_never

import structlog
from panoramisk.fast_agi import Application

from callserver.adapters.agi.connection import AgiConnection, AgiLimits, Refused
from callserver.adapters.agi.deadlines import Deadlines
from callserver.adapters.agi.reply import AgiError
from callserver.adapters.agi.request import AgiRequest, BadHeader, parse_request
from callserver.adapters.agi.session import AgiSession

__all__ = ["LOOPBACK", "AgiLimits", "AgiServer", "Refused"]

log = structlog.get_logger()

Handler = Callable[[AgiSession], Awaitable[None] | None]
Networks = Sequence[IPv4Network | IPv6Network]
LOOPBACK: Networks = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))

LOOKS = 8  # at the deadlines, in the time the shortest of them allows
STOP_S = 1.0
PEERS_KEPT_MAX = 1024


class AgiServer(Application):  # type: ignore[misc] # panoramisk has no types
    """panoramisk's FastAGI application behind a port of ours, with one handler for every script.

    Its `handler` is replaced whole: there a connect-and-close freezes the process for ever, header
    size and time know no limit, and cancellation is swallowed.
    """

    def __init__(
        self,
        host: str,
        port: int,
        handler: Handler,
        limits: AgiLimits | None = None,
        *,
        allow: Networks = LOOPBACK,
        reuse_port: bool = False,
    ) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(loop=loop)
        self.limits = limits or AgiLimits()
        self.refused: Counter[Refused] = Counter()
        """Connections that were not served, by reason; it only grows."""
        self.replies: Deadlines[AgiConnection] = Deadlines(self.limits.reply_s, loop.time)
        self._waiting: Deadlines[AgiConnection] = Deadlines(self.limits.header_s, loop.time)
        self._address = (host, port)
        self._serve = handler
        self._allow = tuple(allow)
        self._peers: dict[str, bool] = {}
        self._reuse_port = reuse_port
        self._server: asyncio.Server | None = None
        self._sessions: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._untold: Counter[tuple[Refused, str]] = Counter()

    def __bool__(self) -> bool:
        return True  # panoramisk's Application is an (empty) dict

    @property
    def port(self) -> int:
        """Where it listens; 0 when it does not."""
        if self._server is None or not self._server.sockets:
            return 0
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def sessions(self) -> int:
        """Connections that are open now, with those that still send their header."""
        return len(self._sessions) + len(self._waiting)

    async def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        host, port = self._address
        self._server = await self.loop.create_server(
            lambda: AgiConnection(self, self.loop),
            host,
            port,
            backlog=self.limits.backlog,
            reuse_port=self._reuse_port or None,
        )
        self._look()

    async def stop(self) -> None:
        """Stop listening and end the sessions, those that run after at most STOP_S."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        while self._waiting:
            waiting = self._waiting.oldest()
            self._waiting.end(waiting)
            waiting.abort()
        sessions = set(self._sessions)
        if sessions:
            await asyncio.wait(sessions, timeout=STOP_S)
        for task in sessions:
            task.cancel()
        if sessions:
            await asyncio.wait(sessions)
        if self._timer is not None:
            self._timer.cancel()
        self._tell_refused()

    def add_route(self, path: str, endpoint: Handler) -> None:
        """Give scripts whose first segment is `path` a handler of their own.

        Any callable will do; panoramisk's fails for those that are no coroutine function.
        """
        if path in self._route:
            raise ValueError(f"the script {path!r} has a handler already")
        self._route[path] = endpoint

    async def handler(self, reader: AgiConnection, request: AgiRequest) -> None:
        """One session, from its header to its end."""
        serve: Handler = self._route.get(request.script.partition("/")[0], self._serve)
        try:
            served = serve(AgiSession(self, request, reader))
            if served is not None:
                await served
        except AgiError as error:
            log.info("agi.session_broken", reason=str(error), kind=type(error).__name__)
        except Exception:  # a fault in one call is not the end of the others
            log.exception("agi.handler_fault")
        finally:
            reader.close()

    # ---- called by AgiConnection

    def opened(self, connection: AgiConnection) -> None:
        """A connection was made: let it send its header, or refuse it."""
        peer = connection.transport.get_extra_info("peername")
        if peer is None or self._server is None:  # closed before we looked, or we are closing
            self.refuse(connection, Refused.NO_REQUEST, "closed at once")
        elif not self._permits(peer[0]):
            self.refuse(connection, Refused.NOT_ALLOWED, str(peer[0]))
        elif self._has_place():
            self._waiting.begin(connection)
        else:
            self.refuse(connection, Refused.TOO_MANY, f"{self.limits.sessions_max} are open")

    def begin(self, connection: AgiConnection, block: bytes) -> None:
        """The header is whole: run a session, unless it is not Asterisk's."""
        try:
            request = parse_request(block)
        except BadHeader as error:
            self.refuse(connection, Refused.BAD_HEADER, str(error))
            return
        self._waiting.end(connection)
        task = self.loop.create_task(self.handler(connection, request))
        self._sessions.add(task)
        task.add_done_callback(self._sessions.discard)

    def lost(self, connection: AgiConnection) -> None:
        """The connection is gone."""
        if self._waiting.end(connection):
            self._count(Refused.NO_REQUEST, "closed before the header was whole")

    def refuse(self, connection: AgiConnection, kind: Refused, reason: str) -> None:
        """Close a connection unserved, and count it."""
        self._waiting.end(connection)
        self._count(kind, reason)
        connection.abort()

    # ---- places, deadlines, the log

    def _has_place(self) -> bool:
        """Whether one more may come; the longest silent one has to make room for it."""
        full = self.sessions >= self.limits.sessions_max
        if self._waiting and (full or len(self._waiting) >= self.limits.waiting_max):
            self.refuse(self._waiting.oldest(), Refused.NO_REQUEST, "made room for another")
            full = False
        return not full

    def _permits(self, host: str) -> bool:
        known = self._peers.get(host)
        if known is None:
            if len(self._peers) >= PEERS_KEPT_MAX:
                self._peers.clear()
            known = self._peers[host] = self._in_allowed(host)
        return known

    def _in_allowed(self, host: str) -> bool:
        address = ip_address(host.partition("%")[0])
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return any(address in network for network in self._allow)

    def _look(self) -> None:
        """See who is late, again and again."""
        for connection in self._waiting.late():
            self.refuse(connection, Refused.NO_REQUEST, f"no header in {self.limits.header_s:g} s")
        for connection in self.replies.late():
            connection.break_off(f"no reply within {self.limits.reply_s:g} s")
        self._tell_refused()
        every_s = min(self.limits.header_s, self.limits.reply_s) / LOOKS
        self._timer = self.loop.call_later(every_s, self._look)

    def _count(self, kind: Refused, reason: str) -> None:
        self.refused[kind] += 1
        if len(self._untold) < PEERS_KEPT_MAX:
            self._untold[(kind, reason)] += 1

    def _tell_refused(self) -> None:
        """One line for all refusals of a kind and reason: a flood must not fill the log."""
        untold, self._untold = self._untold, Counter()
        for (kind, reason), count in untold.items():
            match kind:
                case Refused.BAD_HEADER:
                    log.warning("agi.bad_header", reason=reason, count=count)
                case Refused.NO_REQUEST:
                    log.info("agi.no_request", reason=reason, count=count)
                case Refused.NOT_ALLOWED:
                    log.warning("agi.not_allowed", address=reason, count=count)
                case Refused.TOO_MANY:
                    log.warning("agi.too_many_sessions", reason=reason, count=count)
                case _:
                    assert_never(kind)
