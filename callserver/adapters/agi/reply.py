"""What Asterisk answers to an AGI command, read strictly."""

import re
from dataclasses import dataclass

_OK = re.compile(rb"200 result=(-?\d{1,10})(?: \((.*)\))?(?: endpos=\d+)?", re.DOTALL)


class AgiError(Exception):
    """The session cannot go on."""


class SessionBroken(AgiError):
    """The other side closed, was silent too long, or said what is not AGI."""


class ChannelGone(AgiError):
    """The channel hung up (511): no command can reach it any more."""


class CommandRefused(AgiError):
    """Asterisk knows no such command (510) or not with these arguments (520)."""


@dataclass(frozen=True, slots=True)
class AgiReply:
    """`200 result=RESULT (DATA)`. What a result means depends on the command."""

    result: int
    data: str = ""


def parse_reply(line: bytes) -> AgiReply:
    """One reply line, without its newline. Raises AgiError; SessionBroken for any other form."""
    found = _OK.fullmatch(line)
    if found:
        return AgiReply(int(found[1]), (found[2] or b"").decode("utf-8", "replace"))
    if line.startswith(b"511"):
        raise ChannelGone("the channel is gone")
    if line.startswith((b"510", b"520")):
        raise CommandRefused(line.decode("utf-8", "replace")[:200])
    raise SessionBroken("a reply is not of the form `200 result=…`")
