"""The FastAGI port: bounded in sessions, bytes and time, whoever connects."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address

import structlog
from panoramisk.fast_agi import Application

from callserver.adapters.agi.reply import AgiError
from callserver.adapters.agi.request import BadHeader, parse_request
from callserver.adapters.agi.session import AgiSession

log = structlog.get_logger()

Handler = Callable[[AgiSession], Awaitable[None]]
Networks = Sequence[IPv4Network | IPv6Network]
LOOPBACK: Networks = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))


@dataclass(frozen=True, slots=True)
class AgiLimits:
    """Bounds of one port. A session over `sessions_max` is closed unanswered: the dialplan goes on.

    `waiting_max` of the sessions may still be sending their header, so that silent connections
    cannot take all places: the oldest silent one makes room for the next.
    """

    header_s: float = 3.0
    reply_s: float = 5.0
    line_bytes_max: int = 8 << 10
    header_bytes_max: int = 16 << 10
    sessions_max: int = 2000
    waiting_max: int = 250
    backlog: int = 1024


class AgiServer(Application):  # type: ignore[misc] # panoramisk has no types
    """panoramisk's FastAGI application with one handler for every script.

    Its `handler` is replaced whole: there a connect-and-close freezes the process for ever, and
    header size and time know no limit.
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
        super().__init__(loop=asyncio.get_running_loop())
        self._address = (host, port)
        self._serve = handler
        self._limits = limits or AgiLimits()
        self._allow = tuple(allow)
        self._reuse_port = reuse_port
        self._server: asyncio.Server | None = None
        self._sessions: set[asyncio.Task[None]] = set()
        self._waiting: dict[asyncio.StreamWriter, None] = {}

    @property
    def port(self) -> int:
        """Where it listens; 0 when it does not."""
        if self._server is None or not self._server.sockets:
            return 0
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def sessions(self) -> int:
        """Sessions that are open now."""
        return len(self._sessions)

    async def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        host, port = self._address
        self._server = await asyncio.start_server(
            self.handler,
            host,
            port,
            limit=self._limits.line_bytes_max,
            backlog=self._limits.backlog,
            reuse_port=self._reuse_port or None,
        )

    async def stop(self) -> None:
        """Stop listening and end the sessions, those that run after at most a second."""
        if self._server is None:
            return
        self._server.close()
        sessions = set(self._sessions)
        if sessions:
            await asyncio.wait(sessions, timeout=1)
        for task in sessions:
            task.cancel()
        if sessions:
            await asyncio.wait(sessions)
        self._server = None

    async def handler(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its first byte to its end."""
        task = asyncio.current_task()
        if task is None or not self._admitted(writer):
            writer.transport.abort()
            return
        self._sessions.add(task)
        try:
            await self._session(reader, writer)
        except BadHeader as error:
            log.warning("agi.bad_header", reason=str(error))
        except AgiError as error:
            log.info("agi.session_broken", reason=str(error), kind=type(error).__name__)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError, TimeoutError) as e:
            log.info("agi.no_request", kind=type(e).__name__)
        except Exception:  # a fault in one call is not the end of the others
            log.exception("agi.handler_fault")
        finally:
            self._sessions.discard(task)
            self._waiting.pop(writer, None)
            writer.close()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(self._limits.header_s):
            block = await self._header(reader)
        self._waiting.pop(writer, None)
        await self._serve(AgiSession(parse_request(block), reader, writer, self._limits.reply_s))

    async def _header(self, reader: asyncio.StreamReader) -> bytes:
        lines: list[bytes] = []
        size = 0
        while (line := await reader.readuntil(b"\n")) != b"\n":
            size += len(line)
            if size > self._limits.header_bytes_max:
                raise BadHeader(f"more than {self._limits.header_bytes_max} bytes of header")
            lines.append(line)
        return b"".join(lines)[:-1]

    def _admitted(self, writer: asyncio.StreamWriter) -> bool:
        peer = writer.get_extra_info("peername")
        if peer is None:  # it closed before we looked
            return False
        address = ip_address(peer[0])
        if not any(address in network for network in self._allow):
            log.warning("agi.not_allowed", address=str(address))
            return False
        if len(self._sessions) >= self._limits.sessions_max:
            log.warning("agi.too_many_sessions", sessions=len(self._sessions))
            return False
        if len(self._waiting) >= self._limits.waiting_max:
            oldest = next(iter(self._waiting))
            del self._waiting[oldest]
            oldest.transport.abort()
        self._waiting[writer] = None
        return True
