"""Commands of a session, as Asterisk gets them, and what comes of its replies."""

import asyncio
from typing import Any

import pytest

from callserver.adapters.agi.reply import AgiReply, ChannelGone, CommandRefused, SessionBroken
from callserver.adapters.agi.session import COMMAND_BYTES_MAX, MSET_PAIRS_MAX, AgiSession
from callserver.demo.pbx.agi_client import words
from tests.adapters.agi.conftest import Run

OK = b"200 result=0\n"


async def test_variables_are_set_in_one_command(run: Run) -> None:
    """A decision costs one exchange, in the order given."""

    async def work(session: AgiSession) -> None:
        await session.set_variables({"CS_LINES": "2", "CS_PROMPT": "", "CS_OK": "1"})

    assert await run(work, replies=(OK,)) == [
        None,
        ['EXEC MSet "CS_LINES=2,CS_PROMPT=,CS_OK=1"'],
    ]


async def test_variables_that_fill_a_line_keep_their_order(run: Run) -> None:
    """What Asterisk would cut is sent in more commands, the last variable still last."""
    variables = {f"CS_V{number}": "x" * 60 for number in range(100)} | {"CS_OK": "1"}

    async def work(session: AgiSession) -> None:
        await session.set_variables(variables)

    outcome, commands = await run(work, replies=(OK,) * 20)
    assert outcome is None
    assert all(len(command) < COMMAND_BYTES_MAX for command in commands)
    sets = [words(command)[2].split(",") for command in commands]
    assert all(len(pairs) <= MSET_PAIRS_MAX for pairs in sets)
    assert dict(pair.split("=") for pairs in sets for pair in pairs) == variables
    assert sets[-1][-1] == "CS_OK=1"


@pytest.mark.parametrize("value", ["a,B=1", 'a"', "a\\", "${SHELL(id)}", "a\nb", "a(b", "[", "\0"])
async def test_value_that_mset_would_read_otherwise_is_refused(run: Run, value: str) -> None:
    """Nothing is sent, not even the variables before it."""

    async def work(session: AgiSession) -> None:
        await session.set_variables({"CS_LINE": "1", "CS_PROMPT": value})

    outcome, commands = await run(work)
    assert isinstance(outcome, ValueError)
    assert commands == []


@pytest.mark.parametrize("name", ["TIMEOUT(absolute)", "a b", "", "cs_ok", "A=B"])
async def test_name_that_is_no_plain_variable_is_refused(run: Run, name: str) -> None:
    """A function or a second assignment cannot hide in a name."""

    async def work(session: AgiSession) -> None:
        await session.set_variables({name: "x,"} if name == "A=B" else {name: "x"})

    outcome, commands = await run(work)
    assert isinstance(outcome, ValueError)
    assert commands == []


async def test_command_that_is_too_long_is_refused(run: Run) -> None:
    """Asterisk would read it as two."""
    outcome, too_much, commands = await run(
        lambda session: session.command("NOOP", "x" * COMMAND_BYTES_MAX),
        lambda session: session.set_variables({"CS_A": "x" * COMMAND_BYTES_MAX}),
    )
    assert isinstance(outcome, ValueError)
    assert isinstance(too_much, ValueError)
    assert commands == []


async def test_variable_is_read_or_none(run: Run) -> None:
    """An unset variable is None, an empty one is empty."""
    got = await run(
        *[lambda session: session.get_variable("CS_OK")] * 3,
        replies=(b"200 result=1 (yes)\n", b"200 result=0\n", b"200 result=1 ()\n"),
    )
    assert got == ["yes", None, "", ['GET VARIABLE "CS_OK"'] * 3]


async def test_hangup_is_a_flag(run: Run) -> None:
    """HANGUP before a reply is noted, and the reply is still the command's."""

    async def work(session: AgiSession) -> Any:
        reply = await session.command("NOOP")
        return reply, session.hung_up

    first, second, _ = await run(work, work, replies=(OK, b"HANGUP\n200 result=1\n"))
    assert first == (AgiReply(0), False)
    assert second == (AgiReply(1), True)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (b"511 Command Not Permitted on a dead channel\n", ChannelGone),
        (b"510 Invalid or unknown command\n", CommandRefused),
        (b"520 Invalid command syntax.  Proper usage not available.\n", CommandRefused),
        (b"520-Invalid\nUsage: one\ntwo\n520 End of proper usage.\n", CommandRefused),
    ],
)
async def test_refusals_leave_the_session_usable(
    run: Run, reply: bytes, kind: type[Exception]
) -> None:
    """The next command gets its own reply."""
    refused, after, _ = await run(
        lambda session: session.command("A"),
        lambda session: session.command("B"),
        replies=(reply, b"200 result=7\n"),
    )
    assert isinstance(refused, kind)
    assert after == AgiReply(7)


async def test_trying_is_followed_by_the_reply(run: Run) -> None:
    """100 Trying is not the reply."""
    reply, _ = await run(
        lambda session: session.command("ANSWER"),
        replies=(b"100 result=0 Trying...\n200 result=3\n",),
    )
    assert reply == AgiReply(3)


async def test_missing_reply_ends_the_session(run: Run) -> None:
    """A frozen Asterisk holds a handler for the reply's time and no longer."""
    late, after, _ = await run(
        lambda session: session.command("NOOP"),
        lambda session: session.command("NOOP"),
    )
    assert isinstance(late, SessionBroken)
    assert isinstance(after, SessionBroken)


async def test_hangup_then_end_is_a_gone_channel(run: Run) -> None:
    """With AGIEXITONHANGUP Asterisk says HANGUP and closes."""

    async def work(session: AgiSession) -> None:
        session._connection.hung_up = True
        session._connection.transport.abort()
        await session._connection.ask(b"NOOP\n")

    outcome, _ = await run(work)
    assert isinstance(outcome, ChannelGone)


async def test_two_commands_at_once_are_a_fault(run: Run) -> None:
    """Replies have no names: only one command may wait."""

    async def work(session: AgiSession) -> Any:
        both = (session.command("A"), session.command("B"))
        return await asyncio.gather(*both, return_exceptions=True)

    (first, second), commands = await run(work, replies=(OK,))
    assert first == AgiReply(0)
    assert isinstance(second, RuntimeError)
    assert commands == ["A"]
