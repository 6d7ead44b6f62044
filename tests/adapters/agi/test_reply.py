"""Replies to AGI commands, read strictly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callserver.adapters.agi.reply import (
    AgiError,
    AgiReply,
    ChannelGone,
    CommandRefused,
    SessionBroken,
    parse_reply,
)

READ = {
    b"200 result=0": AgiReply(0),
    b"200 result=-1": AgiReply(-1),
    b"200 result=-2": AgiReply(-2),
    b"200 result=1 (a (nested) value)": AgiReply(1, "a (nested) value"),
    b"200 result=1 ()": AgiReply(1),
    b"200 result=49 endpos=123": AgiReply(49),
    b"200 result=0 (timeout) endpos=123": AgiReply(0, "timeout"),
    "200 result=1 (上海)".encode(): AgiReply(1, "上海"),
}
RAISES = {
    b"511 Command Not Permitted on a dead channel or intercept routine": ChannelGone,
    b"510 Invalid or unknown command": CommandRefused,
    b"520 Invalid command syntax.  Proper usage not available.": CommandRefused,
    b"": SessionBroken,
    b"200": SessionBroken,
    b"200 result=": SessionBroken,
    b"200 result=1 (value cut": SessionBroken,
    b"200 result=1 junk": SessionBroken,
    b" 200 result=1": SessionBroken,
    b"200 result=99999999999": SessionBroken,
    b"HANGUP": SessionBroken,
}


@pytest.mark.parametrize(("line", "reply"), READ.items())
def test_replies_of_asterisk_are_read(line: bytes, reply: AgiReply) -> None:
    """Result and data, whatever the result means."""
    assert parse_reply(line) == reply


@pytest.mark.parametrize(("line", "kind"), RAISES.items())
def test_errors_and_garbage_are_told_apart(line: bytes, kind: type[AgiError]) -> None:
    """A gone channel, a refused command, and what is no reply at all."""
    with pytest.raises(kind):
        parse_reply(line)


@given(st.binary(max_size=100))
def test_any_line_is_read_or_an_agi_error(line: bytes) -> None:
    """Garbage raises AgiError and nothing else."""
    try:
        parse_reply(line)
    except AgiError:
        return
    assert line.startswith(b"200 result=")
