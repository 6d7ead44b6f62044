"""Our server and bare panoramisk behind one face, so that one test shows hole and cure."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, Self

import pytest
from panoramisk.fast_agi import Application, Request

from callserver.adapters.agi.connection import AgiLimits
from callserver.adapters.agi.reply import AgiError
from callserver.adapters.agi.server import AgiServer
from callserver.adapters.agi.session import AgiSession
from tests.adapters.agi.asterisk import PATIENCE_S, SCRIPT

HANGING_S = 2.0
"""What a bare server has not done by then it never does."""
LIMITS = AgiLimits(header_s=0.5, reply_s=0.5, sessions_max=5, waiting_max=5)


class Refused(Exception):
    """The command did not do what was asked, in the terms of either library."""


class Session(Protocol):
    """What the hole tests ask of a session. `ask` gives (result, data), or raises Refused."""

    async def ask(self, command: str) -> tuple[int, str]: ...
    async def set_variable(self, name: str, value: str) -> None: ...
    async def quote(self, command: str, *args: str) -> None: ...


Handler = Callable[[Any], Awaitable[None] | None]


class Server(Protocol):
    """What the hole tests ask of a server."""

    patience_s: float
    port: int

    @classmethod
    async def open(cls, handler: Handler) -> Self: ...
    async def close(self) -> None: ...


class OurSession:
    """AgiSession."""

    def __init__(self, session: AgiSession) -> None:
        self._session = session

    async def ask(self, command: str) -> tuple[int, str]:
        try:
            reply = await self._session.send_command(command)
        except AgiError as error:
            raise Refused(str(error)) from error
        return reply.result, reply.data

    async def set_variable(self, name: str, value: str) -> None:
        try:
            await self._session.set_variables({name: value})
        except AgiError as error:
            raise Refused(str(error)) from error

    async def quote(self, command: str, *args: str) -> None:
        await self._session.command(command, *args)


class Ours:
    """AgiServer with narrow limits."""

    patience_s = PATIENCE_S
    wrap = OurSession

    def __init__(self, server: AgiServer) -> None:
        self._server = server
        self.port = server.port

    @classmethod
    async def open(cls, handler: Handler) -> Self:
        server = AgiServer("127.0.0.1", 0, handler, LIMITS)
        await server.start()
        return cls(server)

    async def close(self) -> None:
        await self._server.stop()


class BareSession:
    """panoramisk's Request, used as its documentation says."""

    def __init__(self, request: Request) -> None:
        self._request = request

    async def ask(self, command: str) -> tuple[int, str]:
        reply = await self._request.send_command(command)
        if "error" in reply:
            raise Refused(reply["error"])
        result, data = reply["result"]
        return int(result), data

    async def set_variable(self, name: str, value: str) -> None:
        await self.ask(f'EXEC MSet "{name}={value}"')

    async def quote(self, command: str, *args: str) -> None:
        await self.ask(" ".join([command, *(f'"{arg}"' for arg in args)]))


class Bare:
    """panoramisk's Application, served as its documentation says."""

    patience_s = HANGING_S
    wrap = BareSession

    def __init__(self, server: asyncio.Server) -> None:
        self._server = server
        self.port: int = server.sockets[0].getsockname()[1]

    @classmethod
    async def open(cls, handler: Handler) -> Self:
        application = Application(loop=asyncio.get_running_loop())
        application.add_route(SCRIPT, handler)
        return cls(await asyncio.start_server(application.handler, "127.0.0.1", 0))

    async def close(self) -> None:
        self._server.close()
        await asyncio.sleep(0.01)


def hole(why: str, *raises: type[BaseException]) -> pytest.MarkDecorator:
    """Run with our server, which must pass, and with the bare one, which must fail so."""
    mark = pytest.mark.xfail(
        strict=True, raises=raises or AssertionError, reason=f"panoramisk 1.4: {why}"
    )
    return pytest.mark.parametrize(
        "kind", [pytest.param(Ours, id="Ours"), pytest.param(Bare, id="Bare", marks=mark)]
    )
