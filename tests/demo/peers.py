"""The other side of the simulated PBX: a FastAGI server and an AMI client, byte by byte."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Message = list[tuple[str, str]]


@dataclass
class AgiPeer:
    """Answers each script with fixed commands, and keeps what was asked and replied."""

    commands: Mapping[str, list[str]]
    requests: list[dict[str, str]] = field(default_factory=list)
    replies: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One session, as callserver would have it."""
        header = (await reader.readuntil(b"\n\n")).decode()
        lines = header.removesuffix("\n\n").split("\n")
        request = {line.partition(": ")[0]: line.partition(": ")[2] for line in lines}
        self.requests.append(request)
        script = request["agi_network_script"].split("/")[0]
        for command in self.commands.get(script, []):
            writer.write(f"{command}\n".encode())
            self.replies.append((await reader.readline()).decode().strip())
        writer.close()

    def scripts(self) -> list[str]:
        """The scripts asked for, in order."""
        return [request["agi_network_script"].split("/")[0] for request in self.requests]

    def args(self, script: str) -> list[str]:
        """The arguments of the last request of a script."""
        request = [r for r in self.requests if r["agi_network_script"].startswith(script)][-1]
        count = sum(name.startswith("agi_arg_") for name in request)
        return [request[f"agi_arg_{index}"] for index in range(1, count + 1)]


@asynccontextmanager
async def agi_peer(commands: Mapping[str, list[str]]) -> AsyncIterator[tuple[AgiPeer, int]]:
    """A FastAGI server on a free port."""
    peer = AgiPeer(commands)
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    try:
        yield peer, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


def routed(*lines: str, held_s: int = 60) -> str:
    """A decision: `number` lines by trunk `carrier`, ringing one second each."""
    pairs = [f"CS_LINES={len(lines)}"]
    for index, number in enumerate(lines, start=1):
        pairs += [f"CS_DEST_{index}={number}", f"CS_TRUNK_{index}=carrier", f"CS_RING_{index}=1"]
    return f'EXEC MSet "{",".join([*pairs, "CS_LINE=1", f"CS_HELD={held_s}", "CS_OK=1"])}"'


class AmiPeer:
    """A raw AMI client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self) -> Message:
        """The next message, header by header."""
        async with asyncio.timeout(5):
            text = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        pairs = (line.partition(": ") for line in text.strip("\r\n").split("\r\n"))
        return [(name, value) for name, _, value in pairs]

    async def act(self, action: str, **headers: str) -> dict[str, str]:
        """Send an action and read the next message."""
        lines = {"Action": action, "ActionID": "7", **headers}
        text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self._writer.write(f"{text}\r\n".encode())
        return dict(await self.read())

    async def event(self, name: str) -> Message:
        """Skip to the next event of that name."""
        while True:
            message = await self.read()
            if ("Event", name) in message:
                return message

    async def at_end(self) -> bool:
        """Whether the PBX has closed the link."""
        async with asyncio.timeout(5):
            return await self._reader.read() == b""


@asynccontextmanager
async def ami_peer(port: int, secret: str | None = "s3cret") -> AsyncIterator[AmiPeer]:
    """A link to the PBX, logged in unless `secret` is None."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        assert (await reader.readline()).startswith(b"Asterisk Call Manager/")
        peer = AmiPeer(reader, writer)
        if secret is not None:
            assert (await peer.act("Login", Username="callserver", Secret=secret))["Response"]
            await peer.event("FullyBooted")
        yield peer
    finally:
        writer.close()


def variables(message: Message) -> dict[str, str]:
    """The channel variables in an event or channel list row."""
    pairs = (value.partition("=") for name, value in message if name == "ChanVariable")
    return {name: value for name, _, value in pairs}
