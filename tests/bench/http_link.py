"""One keep-alive HTTP connection, as cheap as Python lets it be."""

import asyncio
from collections.abc import Callable
from typing import cast

OnAnswer = Callable[[int], None]


def get(path: str, token: str) -> bytes:
    """The bytes of a GET."""
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n".encode()


class HttpLink(asyncio.Protocol):
    """Asks one thing at a time; `on_answer(status)` when the body is whole."""

    def __init__(self) -> None:
        self._held = b""
        self._on_answer: OnAnswer | None = None
        self.transport: asyncio.Transport

    @classmethod
    async def connect(cls, address: tuple[str, int]) -> "HttpLink":
        """Raises OSError."""
        loop = asyncio.get_running_loop()
        _, link = await loop.create_connection(cls, *address)
        return link

    def ask(self, request: bytes, on_answer: OnAnswer) -> None:
        """Send; the answer must have come before the next."""
        self._on_answer = on_answer
        self.transport.write(request)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        self._held += data
        head = self._held.find(b"\r\n\r\n")
        if head < 0:
            return
        at = self._held.find(b"Content-Length: ", 0, head) + 16
        length = int(self._held[at : self._held.find(b"\r\n", at)])
        if len(self._held) < head + 4 + length:
            return
        status = int(self._held[9:12])
        self._held = self._held[head + 4 + length :]
        then, self._on_answer = self._on_answer, None
        if then is not None:
            then(status)
