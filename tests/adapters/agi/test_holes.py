"""Every known hole of panoramisk 1.4's FastAGI: closed in our server, open in the bare library."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from callserver.demo.pbx.agi_client import words
from tests.adapters.agi.asterisk import PATIENCE_S, Asterisk, connected, header
from tests.adapters.agi.servers import Refused, Server, hole

Serve = Callable[..., Awaitable[Server]]
Outcome = tuple[int, str] | str

FORGED = b"200 result=1 (real)\n200 result=1 (forged)\n"
USAGE = (
    b"520-Invalid command syntax.  Proper usage follows:\nUsage: SET VARIABLE\n Sets it.\n"
    b"520 End of proper usage.\n"
)


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Open servers that are closed after the test."""
    opened: list[Server] = []

    async def open_one(kind: Any, handler: Any) -> Server:
        async def wrapped(session: Any) -> None:
            await handler(kind.wrap(session))

        opened.append(await kind.open(wrapped))
        return opened[-1]

    yield open_one
    for server in opened:
        await server.close()


async def nothing(session: Any) -> None:
    """A handler that ends at once."""


async def exchange(serve: Serve, kind: Any, *replies: bytes) -> list[Outcome]:
    """Ask for A, B, … and give these replies: what each question got, in the handler's eyes."""
    outcomes: list[Outcome] = []

    async def handler(session: Any) -> None:
        for name, _ in zip("ABC", replies, strict=False):
            try:
                outcomes.append(await session.ask(f"GET VARIABLE {name}"))
            except Exception as error:
                outcomes.append(type(error).__name__)

    server = await serve(kind, handler)
    async with connected(server.port, header()) as asterisk:
        await asterisk.answer(*replies)
        await asterisk.ended()
    return outcomes


