"""One connection to Redis: asyncio-redis with its holes closed.

Of asyncio-redis the frame stays: its queue of futures, answered in order, and its hiredis reader.
Every method below replaces one that hangs, loses a reply or lets a command slip in too early.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, cast

import hiredis
from asyncio_redis.protocol import HiRedisProtocol

from callserver.adapters.redis.errors import (
    OutcomeUnknown,
    RedisUnavailable,
    ScriptError,
    ScriptRefused,
    TooManyInFlight,
    error_from_reply,
)

Argument: TypeAlias = bytes | str | int
Reply: TypeAlias = Any
"""bytes, int, None or a list of these, as RESP2 brings them."""


def packed(command: Sequence[Argument]) -> bytes:
    """One command as Redis reads it (hiredis, in C)."""
    command_bytes: bytes = hiredis.pack_command(tuple(command))  # type: ignore[arg-type]  # stub: 1-tuple
    return command_bytes


GRACE_S = 0.05
"""After our own process was busy, replies may wait in the socket: read them before giving up."""


class LinkProtocol(HiRedisProtocol):  # type: ignore[misc]  # asyncio-redis has no types
    """Writes once per loop turn, answers in order, gives up on a silent server.

    `greeting` holds the futures of the handshake, which is written the moment the connection
    stands, before anything else can be. `on_lost(reason)` is called before any caller learns of
    the loss. The connection is aborted when the oldest reply is `deadline_s` late.
    """

    def __init__(
        self,
        handshake: Sequence[Sequence[Argument]],
        *,
        on_lost: Callable[[str], None],
        deadline_s: float,
        in_flight_max: int,
    ) -> None:
        super().__init__(enable_typechecking=False)
        self.greeting: list[asyncio.Future[Reply]] = []
        self._queue: deque[asyncio.Future[Reply]] = deque()
        self._handshake = handshake
        self._on_lost = on_lost
        self._deadline_s = deadline_s
        self._in_flight_max = in_flight_max
        self._loop = asyncio.get_running_loop()
        self._lost_reason = ""
        self._unsent: list[bytes] = []
        self._sent_count = 0
        self._answered_count = 0
        self._waiting_since: deque[tuple[float, int]] = deque()  # (time, _sent_count) per write
        self._watch: asyncio.TimerHandle | None = None
        self._late = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Write the handshake at once; nothing can come before it."""
        self.transport = cast(asyncio.Transport, transport)
        self._is_connected = True
        self._hiredis = hiredis.Reader()
        self.greeting = [self.ask(packed(command)) for command in self._handshake]
        self._flush()

    def ask(self, command: bytes) -> "asyncio.Future[Reply]":
        """Queue one packed command; its reply or error comes by the future.

        Raises RedisUnavailable (nothing is sent), also as TooManyInFlight.
        """
        if not self._is_connected or self._lost_reason:
            raise RedisUnavailable(self._lost_reason or "not connected")
        if len(self._queue) >= self._in_flight_max:
            raise TooManyInFlight(f"{self._in_flight_max} commands wait for Redis already")
        future: asyncio.Future[Reply] = self._loop.create_future()
        self._queue.append(future)
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(command)
        return future

    def drop(self, reason: str) -> None:
        """Abort the connection; what was sent and not answered has an unknown outcome."""
        if self._is_connected and not self._lost_reason:
            self._lost_reason = reason
            self.transport.abort()

    async def drained(self) -> None:
        """Wait until everything asked so far is answered or lost."""
        if self._queue:
            await asyncio.wait(list(self._queue))

    @property
    def in_flight(self) -> int:
        """Commands without a reply."""
        return len(self._queue)

    def data_received(self, data: bytes) -> None:
        """Answer the futures in order; garbage ends the connection."""
        try:
            self._hiredis.feed(data)
            while (reply := self._hiredis.gets()) is not False:
                self._push_answer(reply)
        except (hiredis.ProtocolError, IndexError):
            # IndexError: a reply nobody asked for. Either way the order of replies is lost.
            self.drop("the server does not speak the Redis protocol")

    def _push_answer(self, answer: Reply) -> None:
        future = self._queue.popleft()
        self._answered_count += 1
        if future.done():  # cancelled by its caller; the reply has no one to go to
            return
        if isinstance(answer, hiredis.ReplyError):
            self._fail(future, str(answer))
        else:
            future.set_result(answer)

    def _fail(self, future: "asyncio.Future[Reply]", text: str) -> None:
        error: ScriptRefused | ScriptError = error_from_reply(text)
        future.set_exception(error)
        if error.code == "READONLY":  # demoted under us: connect anew and see what it is now
            self.drop("the server became a replica")

    def eof_received(self) -> None:
        """Let the transport close; connection_lost tells the callers."""
        self._lost_reason = self._lost_reason or "the server closed the connection"

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the link, then every caller what its own command's fate is."""
        self._is_connected = False
        reason = self._lost_reason = self._lost_reason or str(exc or "connection closed")
        if self._watch is not None:
            self._watch.cancel()
        self._on_lost(reason)
        sent = len(self._queue) - len(self._unsent)
        self._unsent.clear()
        while self._queue:
            future, sent = self._queue.popleft(), sent - 1
            if not future.done():
                future.set_exception(
                    OutcomeUnknown(f"no reply: {reason}") if sent >= 0 else RedisUnavailable(reason)
                )

    def _flush(self) -> None:
        if not self._unsent or not self._is_connected or self._lost_reason:
            return  # connection_lost tells the callers that nothing was sent
        self._sent_count += len(self._unsent)
        self.transport.write(b"".join(self._unsent))
        self._unsent.clear()
        self._forget_answered()
        self._waiting_since.append((self._loop.time(), self._sent_count))
        if self._watch is None:
            self._watch_until(self._waiting_since[0][0] + self._deadline_s)

    def _forget_answered(self) -> None:
        while self._waiting_since and self._waiting_since[0][1] <= self._answered_count:
            self._waiting_since.popleft()

    def _watch_until(self, when: float) -> None:
        self._watch = self._loop.call_at(when, self._check_deadline)

    def _check_deadline(self) -> None:
        self._watch = None
        self._forget_answered()
        if not self._waiting_since:
            self._late = False
            return
        due, now = self._waiting_since[0][0] + self._deadline_s, self._loop.time()
        if now < due:
            self._late = False
            self._watch_until(due)
        elif not self._late:
            self._late = True
            self._watch_until(now + GRACE_S)
        else:
            self.drop(f"no reply within {self._deadline_s:g} s")
