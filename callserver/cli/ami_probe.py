"""One AMI login to look at a PBX: strict, with a deadline, and without lasting effect."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from callserver.config import AsteriskConfig
from callserver.service.checking import CheckFailed

LINE_BYTES_MAX = 64 * 1024
BOOTED_WAIT_S = 1.0
REPLY_S = 3.0
_HARMLESS = {  # fields that let an action be judged for rights and then fail for lack of a target
    "AbsoluteTimeout": {"Channel": "callserver-check/none", "Timeout": "1"},
    "Command": {"Command": "core show version"},
    "Originate": {},
    "DBPut": {},
    "UpdateConfig": {},
}

Message = dict[str, str]


class AmiProbe:
    """A logged-in link; fulfils service.checking.PbxProbe."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._sent = 0
        self._booted = False

    async def log_in(self, user: str, secret: str) -> None:
        """Raises CheckFailed with the PBX's own words."""
        reply = await self.ask("Login", {"Username": user, "Secret": secret})
        if reply.get("response") != "Success":
            reason = reply.get("message", "no reason given")
            raise CheckFailed(f"login refused: {reason}", "look at user and secret_file")

    async def ask(self, action: str, fields: Message) -> Message:
        """Send one action and wait for its reply; events on the way are noted or dropped."""
        self._sent += 1
        action_id = f"callserver-check-{self._sent}"
        lines = {"Action": action, "ActionID": action_id, **fields}
        if any("\r" in text or "\n" in text for text in lines.values()):
            raise ValueError("a field holds a line break")
        text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self._writer.write(f"{text}\r\n".encode())
        async with asyncio.timeout(REPLY_S):
            await self._writer.drain()
            while True:
                message = await self._message()
                if "response" in message and message.get("actionid") == action_id:
                    return message

    async def variable(self, name: str) -> str:
        """A global variable; empty if not set or not ours to read."""
        return (await self.ask("Getvar", {"Variable": name})).get("value", "")

    async def permitted(self, action: str) -> bool:
        """Whether the user may run it: "Permission denied" comes before everything else."""
        reply = await self.ask(action, _HARMLESS.get(action, {}))
        said = reply.get("message", "").lower()
        return not (reply.get("response") == "Error" and "permission denied" in said)

    async def fully_booted(self) -> bool:
        """Whether the event came, within BOOTED_WAIT_S."""
        try:
            async with asyncio.timeout(BOOTED_WAIT_S):
                while not self._booted:
                    await self._message()
        except TimeoutError:
            return False
        return True

    async def clock_offset_ms(self) -> int:
        """This host's clock minus the PBX's, the way there and back halved."""
        sent = time.time()
        reply = await self.ask("Ping", {})
        here = (sent + time.time()) / 2
        try:
            return round((here - float(reply["timestamp"])) * 1000)
        except (KeyError, ValueError):
            raise CheckFailed("Ping brings no Timestamp") from None

    async def _message(self) -> Message:
        message: Message = {}
        while True:
            line = (await self._reader.readuntil(b"\n")).decode("utf-8", "replace").rstrip("\r\n")
            if not line:
                if message:
                    break
                continue
            name, colon, value = line.partition(":")
            if colon:
                message.setdefault(name.strip().lower(), value.strip())
        self._booted |= message.get("event") == "FullyBooted"
        return message


@asynccontextmanager
async def ami_probe(pbx: AsteriskConfig) -> AsyncIterator[AmiProbe]:
    """A link, logged in and closed at the end. Raises CheckFailed."""
    try:
        async with asyncio.timeout(REPLY_S):
            reader, writer = await asyncio.open_connection(pbx.host, pbx.port, limit=LINE_BYTES_MAX)
    except TimeoutError:
        raise CheckFailed(f"AMI at {pbx.host}:{pbx.port} does not answer") from None
    except OSError as fault:
        hint = "is Asterisk up, and enabled = yes in manager.conf?"
        raise CheckFailed(
            f"AMI at {pbx.host}:{pbx.port}: {fault.strerror or fault}", hint
        ) from None
    try:
        async with asyncio.timeout(REPLY_S):
            banner = await reader.readline()
        if not banner.startswith(b"Asterisk Call Manager/"):
            raise CheckFailed(f"what answers at {pbx.host}:{pbx.port} is not AMI")
        probe = AmiProbe(reader, writer)
        await probe.log_in(pbx.user, pbx.secret.get_secret_value())
        yield probe
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
        raise CheckFailed(f"AMI at {pbx.host}:{pbx.port} closed the link") from None
    finally:
        writer.close()
