"""What strangers do to a FastAGI port, each for as long as its context lasts."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

HALF_OPEN = 300
HEADER_BYTES = 10 << 20
PIECE_BYTES = 64 << 10
HALF_A_HEADER = b"agi_network: yes\nagi_network_script: route/4001000001/1.1\n"


@contextmanager
def connect_and_close(port: int) -> Iterator[None]:
    """One TCP health check, which alone freezes an unguarded server for ever."""
    _connected(port).close()
    yield


@contextmanager
def half_open(port: int) -> Iterator[None]:
    """300 sessions: a third say nothing, a third half a line, a third half a header."""
    with ExitStack() as stack:
        for number in range(HALF_OPEN):
            each = stack.enter_context(_connected(port))
            each.sendall((b"", b"agi_netw", HALF_A_HEADER)[number % 3])
        yield


@contextmanager
def huge_header(port: int) -> Iterator[None]:
    """10 MB of header lines that are each as Asterisk would write them, again and again."""
    block = HALF_A_HEADER + b"agi_callerid: 13\n" * (HEADER_BYTES // 17)
    with _over_and_over(lambda: _send(port, block)):
        yield


@contextmanager
def garbage(port: int) -> Iterator[None]:
    """Random bytes without an end; a new connection whenever one is closed."""
    with _over_and_over(lambda: _send(port, os.urandom(1 << 20))):
        yield


@contextmanager
def everything(port: int) -> Iterator[None]:
    """All of it at once."""
    with ExitStack() as stack:
        for trouble in (connect_and_close, half_open, huge_header, garbage):
            stack.enter_context(trouble(port))
        yield


def _connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def _send(port: int, data: bytes) -> None:
    with _connected(port) as each:
        for begin in range(0, len(data), PIECE_BYTES):
            try:
                each.sendall(data[begin : begin + PIECE_BYTES])
            except (BrokenPipeError, ConnectionResetError):
                return  # the server has closed it: as it should


@contextmanager
def _over_and_over(once: Callable[[], None]) -> Iterator[None]:
    """Run once in a thread, again and again with a short rest, until the context ends."""
    enough = threading.Event()

    def work() -> None:
        while not enough.wait(0.005):
            once()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        enough.set()
        thread.join(10)
