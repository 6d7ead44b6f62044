"""A proxy before Redis that strikes at the n-th run of a script, before or after it is done."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from callserver.adapters.redis.script import load_scripts

SCRIPTS = load_scripts()


class RedisProxy:
    """Forwards a port of its own on loopback to a Valkey's socket.

    `strike_at` arms it once: when the server asks for that script, `strike` is called, either
    instead of passing the request on, or when Redis has done it and nobody was told.
    """

    def __init__(self, socket_path: Path) -> None:
        self._socket_path = socket_path
        self._server: asyncio.Server | None = None
        self._links: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._script = ""
        self._after = False
        self._strike: Callable[[], None] | None = None
        self.struck = asyncio.Event()
        self.port = 0

    def strike_at(self, script: str, strike: Callable[[], None], *, after: bool) -> None:
        """Arm it."""
        assert script in SCRIPTS
        self.struck.clear()
        self._script, self._after, self._strike = script, after, strike

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._links:
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            near, far = await asyncio.open_unix_connection(str(self._socket_path))
        except OSError:
            writer.close()
            return
        self._links |= {writer, far}
        back = asyncio.create_task(_pump(near, writer))
        try:
            await self._requests(reader, far, near, back)
        except (OSError, asyncio.IncompleteReadError):
            pass  # one side is gone; the other goes with it
        finally:
            back.cancel()
            await asyncio.wait([back])
            for each in (writer, far):
                each.transport.abort()
            self._links -= {writer, far}

    async def _requests(
        self,
        reader: asyncio.StreamReader,
        far: asyncio.StreamWriter,
        near: asyncio.StreamReader,
        back: "asyncio.Task[None]",
    ) -> None:
        while True:
            raw, words = await _command(reader)
            if self._strike is None or not self._is_meant(words):
                far.write(raw)
                continue
            strike, self._strike = self._strike, None
            if self._after:
                back.cancel()
                await asyncio.wait([back])
                far.write(raw)
                await near.read(65_536)
            strike()
            self.struck.set()
            return

    def _is_meant(self, words: list[bytes]) -> bool:
        script = SCRIPTS[self._script]
        name = words[0].upper()
        if name == b"EVALSHA":
            return words[1] == script.sha1.encode()
        return name == b"EVAL" and words[1] == script.source.encode()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(65_536):
        sink.write(data)
    sink.close()


async def _command(reader: asyncio.StreamReader) -> tuple[bytes, list[bytes]]:
    """The next command: its bytes and its words."""
    head = await reader.readuntil(b"\n")
    raw, words = [head], []
    for _ in range(int(head[1:])):
        size = await reader.readuntil(b"\n")
        body = await reader.readexactly(int(size[1:]) + 2)
        raw += [size, body]
        words.append(body[:-2])
    return b"".join(raw), words
