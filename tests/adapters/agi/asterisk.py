"""Asterisk's side of FastAGI over a real socket, step by step as a test wants it."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Self

SCRIPT = "route/4001234567/1763826000.1"
PATIENCE_S = 15.0


def header(script: str = SCRIPT, args: Sequence[str] = (), **changed: str) -> bytes:
    """The block Asterisk 22 opens a session with."""
    unknown = "unknown"
    fields = {
        **{"network": "yes", "network_script": script, "request": f"agi://127.0.0.1/{script}"},
        **{"channel": "PJSIP/carrier-00000001", "language": "en", "type": "PJSIP"},
        **{"uniqueid": "1763826000.1", "version": "22.10.1", "callerid": "02100000000"},
        **{"calleridname": unknown, "callingpres": "0", "callingani2": "0", "callington": "0"},
        **{"callingtns": "0", "dnid": "4001234567", "rdnis": unknown, "context": "from-400"},
        **{"extension": "4001234567", "priority": "12", "enhanced": "0.0", "accountcode": ""},
        "threadid": "140000000000000",
        **{f"arg_{number}": arg for number, arg in enumerate(args, start=1)},
    }
    lines = [f"agi_{name}: {value}\n" for name, value in {**fields, **changed}.items()]
    return "".join(lines).encode() + b"\n"


class Asterisk:
    """One connection to a FastAGI server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.commands: list[str] = []

    @classmethod
    async def connect(cls, port: int, first: bytes = b"") -> Self:
        """Connect and send these bytes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        asterisk = cls(reader, writer)
        asterisk.say(first)
        return asterisk

    def say(self, raw: bytes) -> None:
        """Send bytes as they are."""
        self.writer.write(raw)

    async def command(self) -> str:
        """The server's next command; empty when it closed instead."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                line = (await self.reader.readline()).decode()
        except OSError:
            line = ""
        if line:
            self.commands.append(line[:-1])
        return line[:-1]

    async def answer(self, *replies: bytes) -> None:
        """Give each command the next of these replies (whatever lines it has)."""
        for reply in replies:
            if not await self.command():
                return
            self.say(reply)

    async def ended(self, within_s: float = PATIENCE_S) -> None:
        """Wait until the server has closed; commands it still sent are kept."""
        async with asyncio.timeout(within_s):
            while True:
                try:
                    line = await self.reader.readline()
                except OSError:
                    return
                if not line:
                    return
                self.commands.append(line.decode()[:-1])

    async def close(self) -> None:
        """Reset the connection, whatever state it is in: at a mere end of data in a header the
        bare library would freeze the test.
        """
        linger_not = struct.pack("ii", 1, 0)
        if not self.writer.transport.is_closing():
            taken = self.writer.get_extra_info("socket")
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_not)
        self.writer.transport.abort()
        await asyncio.sleep(0)


@asynccontextmanager
async def connected(port: int, first: bytes = b"") -> AsyncIterator[Asterisk]:
    """A connection that is dropped at the end."""
    asterisk = await Asterisk.connect(port, first)
    try:
        yield asterisk
    finally:
        await asterisk.close()
