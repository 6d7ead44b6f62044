"""One FastAGI connection: bytes in, a header block and then replies out, all of it bounded."""

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from callserver.adapters.agi.deadlines import Deadlines
from callserver.adapters.agi.reply import (
    AgiReply,
    ChannelGone,
    CommandRefused,
    SessionBroken,
    parse_reply,
)

REPLY_BYTES_MAX = 64 << 10
HANGUP = b"HANGUP"
_FIRST = b"agi_"  # each header begins so; whoever begins otherwise is not Asterisk


@dataclass(frozen=True, slots=True)
class AgiLimits:
    """Bounds of one port.

    Over `sessions_max` a connection is closed unanswered, and the dialplan goes on. `waiting_max`
    of them may still be sending their header: the oldest silent one makes room for the next, so
    that silent connections cannot take all places.
    """

    header_s: float = 3.0
    reply_s: float = 5.0
    line_bytes_max: int = 8 << 10
    header_bytes_max: int = 16 << 10
    sessions_max: int = 2000
    waiting_max: int = 1000
    backlog: int = 1024


class Refused(StrEnum):
    """Why a connection was closed unserved."""

    BAD_HEADER = "bad_header"
    NO_REQUEST = "no_request"
    NOT_ALLOWED = "not_allowed"
    TOO_MANY = "too_many_sessions"


class AgiHost(Protocol):
    """What a connection needs of the server it came to, in the thread of the loop."""

    limits: AgiLimits
    replies: "Deadlines[AgiConnection]"

    def opened(self, connection: "AgiConnection") -> None:
        """A connection was made: let it send its header, or refuse it."""

    def begin(self, connection: "AgiConnection", block: bytes) -> None:
        """The header is whole: run a session, or refuse it."""

    def lost(self, connection: "AgiConnection") -> None:
        """The connection is gone."""

    def refuse(self, connection: "AgiConnection", kind: Refused, reason: str) -> None:
        """Close a connection unserved, and count it."""


class AgiConnection(asyncio.Protocol):
    """Reader and writer of one session, in the place of panoramisk's streams.

    Until the header is whole it costs no task and no timer of its own: a silent connection is only
    an entry in the server's deadlines.
    """

    __slots__ = (
        "_buffer",
        "_loop",
        "_reply",
        "_server",
        "_usage",
        "_waiter",
        "broken",
        "closed",
        "hung_up",
        "started",
        "transport",
    )

    transport: asyncio.Transport

    def __init__(self, server: AgiHost, loop: asyncio.AbstractEventLoop) -> None:
        self._server = server
        self._loop = loop
        self._buffer = b""
        self._waiter: asyncio.Future[AgiReply] | None = None
        self._reply: AgiReply | Exception | None = None
        self._usage = False
        self.started = False
        """The header is whole, a session runs."""
        self.hung_up = False
        """Asterisk said HANGUP: the caller is gone, commands may still work."""
        self.broken = ""
        """Why no command can be sent any more."""
        self.closed = False

    # ---- called by the loop

    def connection_made(self, transport: Any) -> None:
        """Ask the server whether it may stay."""
        self.transport = transport
        self._server.opened(self)

    def data_received(self, data: bytes) -> None:
        """Collect the header, then read replies."""
        if self.closed or self.broken:
            return
        self._buffer += data
        if self.started:
            self._read_replies()
        else:
            self._read_header()

    def connection_lost(self, exc: Exception | None) -> None:
        """The other side closed, or the network did."""
        self.closed = True
        if self.hung_up:
            self._fail(ChannelGone("the channel hung up"))
        else:
            self.break_off("Asterisk closed the session")
        self._server.lost(self)

    # ---- header

    def _read_header(self) -> None:
        held, limits = self._buffer, self._server.limits
        end = held.find(b"\n\n")
        size = end if end >= 0 else len(held)
        last_line = size - 1 - held.rfind(b"\n", 0, size)
        if not held.startswith(_FIRST[: len(held)]):
            self._server.refuse(self, Refused.BAD_HEADER, "a line is not `agi_name: value`")
        elif size > limits.header_bytes_max:
            self._server.refuse(self, Refused.BAD_HEADER, f"over {limits.header_bytes_max} bytes")
        elif last_line > limits.line_bytes_max or (end >= 0 and self._long_line(held[:end])):
            self._server.refuse(
                self, Refused.BAD_HEADER, f"a line over {limits.line_bytes_max} bytes"
            )
        elif end >= 0:
            self.started = True
            self._buffer = held[end + 2 :]
            self._server.begin(self, held[:end])
            if self._buffer:
                self._read_replies()

    def _long_line(self, block: bytes) -> bool:
        line_max = self._server.limits.line_bytes_max
        return len(block) > line_max and any(len(line) > line_max for line in block.split(b"\n"))

    # ---- replies

    def ask(self, command: bytes) -> "asyncio.Future[AgiReply]":
        """Send one command line; the future of its reply. Raises SessionBroken."""
        if self._waiter is not None:
            raise RuntimeError("the command before has not been answered")
        if self.broken or self.closed:
            raise SessionBroken(self.broken or "the session is over")
        self._waiter = self._loop.create_future()
        self._server.replies.begin(self)
        self.transport.write(command)
        return self._waiter

    def _read_replies(self) -> None:
        if len(self._buffer) > REPLY_BYTES_MAX:
            self.break_off(f"a reply over {REPLY_BYTES_MAX} bytes")
            return
        *lines, self._buffer = self._buffer.split(b"\n")
        for line in lines:
            self._take_line(line)
        if self._reply is None or self.broken:
            return
        # What follows a reply at once is HANGUP, or the rest of a value with a newline in it.
        if self._buffer and not (HANGUP + b"\n").startswith(self._buffer):
            self.break_off("a reply is followed by more than it should")
            return
        reply, self._reply = self._reply, None
        if isinstance(reply, SessionBroken):
            self.break_off(str(reply))
        else:
            self._deliver(reply)

    def _take_line(self, line: bytes) -> None:
        if line == HANGUP:
            self.hung_up = True
        elif self._waiter is None or self._reply is not None:
            self.break_off("a line came that no command asked for")
        elif self._usage:
            if line.startswith(b"520 "):
                self._usage = False
                self._reply = CommandRefused("520 Invalid command syntax.")
        elif line.startswith(b"520-"):
            self._usage = True
        elif not line.startswith(b"100 "):  # 100 Trying…: the reply follows
            try:
                self._reply = parse_reply(line)
            except (SessionBroken, ChannelGone, CommandRefused) as error:
                self._reply = error

    def _deliver(self, reply: AgiReply | Exception) -> None:
        if isinstance(reply, Exception):
            self._fail(reply)
            return
        waiter, self._waiter = self._waiter, None
        self._server.replies.end(self)
        if waiter is not None and not waiter.done():
            waiter.set_result(reply)

    def _fail(self, error: Exception) -> None:
        waiter, self._waiter = self._waiter, None
        self._server.replies.end(self)
        if waiter is not None and not waiter.done():
            waiter.set_exception(error)

    # ---- the end

    def break_off(self, reason: str) -> None:
        """End it: what would come now can be the answer to another command."""
        if not self.broken:
            self.broken = reason
            self._buffer = b""
            self.transport.abort()  # not read on: who says the unasked may go on saying it
            self._fail(SessionBroken(reason))

    def close(self) -> None:
        """The session is over; Asterisk goes on with its dialplan."""
        if not self.closed:
            self.closed = True
            self.transport.close()

    def abort(self) -> None:
        """Close at once, for one who is not served."""
        self.closed = True
        self.transport.abort()
