"""Our FastAGI sessions on a real Asterisk 22."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from callserver.adapters.agi.reply import AgiReply, ChannelGone, CommandRefused, SessionBroken
from callserver.adapters.agi.server import AgiServer
from callserver.adapters.agi.session import AgiSession
from callserver.demo.asterisk.folder import AsteriskFolder
from callserver.domain.pbx_contract import LINES_MAX, DialLine, route_reply
from tests.adapters.agi.asterisk import PATIENCE_S
from tests.dialplan.conftest import DID, asterisk_folder
from tests.e2e.bed import Bed

__all__ = ["asterisk_folder"]

pytestmark = pytest.mark.e2e

Work = Callable[[AgiSession], Awaitable[Any]]
Calls = Callable[..., Awaitable[list[Any]]]


@pytest.fixture
async def in_call(asterisk_folder: AsteriskFolder, tmp_path: Path) -> AsyncIterator[Calls]:
    """Do works one after another in the route request of one call; what each gave or raised."""
    works: list[Work] = []
    outcomes: list[Any] = []
    finished = asyncio.Event()

    async def handler(session: AgiSession) -> None:
        if session.request.path[0] != "route":
            return
        for work in works:
            try:
                outcomes.append(await work(session))
            except Exception as error:
                outcomes.append(error)
        finished.set()

    async def call(*these: Work) -> list[Any]:
        works[:] = these
        outcomes.clear()
        finished.clear()
        await asyncio.to_thread(bed.call, DID)
        async with asyncio.timeout(PATIENCE_S):
            await finished.wait()
        return list(outcomes)

    server = AgiServer("127.0.0.1", 0, handler)
    await server.start()
    bed = Bed(asterisk_folder, tmp_path / "bed", ("127.0.0.1", server.port), {})
    await asyncio.to_thread(bed.__enter__)
    yield call
    await asyncio.to_thread(bed.__exit__, None, None, None)
    await server.stop()


async def test_asterisk_takes_what_we_send(in_call: Calls) -> None:
    """The longest decision arrives whole, quoted text unchanged, refusals leave replies in turn."""
    lines = [DialLine("0" * 20, "t" * 64, 999)] * LINES_MAX
    decision = route_reply(lines, 20, 999_999) | {"CS_PROMPT": "", "CS_FORM": "a=b c"}
    said = 'say "hi", \\ and 上海'

    async def decide(session: AgiSession) -> dict[str, str | None]:
        await session.set_variables(decision)
        return {name: await session.get_variable(name) for name in decision}

    async def say(session: AgiSession) -> str | None:
        await session.command("SET VARIABLE", "CS_SAID", said)
        return await session.get_variable("CS_SAID")

    decided, heard, usage, unknown, application, unset = await in_call(
        decide,
        say,
        lambda session: session.command("SET VARIABLE"),
        lambda session: session.command("NO SUCH COMMAND"),
        lambda session: session.command("EXEC", "NoSuchApplication", "x"),
        lambda session: session.get_variable("CS_NEVER_SET"),
    )
    assert decided == decision
    assert heard == said
    assert isinstance(usage, CommandRefused)
    assert isinstance(unknown, CommandRefused)
    assert application == AgiReply(-2)
    assert unset is None


async def test_value_with_a_newline_breaks_the_session(in_call: Calls) -> None:
    """Asterisk passes a newline inside a value on as it is."""
    outcome, after = await in_call(
        lambda session: session.command("GET FULL VARIABLE", "${SHELL(seq 2)}"),
        lambda session: session.get_variable("CS_DID"),
    )
    assert isinstance(outcome, SessionBroken)
    assert isinstance(after, SessionBroken)


async def test_overlong_line_is_read_as_two(in_call: Calls) -> None:
    """Why no command is longer than COMMAND_BYTES_MAX: its rest answers in the next one's place."""
    first, after = await in_call(
        lambda session: session._connection.ask(b"NOOP " + b"x" * 9000 + b"\n"),
        lambda session: session.command("NOOP"),
    )
    assert first == AgiReply(0)
    assert isinstance(after, CommandRefused)


async def test_hangup_during_a_session_is_told(in_call: Calls) -> None:
    """Asterisk says HANGUP and, as the dialplan wants it, ends the session."""

    async def hang_up(session: AgiSession) -> tuple[int, bool]:
        reply = await session.command("HANGUP")
        await asyncio.sleep(0.3)
        return reply.result, session.hung_up

    first, after = await in_call(hang_up, lambda session: session.command("NOOP"))
    assert first == (1, True)
    assert isinstance(after, SessionBroken | ChannelGone)
