"""A bare AMI client for tests: it hears every byte and can send an action."""

import socket
import time
from collections.abc import Callable
from types import TracebackType

from callserver.demo.asterisk.instance import AsteriskInstance

Message = list[tuple[str, str]]


class AmiEar:
    """Logged in as the user of dialplan/manager.conf while the context lasts."""

    def __init__(self, asterisk: AsteriskInstance) -> None:
        """Remember whom to listen to."""
        self._asterisk = asterisk
        self._rest = b""
        self.messages: list[Message] = []

    def __enter__(self) -> "AmiEar":
        self._socket = socket.create_connection(("127.0.0.1", self._asterisk.ami_port), 5)
        self._socket.settimeout(0.1)
        self.send("Login", Username=self._asterisk.ami_user, Secret=self._asterisk.ami_secret)
        self.until(lambda m: ("Event", "FullyBooted") in m)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def send(self, action: str, **fields: str) -> None:
        """Send one action."""
        lines = [f"Action: {action}", *(f"{name}: {value}" for name, value in fields.items())]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())

    def ask(self, action: str, **fields: str) -> dict[str, str]:
        """Send one action and return its response."""
        self.send(action, ActionID="asked", **fields)
        return dict(self.until(lambda m: ("ActionID", "asked") in m and m[0][0] == "Response"))

    def until(self, wanted: Callable[[Message], bool], timeout_s: float = 15) -> Message:
        """Read until a message for which wanted(message) holds, and return it."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            for message in self._read():
                if wanted(message):
                    return message
        raise AssertionError(f"not within {timeout_s} s, but {self.messages[-5:]}")

    def until_hangup_of(self, token: str) -> list[Message]:
        """Read until the caller's channel with this token is gone; all messages so far."""
        said = ("ChanVariable", f"CS_TOKEN={token}")
        self.until(lambda m: ("Event", "Hangup") in m and said in m)
        return self.messages

    def events(self, name: str) -> list[Message]:
        """Messages so far that are events of this name."""
        return [message for message in self.messages if ("Event", name) in message]

    def _read(self) -> list[Message]:
        try:
            received = self._socket.recv(65536)
        except TimeoutError:
            return []
        *whole, self._rest = (self._rest + received).split(b"\r\n\r\n")
        fresh = [
            [
                (name, value)
                for name, _, value in (
                    line.partition(": ") for line in raw.decode(errors="replace").split("\r\n")
                )
            ]
            for raw in whole
        ]
        self.messages += fresh
        return fresh
