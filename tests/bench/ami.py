"""Asterisk's side of AMI under load: one link, logged in by anybody, prebuilt events."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import cast

from tests.bench.asterisk_bytes import CHANNEL_ROWS

Fields = Mapping[str, str]


def instant(us: int) -> str:
    """Epoch seconds with microseconds."""
    return f"{us // 1_000_000}.{us % 1_000_000:06d}"


class AmiLink(asyncio.Protocol):
    """One connection of the server. `live` is shared with the load: what CoreShowChannels lists."""

    def __init__(self, ami: "Ami") -> None:
        self._ami = ami
        self._held = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(b"Asterisk Call Manager/11.0.0\r\n")

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        *actions, self._held = (self._held + data).split(b"\r\n\r\n")
        for action in actions:
            lines = (line.partition(": ") for line in action.decode().split("\r\n"))
            self._answer({name.lower(): value for name, _, value in lines})

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop."""
        self._ami.links.discard(self)

    def _answer(self, action: Fields) -> None:
        mark = f"ActionID: {action.get('actionid', '')}\r\n"
        match action.get("action", "").lower():
            case "login":
                self._say(f"Response: Success\r\n{mark}Message: Authentication accepted\r\n\r\n")
                self._say("Event: FullyBooted\r\nPrivilege: system,all\r\nUptime: 1\r\n\r\n")
                self._ami.links.add(self)
            case "ping":
                now = instant(time.time_ns() // 1000)
                self._say(f"Response: Success\r\n{mark}Ping: Pong\r\nTimestamp: {now}\r\n\r\n")
            case "corestatus":
                started = "CoreStartupDate: 2026-11-22\r\nCoreStartupTime: 17:07:30\r\n"
                self._say(f"Response: Success\r\n{mark}{started}\r\n")
            case "coreshowchannels":
                self._list(action.get("actionid", ""), mark)
            case "absolutetimeout" if not action.get("channel", "").endswith("/none"):
                self._ami.timeouts_moved += 1
                self._say(f"Response: Success\r\n{mark}Message: Timeout Set\r\n\r\n")
            case "absolutetimeout":
                self._say(f"Response: Error\r\n{mark}Message: No such channel\r\n\r\n")
            case _:
                self._say(f"Response: Error\r\n{mark}Message: Invalid/unknown command\r\n\r\n")

    def _list(self, action_id: str, mark: str) -> None:
        follow = "EventList: start\r\nMessage: Channels will follow\r\n\r\n"
        self._say(f"Response: Success\r\n{mark}{follow}")
        live = list(self._ami.live())
        for begin in range(0, len(live), 500):
            some = live[begin : begin + 500]
            self._say("".join(CHANNEL_ROWS % {**each, "action": action_id} for each in some))
        count = f"EventList: Complete\r\nListItems: {2 * len(live)}\r\n\r\n"
        self._say(f"Event: CoreShowChannelsComplete\r\n{mark}{count}")

    def _say(self, text: str) -> None:
        self.transport.write(text.encode())


class Ami:
    """The listening port."""

    def __init__(self) -> None:
        self.links: set[AmiLink] = set()
        self.timeouts_moved = 0
        self.port = 0
        self.calls: dict[str, Fields] = {}

    def live(self) -> Iterable[Fields]:
        """Fields of the calls that have a channel now."""
        return self.calls.values()

    async def listen(self) -> None:
        """On a free loopback port."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: AmiLink(self), "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]

    def publish(self, events: str) -> None:
        """To whoever is logged in."""
        for link in self.links:
            link.transport.write(events.encode())
