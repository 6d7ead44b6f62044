"""Asterisk's side of AMI: banner, login, the filtered events, and the few actions we may use."""

import asyncio
import hmac
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from callserver.demo.pbx.channel import Channel, instant, now_us
from callserver.domain.pbx_contract import CHANNEL_VARIABLES

Header = tuple[str, str]
ACTION_BYTES_MAX = 65_536
DENIED = frozenset({"originate", "command", "dbput", "dbget", "updateconfig", "redirect"})


class AmiServer:
    """One listening socket; every link that has logged in gets the events."""

    def __init__(self, user: str, secret: str, channels: Mapping[str, Channel]) -> None:
        self._user = user
        self._secret = secret
        self._channels = channels
        self._globals: dict[str, str] = {}
        self._booted = datetime.now(UTC)
        self._sessions: set[asyncio.StreamWriter] = set()
        self._links: set[asyncio.StreamWriter] = set()  # those that have logged in
        self._server: asyncio.Server | None = None
        self._answers: dict[str, Callable[[Mapping[str, str]], list[list[Header]]]] = {
            "ping": lambda _: [_success(("Ping", "Pong"), ("Timestamp", instant(now_us())))],
            "corestatus": self._core_status,
            "coresettings": lambda _: [
                _success(("AMIversion", "11.0.0"), ("AsteriskVersion", "22.10.1 (simulated)"))
            ],
            "coreshowchannels": self._channel_list,
            "absolutetimeout": self._absolute_timeout,
            "hangup": self._hang_up,
            "getvar": self._get_variable,
        }

    async def listen(self, host: str, global_variables: Mapping[str, str]) -> int:
        """Start on a free port; the port."""
        self._globals = dict(global_variables)
        self._server = await asyncio.start_server(self._serve, host, 0, limit=ACTION_BYTES_MAX)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def close(self) -> None:
        """Stop listening and drop all links."""
        if self._server is not None:
            self._server.close()
            self.drop_links()
            while self._sessions:  # noqa: ASYNC110  # they end within a turn or two of the loop
                await asyncio.sleep(0)
            await self._server.wait_closed()

    def drop_links(self) -> None:
        """Cut every link, as a broken network would; new ones are accepted."""
        for writer in self._sessions:
            writer.transport.abort()

    def publish(self, event: str, *headers: Header) -> None:
        """Send an event to whoever is logged in."""
        first = [("Event", event), ("Privilege", "call,all"), ("Timestamp", instant(now_us()))]
        for writer in self._links:
            _send(writer, [*first, *headers])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._sessions.add(writer)
        try:
            writer.write(b"Asterisk Call Manager/11.0.0\r\n")
            if await self._log_in(reader, writer):
                self._links.add(writer)
                await self._answer_actions(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return  # the link is gone, and the server will come back
        finally:
            self._links.discard(writer)
            self._sessions.discard(writer)
            writer.close()

    async def _log_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        while True:
            action = await _read(reader)
            if action.get("action", "").lower() != "login":
                _reply(writer, action, [_failure("Permission denied")])
                continue
            same_user = hmac.compare_digest(action.get("username", ""), self._user)
            if not (same_user and hmac.compare_digest(action.get("secret", ""), self._secret)):
                _reply(writer, action, [_failure("Authentication failed")])
                await writer.drain()
                return False
            _reply(writer, action, [_success(("Message", "Authentication accepted"))])
            uptime_s = int((datetime.now(UTC) - self._booted).total_seconds())
            booted = [("Event", "FullyBooted"), ("Privilege", "system,all")]
            _send(writer, [*booted, ("Uptime", str(uptime_s)), ("Status", "Fully Booted")])
            return True

    async def _answer_actions(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while True:
            action = await _read(reader)
            name = action.get("action", "").lower()
            if name == "logoff":
                _reply(writer, action, [[("Response", "Goodbye")]])
                await writer.drain()
                return
            known = self._answers.get(name)
            if known is not None:
                _reply(writer, action, known(action))
            elif name in DENIED:
                _reply(writer, action, [_failure("Permission denied")])
            else:
                _reply(writer, action, [_failure("Invalid/unknown command")])
            await writer.drain()

    def _core_status(self, _: Mapping[str, str]) -> list[list[Header]]:
        date, clock = self._booted.strftime("%Y-%m-%d"), self._booted.strftime("%H:%M:%S.%f")
        return [
            _success(
                *(("CoreStartupDate", date), ("CoreStartupTime", clock)),
                *(("CoreReloadDate", date), ("CoreReloadTime", clock)),
                ("CoreCurrentCalls", str(len(self._channels))),
            )
        ]

    def _channel_list(self, _: Mapping[str, str]) -> list[list[Header]]:
        rows = [row for channel in self._channels.values() for row in _rows(channel)]
        return [
            _success(("EventList", "start"), ("Message", "Channels will follow")),
            *([("Event", "CoreShowChannel"), *row] for row in rows),
            [
                ("Event", "CoreShowChannelsComplete"),
                *(("EventList", "Complete"), ("ListItems", str(len(rows)))),
            ],
        ]

    def _absolute_timeout(self, action: Mapping[str, str]) -> list[list[Header]]:
        channel = self._channels.get(action.get("channel", ""))
        if channel is None:
            return [_failure("No such channel")]
        try:
            channel.end_after(float(action.get("timeout", "")))
        except ValueError:
            return [_failure("No timeout specified")]
        return [_success(("Message", "Timeout Set"))]

    def _hang_up(self, action: Mapping[str, str]) -> list[list[Header]]:
        channel = self._channels.get(action.get("channel", ""))
        if channel is None:
            return [_failure("No such channel")]
        channel.hang_up(int(action.get("cause") or 16))
        return [_success(("Message", "Channel Hungup"))]

    def _get_variable(self, action: Mapping[str, str]) -> list[list[Header]]:
        name = action.get("variable", "")
        channel = self._channels.get(action.get("channel", ""))
        value = channel.evaluate(f"${{{name}}}") if channel else self._globals.get(name, "")
        return [_success(("Variable", name), ("Value", value))]


def described(channel: Channel, prefix: str = "") -> list[Header]:
    """A channel's headers in an event, with the variables manager.conf's `channelvars` names."""
    up = bool(channel.answered_us)
    return [
        (f"{prefix}Channel", channel.name),
        (f"{prefix}ChannelState", "6" if up else "4"),
        (f"{prefix}ChannelStateDesc", "Up" if up else "Ring"),
        (f"{prefix}CallerIDNum", channel.caller or "<unknown>"),
        (f"{prefix}CallerIDName", "<unknown>"),
        (f"{prefix}Context", "cs-dial"),
        (f"{prefix}Exten", channel.did),
        (f"{prefix}Priority", "14"),
        (f"{prefix}Uniqueid", channel.uniqueid),
        (f"{prefix}Linkedid", channel.variables.get("LINKEDID", channel.uniqueid)),
        *(
            (f"{prefix}ChanVariable", f"{name}={channel.variables.get(name, '')}")
            for name in CHANNEL_VARIABLES
        ),
    ]


def _rows(channel: Channel) -> Iterable[list[Header]]:
    for each in (channel, channel.far_end):
        if each is not None:
            seconds = (now_us() - each.started_us) // 1_000_000
            clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
            yield [*described(each), ("Application", "Dial"), ("Duration", clock)]


async def _read(reader: asyncio.StreamReader) -> dict[str, str]:
    """The next action, names in lower case."""
    text = (await reader.readuntil(b"\r\n\r\n")).decode(errors="replace")
    pairs = (line.partition(":") for line in text.split("\r\n") if line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _success(*headers: Header) -> list[Header]:
    return [("Response", "Success"), *headers]


def _failure(message: str) -> list[Header]:
    return [("Response", "Error"), ("Message", message)]


def _reply(
    writer: asyncio.StreamWriter, action: Mapping[str, str], messages: list[list[Header]]
) -> None:
    """Send the messages, each with the ActionID of what it answers, as the second header."""
    mark = [("ActionID", action["actionid"])] if action.get("actionid") else []
    for message in messages:
        _send(writer, [message[0], *mark, *message[1:]])


def _send(writer: asyncio.StreamWriter, headers: Iterable[Header]) -> None:
    text = "".join(f"{name}: {value}\r\n" for name, value in headers)
    writer.write(f"{text}\r\n".encode())
