"""One FastAGI session: a request, then commands and their replies in strict turn."""

import re
from collections.abc import Iterator, Mapping, Sequence

from panoramisk.fast_agi import Application, Request

from callserver.adapters.agi.connection import AgiConnection
from callserver.adapters.agi.reply import AgiReply, ChannelGone
from callserver.adapters.agi.request import AgiRequest

COMMAND_BYTES_MAX = 2000
"""Asterisk 22 reads a line into 8 192 bytes, older ones into 2 048, and a longer one as two."""
MSET_PAIRS_MAX = 99
_MSET_BYTES_MAX = COMMAND_BYTES_MAX - 20  # less EXEC MSet, quotes and newline

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# A value's other characters would end it, join it to the next, quote or expand it.
_ASSIGNMENT = re.compile(r"[A-Z][A-Z0-9_]{0,63}=[^\x00-\x1f\x7f,\"\\$()\[\]]*")


class AgiSession(Request):  # type: ignore[misc] # panoramisk has no types
    """A request and the channel behind it. Raises AgiError's kinds; see `command`.

    panoramisk's own reading and parsing of replies slips by a line after HANGUP, a usage error or
    a newline inside a value; all of it is replaced by AgiConnection.
    """

    def __init__(self, app: Application, request: AgiRequest, connection: AgiConnection) -> None:
        super().__init__(app, request.headers, connection, connection)
        self.request = request
        self._connection = connection

    @property
    def hung_up(self) -> bool:
        """Asterisk said HANGUP: the caller is gone, commands may still work."""
        return self._connection.hung_up

    async def send_command(self, command: str) -> AgiReply:
        """Send one command line as it is, and return its reply.

        Raises ValueError for control characters and for more than COMMAND_BYTES_MAX, SessionBroken,
        ChannelGone or CommandRefused.
        """
        if _CONTROL.search(command):
            raise ValueError("a control character would end the command and begin another")
        line = command.encode() + b"\n"
        if len(line) > COMMAND_BYTES_MAX:
            raise ValueError(f"Asterisk would read a command of {len(line)} bytes as two")
        return await self._connection.ask(line)

    async def command(self, name: str, *args: str) -> AgiReply:
        """A command with quoted arguments: `command("SET VARIABLE", "A", 'say "hi"')`."""
        return await self.send_command(" ".join([name, *map(quoted, args)]))

    async def set_variables(self, variables: Mapping[str, str]) -> None:
        """Set channel variables in this order, by MSet: one exchange, unless they fill a line.

        Raises ValueError for a name or value that MSet would read otherwise (nothing is set),
        ChannelGone when it could not run.
        """
        assignments = [f"{name}={value}" for name, value in variables.items()]
        for assignment in assignments:
            if not _ASSIGNMENT.fullmatch(assignment):
                name = assignment.partition("=")[0][:64]
                raise ValueError(f"{name!r} cannot be set to a value with such characters")
        for joined in list(_lines_of(assignments)):  # all of them, or ValueError before any
            reply = await self.send_command(f'EXEC MSet "{joined}"')
            if reply.result != 0:
                raise ChannelGone(f"MSet ended with {reply.result}")

    async def get_variable(self, name: str) -> str | None:
        """A channel variable, None if it is not set."""
        reply = await self.command("GET VARIABLE", name)
        return reply.data if reply.result == 1 else None


def quoted(text: str) -> str:
    """An argument in AGI's quotes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _lines_of(assignments: Sequence[str]) -> Iterator[str]:
    """Comma-separated assignments, as many in one text as Asterisk takes."""
    joined = ",".join(assignments)
    if len(assignments) <= MSET_PAIRS_MAX and len(joined.encode()) <= _MSET_BYTES_MAX:
        if assignments:
            yield joined
        return
    half = len(assignments) // 2
    if not half:
        raise ValueError("a value is longer than a command can be")
    yield from _lines_of(assignments[:half])
    yield from _lines_of(assignments[half:])
