"""Our link and bare asyncio-redis behind one face, so that one test shows hole and cure."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, Self

import asyncio_redis
import pytest
from asyncio_redis.protocol import HiRedisProtocol, RedisProtocol, _NoTransaction

from callserver.adapters.redis.client import RedisLink
from callserver.adapters.redis.script import Script
from callserver.adapters.redis.url import RedisTarget

PATIENCE_S = 15.0
DEADLINE_S = 0.3
HANGING_S = 2.0
"""A bare client that has not answered by then never does."""


class Client(Protocol):
    """What the hole tests ask of a client."""

    transport: Any

    async def command(self, *args: str) -> Any: ...
    async def evalsha(self, script: Script, *args: str) -> Any: ...
    async def close(self) -> None: ...


class Ours:
    """RedisLink with a short deadline."""

    def __init__(self, link: RedisLink) -> None:
        self.link = link

    @classmethod
    async def open(cls, target: RedisTarget) -> Self:
        link = RedisLink(target, deadline_s=DEADLINE_S)
        await link.start()
        return cls(link)

    @property
    def transport(self) -> Any:
        return self.link._protocol.transport

    @transport.setter
    def transport(self, transport: Any) -> None:
        self.link._protocol.transport = transport

    async def command(self, *args: str) -> Any:
        return await self.link.query(*args)

    async def evalsha(self, script: Script, *args: str) -> Any:
        return await self.link.evalsha(script, [], args)

    async def close(self) -> None:
        await self.link.stop()


class Bare:
    """asyncio_redis.Connection as its documentation says, with its hiredis parser."""

    parser: type[RedisProtocol] = HiRedisProtocol

    def __init__(self, connection: asyncio_redis.Connection) -> None:
        self.connection = connection

    @classmethod
    async def open(cls, target: RedisTarget) -> Self:
        return cls(
            await asyncio_redis.Connection.create(
                host=target.path or target.host,
                port=0 if target.path else target.port,
                password=target.password or None,
                db=target.db,
                protocol_class=cls.parser,
            )
        )

    @property
    def transport(self) -> Any:
        return self.connection.protocol.transport

    @transport.setter
    def transport(self, transport: Any) -> None:
        self.connection.protocol.transport = transport

    async def command(self, *args: str) -> Any:
        words = [word.encode() for word in args]
        return await self.connection.protocol._query(_NoTransaction, *words)

    async def evalsha(self, script: Script, *args: str) -> Any:
        reply = await self.connection.evalsha(script.sha1, keys=[], args=list(args))
        return await reply.return_value()

    async def close(self) -> None:
        self.connection.close()
        await asyncio.sleep(0.01)


class BarePure(Bare):
    """The same with its own parser, the default."""

    parser = RedisProtocol


Opener = Callable[[RedisTarget], Awaitable[Client]]
Raises = type[BaseException] | tuple[type[BaseException], ...]


def hole(why: str, raises: Raises, *bare: type[Bare]) -> pytest.MarkDecorator:
    """Run with our link, which must pass, and with the bare library, which must fail so."""
    mark = pytest.mark.xfail(strict=True, raises=raises, reason=f"asyncio-redis 0.16: {why}")
    broken = [pytest.param(kind, id=kind.__name__, marks=mark) for kind in bare or (Bare,)]
    return pytest.mark.parametrize("kind", [pytest.param(Ours, id="Ours"), *broken])
