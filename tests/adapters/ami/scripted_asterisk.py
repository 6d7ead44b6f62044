"""A listening socket that plays Asterisk's manager byte by byte, well or badly."""

import asyncio
from types import TracebackType
from typing import Self

SECRET = "s3cret-of-tests"
BANNER = b"Asterisk Call Manager/11.0.0\r\n"
BOOTED = b"Event: FullyBooted\r\nPrivilege: system,all\r\nStatus: Fully Booted\r\n\r\n"
Action = dict[str, str]


def message(*headers: str) -> bytes:
    """Headers as one AMI message."""
    return "".join(f"{header}\r\n" for header in (*headers, "")).encode()


def event(name: str, **fields: str) -> bytes:
    """One event."""
    return message(f"Event: {name}", *(f"{key}: {value}" for key, value in fields.items()))


class ScriptedAsterisk:
    """Logs in who knows SECRET and answers what `replies` knows; other actions stay unanswered.

    A reply is the text of messages in which `{id}` stands for the ActionID.
    """

    def __init__(self) -> None:
        self.port = 0
        self.actions: list[Action] = []
        self.connections = 0
        self.banner = BANNER
        self.booted = BOOTED
        self.frozen = False
        self.replies = {
            "CoreStatus": "Response: Success\r\nActionID: {id}\r\n"
            "CoreStartupDate: 2026-11-01\r\nCoreStartupTime: 08:00:00\r\n\r\n",
            "AbsoluteTimeout": "Response: Error\r\nActionID: {id}\r\n"
            "Message: No such channel\r\n\r\n",
            "Ping": "Response: Success\r\nActionID: {id}\r\nPing: Pong\r\n"
            "Timestamp: 1790000000.000001\r\n\r\n",
        }
        self._links: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def listen(self) -> None:
        """Listen on a free port, or on the port from before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and cut all links."""
        if self._server is not None:
            self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    @property
    def links(self) -> int:
        """How many have logged in and are still there."""
        return len(self._links)

    def named(self, name: str) -> list[Action]:
        """The actions of that name so far."""
        return [action for action in self.actions if action.get("action") == name]

    def send(self, raw: bytes) -> None:
        """To everybody who is logged in."""
        for writer in self._links:
            writer.write(raw)

    def cut(self) -> None:
        """Break every link."""
        for writer in tuple(self._links):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.connections += 1
        try:
            writer.write(self.banner)
            while True:
                raw = (await reader.readuntil(b"\r\n\r\n")).decode()
                pairs = (line.partition(": ") for line in raw.split("\r\n") if line)
                action = {name.lower(): value for name, _, value in pairs}
                self.actions.append(action)
                if not self.frozen:
                    self._answer(writer, action)
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            self._links.discard(writer)
            writer.close()

    def _answer(self, writer: asyncio.StreamWriter, action: Action) -> None:
        name, number = action.get("action", ""), action.get("actionid", "")
        if name != "Login":
            writer.write(self.replies.get(name, "").replace("{id}", number).encode())
        elif action["secret"] == SECRET:
            self._links.add(writer)
            writer.write(message("Response: Success", f"ActionID: {number}") + self.booted)
        else:
            writer.write(
                message("Response: Error", f"ActionID: {number}", "Message: Authentication failed")
            )
            writer.close()


async def until(condition: object, within_s: float = 10.0) -> None:
    """Wait until the callable is true. Raises TimeoutError."""
    assert callable(condition)
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.005)
