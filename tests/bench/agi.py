"""Asterisk's side of one FastAGI session, as cheap as Python lets it be."""

import asyncio
import socket
import time
from collections.abc import Callable

READ_BYTES = 4096
REPLY = b"200 result=0\n"

OnEnd = Callable[[bytes, float, float], None]
"""Told at the end of a session: what the server sent, and the loop-independent seconds
(time.perf_counter) of the connect and of the first command (0.0 if none came)."""


class AgiSession:
    """Connects at once, sends the header, answers one command, ends with the server's close."""

    __slots__ = ("_began", "_first", "_loop", "_on_end", "_request", "_said", "_socket")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        address: tuple[str, int],
        request: bytes,
        on_end: OnEnd,
    ) -> None:
        self._loop, self._request, self._on_end = loop, request, on_end
        self._said, self._first = b"", 0.0
        self._began = time.perf_counter()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self._socket.connect_ex(address)  # loopback: it stands when the call returns, nearly always
        self._send()

    def _send(self) -> None:
        try:
            self._socket.send(self._request)
        except BlockingIOError:  # the listener's queue is full: the kernel tries again
            self._loop.add_writer(self._socket.fileno(), self._writable)
            return
        except OSError:  # refused: ends as a session in which nothing was said
            self._end()
            return
        self._loop.add_reader(self._socket.fileno(), self._readable)

    def _writable(self) -> None:
        self._loop.remove_writer(self._socket.fileno())
        self._send()

    def _readable(self) -> None:
        try:
            data = self._socket.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._loop.remove_reader(self._socket.fileno())
            self._end()
            return
        if not self._said:
            self._first = time.perf_counter()
        self._said += data
        if self._said.endswith(b"\n"):
            self._socket.send(REPLY)

    def _end(self) -> None:
        self._socket.close()
        self._on_end(self._said, self._began, self._first)