@hole("a client that closes before the blank line freezes the process for ever", TimeoutError)
async def test_connect_and_close_freezes_nothing(kind: Any) -> None:
    """A TCP health check leaves the process running."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.adapters.agi.freeze_probe", kind.__name__),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_S):
            assert await process.stdout.readline() == b"begun\n"
        async with asyncio.timeout(kind.patience_s):
            assert await process.stdout.readline() == b"alive\n"
        await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@hole("a header may be of any size", TimeoutError)
async def test_endless_header_is_cut_off(kind: Any, serve: Serve) -> None:
    """Who sends more header than Asterisk ever does is closed."""
    server = await serve(kind, nothing)
    async with connected(server.port, b"agi_network: yes\n" * 10_000) as asterisk:
        await asterisk.ended(kind.patience_s)


@hole("a line may be of any length", TimeoutError)
async def test_endless_line_is_cut_off(kind: Any, serve: Serve) -> None:
    """Who sends a longer line than Asterisk ever does is closed."""
    server = await serve(kind, nothing)
    async with connected(server.port, b"agi_network: " + b"y" * 9_000) as asterisk:
        await asterisk.ended(kind.patience_s)


@hole("a half-open session stays for ever", TimeoutError)
async def test_half_open_session_ends(kind: Any, serve: Serve) -> None:
    """Who does not send the whole header in time is closed."""
    server = await serve(kind, nothing)
    async with connected(server.port, b"agi_network: yes\n") as asterisk:
        await asterisk.ended(kind.patience_s)


@hole("there is no cap on sessions", TimeoutError)
async def test_sessions_are_capped(kind: Any, serve: Serve) -> None:
    """No more sessions than allowed are open, even when all of them are being served."""
    leave = asyncio.Event()

    async def handler(session: Any) -> None:
        await leave.wait()

    server = await serve(kind, handler)
    everybody = [await Asterisk.connect(server.port, header()) for _ in range(6)]
    ends = [asyncio.create_task(one.ended()) for one in everybody]
    try:
        async with asyncio.timeout(kind.patience_s):
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        leave.set()
        await asyncio.wait(ends)
        for one in everybody:
            await one.close()


@hole("replies slip by one after HANGUP")
async def test_hangup_between_replies_moves_none(kind: Any, serve: Serve) -> None:
    """HANGUP is not the answer to a command."""
    first, second = b"HANGUP\n200 result=1 (a)\n", b"200 result=1 (b)\n"
    assert await exchange(serve, kind, first, second) == [(1, "a"), (1, "b")]


@hole("replies slip after a usage error of three or more lines")
async def test_usage_error_is_read_to_its_end(kind: Any, serve: Serve) -> None:
    """The command after a usage error gets its own answer."""
    outcomes = await exchange(serve, kind, USAGE, b"200 result=1 (b)\n")
    assert outcomes == ["Refused", (1, "b")]


@hole("the rest of a value with a newline answers the next command")
async def test_newline_in_a_value_answers_nothing(kind: Any, serve: Serve) -> None:
    """What stands behind a newline in a value is never taken for a reply."""
    outcomes = await exchange(serve, kind, FORGED, b"200 result=1 (b)\n")
    assert (1, "forged)") not in outcomes
    assert (1, "forged") not in outcomes


@hole("a line that is no reply is skipped as if it were one")
async def test_unparsable_reply_breaks_the_session(kind: Any, serve: Serve) -> None:
    """After a reply that cannot be read, no command of the session is believed."""
    outcomes = await exchange(serve, kind, b"nonsense\n", b"200 result=1 (b)\n")
    assert outcomes == ["Refused", "Refused"]


@hole("511 is an unknown error, and the next command is sent")
async def test_gone_channel_is_told(kind: Any, serve: Serve) -> None:
    """511 says that the channel is gone."""
    said: list[str] = []

    async def handler(session: Any) -> None:
        try:
            await session.ask("STREAM FILE beep #")
        except Refused as error:
            said.append(str(error))

    server = await serve(kind, handler)
    async with connected(server.port, header()) as asterisk:
        await asterisk.answer(b"511 Command Not Permitted on a dead channel\n")
        await asterisk.ended()
    assert said == ["the channel is gone"]


@hole("result=-2 is no error")
async def test_application_that_does_not_exist_is_an_error(kind: Any, serve: Serve) -> None:
    """Variables that were not set are not reported as set."""
    outcomes: list[str] = []

    async def handler(session: Any) -> None:
        try:
            await session.set_variable("CS_OK", "1")
            outcomes.append("set")
        except Refused:
            outcomes.append("refused")

    server = await serve(kind, handler)
    async with connected(server.port, header()) as asterisk:
        await asterisk.answer(b"200 result=-2\n")
        await asterisk.ended()
    assert outcomes == ["refused"]


@hole("result=-1 always is an error")
async def test_minus_one_is_a_result(kind: Any, serve: Serve) -> None:
    """What -1 means is for whoever knows the command."""
    assert await exchange(serve, kind, b"200 result=-1\n") == [(-1, "")]


@hole("a value `hangup` is taken for a hang-up")
async def test_value_hangup_is_a_value(kind: Any, serve: Serve) -> None:
    """A variable may hold the word hangup."""
    assert await exchange(serve, kind, b"200 result=1 (hangup)\n") == [(1, "hangup")]


@hole("the end of the session raises ValueError")
async def test_closed_session_is_told(kind: Any, serve: Serve) -> None:
    """When Asterisk closes instead of answering, the command ends with our own exception."""
    outcomes: list[str] = []

    async def handler(session: Any) -> None:
        try:
            await session.ask("NOOP")
        except Exception as error:
            outcomes.append(type(error).__name__)

    server = await serve(kind, handler)
    async with connected(server.port, header()) as asterisk:
        await asterisk.command()
        asterisk.writer.write_eof()
        await asterisk.ended()
    assert outcomes == ["Refused"]


@hole("a newline in a command runs a second command")
async def test_command_cannot_hold_another(kind: Any, serve: Serve) -> None:
    """A line break inside a command never reaches Asterisk."""

    async def handler(session: Any) -> None:
        try:
            await session.ask("NOOP x\nEXEC System id")
        except ValueError:
            return

    server = await serve(kind, handler)
    async with connected(server.port, header()) as asterisk:
        await asterisk.answer(b"200 result=0\n")
        await asterisk.ended()
    assert "EXEC System id" not in asterisk.commands


@hole("quotes and backslashes are sent as they are")
@pytest.mark.parametrize("value", ['say "hi" to all', "back\\slash", 'end\\"', 'ends"'])
async def test_any_value_arrives_as_one_argument(kind: Any, serve: Serve, value: str) -> None:
    """Quotes, backslashes and blanks in an argument stay in it, as Asterisk splits words."""

    async def handler(session: Any) -> None:
        await session.quote("SET VARIABLE", "A", value)

    server = await serve(kind, handler)
    async with connected(server.port, header()) as asterisk:
        await asterisk.answer(b"200 result=1\n")
        await asterisk.ended()
    assert words(asterisk.commands[0]) == ["SET", "VARIABLE", "A", value]


@hole("a plain function as route fails on Python 3.11", AttributeError)
async def test_plain_function_can_serve(kind: Any) -> None:
    """A handler need not be a coroutine function."""
    seen: list[Any] = []
    server = await kind.open(seen.append)
    try:
        async with connected(server.port, header()) as asterisk:
            await asterisk.ended()
    finally:
        await server.close()
    assert len(seen) == 1


@hole("cancellation is swallowed")
async def test_cancellation_reaches_the_task(kind: Any, serve: Serve) -> None:
    """A cancelled session is cancelled, and its connection closed."""
    tasks: list[asyncio.Task[Any]] = []
    running = asyncio.Event()

    async def handler(session: Any) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.append(task)
        running.set()
        await asyncio.Event().wait()

    server = await serve(kind, handler)
    async with connected(server.port, header()) as asterisk:
        async with asyncio.timeout(PATIENCE_S):
            await running.wait()
        tasks[0].cancel()
        await asyncio.wait(tasks)
        await asterisk.ended()
    assert tasks[0].cancelled()
