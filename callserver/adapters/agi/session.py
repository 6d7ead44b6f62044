"""One FastAGI session: a request, then commands and their replies in strict turn."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from panoramisk.fast_agi import Request

from callserver.adapters.agi.reply import AgiReply, ChannelGone, SessionBroken, parse_reply
from callserver.adapters.agi.request import AgiRequest

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,63}", re.ASCII)
_IN_MSET = re.compile(r"[\x00-\x1f\x7f,\"\\$]")  # would end, quote or expand an MSet argument
REPLY_LINES_MAX = 50


class AgiSession(Request):  # type: ignore[misc] # panoramisk has no types
    """A request and the channel behind it. Raises AgiError's kinds; see `command`.

    panoramisk's own reading and parsing of replies slips by a line after HANGUP, a usage error or
    a newline inside a value; all of it is replaced here.
    """

    def __init__(self, request: AgiRequest, reader: Any, writer: Any, reply_s: float) -> None:
        super().__init__(None, request.headers, reader, writer)
        self.request = request
        self.hung_up = False
        """Asterisk said HANGUP: the caller is gone, commands may still work."""
        self._reply_s = reply_s

    async def send_command(self, command: str) -> AgiReply:
        """Send one command line. Raises ValueError for control characters, else AgiError's."""
        if _CONTROL.search(command):
            raise ValueError("a control character would end the command and begin another")
        self.writer.write(command.encode() + b"\n")
        try:
            async with asyncio.timeout(self._reply_s):
                return await self._reply()
        except TimeoutError:
            raise SessionBroken(f"no reply within {self._reply_s:g} s") from None

    async def command(self, name: str, *args: str) -> AgiReply:
        """A command with quoted arguments: `command("SET VARIABLE", "A", 'say "hi"')`."""
        return await self.send_command(" ".join([name, *map(quoted, args)]))

    async def set_variables(self, variables: Mapping[str, str]) -> None:
        """Set channel variables in this order, in one exchange (the application MSet).

        Raises ValueError for a name or value that MSet would read otherwise, ChannelGone when it
        could not run.
        """
        for name, value in variables.items():
            if not _NAME.fullmatch(name) or _IN_MSET.search(value):
                raise ValueError(f"{name} cannot be set to a value with such characters")
        pairs = ",".join(f"{name}={value}" for name, value in variables.items())
        reply = await self.send_command(f'EXEC MSet "{pairs}"')
        if reply.result != 0:
            raise ChannelGone(f"MSet ended with {reply.result}")

    async def get_variable(self, name: str) -> str | None:
        """A channel variable, None if it is not set."""
        reply = await self.command("GET VARIABLE", name)
        return reply.data if reply.result == 1 else None

    async def _reply(self) -> AgiReply:
        for _ in range(REPLY_LINES_MAX):
            line = await self._line()
            if line == b"HANGUP":
                self.hung_up = True
            elif line.startswith(b"520-"):
                await self._usage()
                return parse_reply(b"520 " + line[4:])
            elif not line.startswith(b"100 "):  # 100 Trying…: the reply follows
                return parse_reply(line)
        raise SessionBroken("too many lines instead of a reply")

    async def _usage(self) -> None:
        """Read a usage error to its last line, so that the next reply is the next command's."""
        for _ in range(REPLY_LINES_MAX):
            if (await self._line()).startswith(b"520 "):
                return
        raise SessionBroken("a usage error without an end")

    async def _line(self) -> bytes:
        try:
            line: bytes = await self.reader.readuntil(b"\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError) as error:
            raise SessionBroken(type(error).__name__) from error
        return line[:-1]


def quoted(text: str) -> str:
    """An argument in AGI's quotes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
