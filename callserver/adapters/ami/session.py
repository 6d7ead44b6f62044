"""One connection to Asterisk's manager: panoramisk with its holes closed.

Of panoramisk the frame stays: a manager that owns a protocol, which finds the action a message
answers by its ActionID. Every method below replaces one that loses bytes, re-sends, queues
without limit or connects again by itself.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from panoramisk import Manager
from panoramisk.ami_protocol import AMIProtocol

from callserver.adapters.ami.action import AmiAction
from callserver.adapters.ami.errors import AmiUnavailable, GarbledMessage
from callserver.adapters.ami.message import AmiMessage, action_id, event_name
from callserver.adapters.ami.message_buffer import MessageBuffer
from callserver.adapters.ami.settings import AmiSettings, AmiState
from callserver.ports import OutcomeUnknown

log = structlog.get_logger()


class AmiProtocol(AMIProtocol):  # type: ignore[misc]  # panoramisk has no types
    """Cuts bytes into messages and gives each to whom it concerns."""

    factory: "AmiSession"
    transport: asyncio.Transport
    closed: bool
    responses: dict[str, AmiAction]

    def __init__(self, session: "AmiSession") -> None:
        self._session = session
        self._buffer = MessageBuffer()
        self.garbled = 0

    def connection_made(self, transport: Any) -> None:
        """Called by the loop."""
        super().connection_made(transport)
        self.factory = self._session
        self.heard_at = self._session.loop.time()
        """When the last byte came, on the loop's clock."""

    def data_received(self, data: bytes) -> None:
        """Called by the loop. A stream that is not AMI ends the session."""
        self.heard_at = self._session.loop.time()
        if self.closed:
            return
        try:
            for block in self._buffer.feed(data):
                self.handle_message(block)
        except GarbledMessage as error:
            self._session.end(AmiState.LOST, str(error))

    def handle_message(self, block: bytes) -> None:
        """A garbled message is dropped alone: its neighbours are whole."""
        if block.startswith(b"\r\n"):  # more than one empty line after the message before
            block = block.lstrip(b"\r\n")
        if not block or self.closed:
            return
        try:
            name = event_name(block)
            if name is None:
                self._response(block)
            else:
                self._event(name, block)
        except GarbledMessage as error:
            self.garbled += 1
            if self.garbled == 1:
                log.warning("ami.garbled", pbx=self._session.settings.name, reason=str(error))

    def send(self, action: AmiAction, as_list: bool | None = None) -> "asyncio.Future[Any]":
        """Write an action now. Raises AmiUnavailable if it cannot go out: nothing was sent."""
        settings = self._session.settings
        if self.closed or self.transport.is_closing():
            raise AmiUnavailable("the link is closed")
        if len(self.responses) >= settings.in_flight_max:
            raise AmiUnavailable(f"{settings.in_flight_max} actions wait for their answers")
        if self.transport.get_write_buffer_size() > settings.unsent_bytes_max:
            raise AmiUnavailable("Asterisk does not read what we send")
        self.responses[action.id] = action
        self.transport.write(action.packed())
        future: asyncio.Future[Any] = action.future
        return future

    def forget(self, action: AmiAction) -> None:
        """Its answer, should it still come, concerns nobody."""
        self.responses.pop(action.id, None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop."""
        self._session.end(AmiState.LOST, str(exc) if exc else "Asterisk closed the link")

    def close(self) -> None:
        """Close at once; what was asked and not answered has an unknown outcome."""
        if self.closed:
            return
        self.closed = True
        self.transport.abort()
        unanswered, self.responses = self.responses, {}
        for action in unanswered.values():
            if not action.future.done():
                action.future.set_exception(OutcomeUnknown("the AMI link was lost"))

    def _response(self, block: bytes) -> None:
        if not block.startswith(b"Response: "):
            raise GarbledMessage("neither an event nor a response")
        action = self.responses.get(action_id(block) or "")
        if action is not None:
            action.respond(AmiMessage.from_block(block))

    def _event(self, name: bytes, block: bytes) -> None:
        action = self.responses.get(action_id(block) or "")
        if action is not None:
            action.add_row(block)
        else:
            self._session.take_event(name, block)


class AmiSession(Manager):  # type: ignore[misc]  # panoramisk has no types
    """One connection from its attempt to its end; it never connects a second time.

    `on_event` gets the raw message of each event that `wanted(name, message)` accepts.
    """

    protocol: AmiProtocol | None

    def __init__(
        self,
        settings: AmiSettings,
        wanted: Callable[[bytes, bytes], bool],
        on_event: Callable[[bytes], None],
    ) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(host=settings.host, port=settings.port, loop=loop)
        self.settings = settings
        self.ended: asyncio.Future[tuple[AmiState, str]] = loop.create_future()
        """How and why the session ended; never an exception."""
        self.booted = asyncio.Event()
        self._wanted = wanted
        self._on_event = on_event

    async def connect(self) -> None:
        """Raises OSError or TimeoutError."""
        settings = self.settings
        async with asyncio.timeout(settings.connect_s):
            _, self.protocol = await self.loop.create_connection(
                lambda: AmiProtocol(self), settings.host, settings.port
            )

    def take_event(self, name: bytes, block: bytes) -> None:
        """Hand on what is wanted; the rest costs no more than this look."""
        if name == b"FullyBooted":
            self.booted.set()
        elif self._wanted(name, block):
            self._on_event(block)

    def send_action(
        self, action: AmiAction, as_list: bool | None = None, **kwargs: str
    ) -> "asyncio.Future[Any]":
        """Send an action. Raises AmiUnavailable."""
        if self.protocol is None:
            raise AmiUnavailable("the link is not connected")
        return self.protocol.send(action)

    async def ask(self, action: AmiAction, deadline_s: float) -> Any:
        """The action's answer: a message, or the raw rows of a list.

        Raises AmiUnavailable, AmiRefused, AmiListIncomplete, or OutcomeUnknown when no answer
        comes in time or the link is lost on the way.
        """
        future = self.send_action(action)
        try:
            async with asyncio.timeout(deadline_s):
                return await future
        except TimeoutError:
            raise OutcomeUnknown(f"no answer from Asterisk within {deadline_s:g} s") from None
        finally:
            if self.protocol is not None:
                self.protocol.forget(action)

    async def watch(self) -> None:
        """Ping when nothing is heard, and end the session of a silent Asterisk."""
        settings, protocol = self.settings, self.protocol
        tick_s = min(settings.ping_s, settings.silent_s) / 3
        slept_at = pinged_at = self.loop.time()
        while protocol is not None and not self.ended.done():
            await asyncio.sleep(tick_s)
            now = self.loop.time()
            if now - slept_at > 2 * tick_s + 0.5:  # we were frozen ourselves: read first
                protocol.heard_at = now
            slept_at = now
            if now - protocol.heard_at > settings.silent_s:
                self.end(
                    AmiState.SILENT, f"nothing heard from Asterisk for {settings.silent_s:g} s"
                )
            elif now - max(protocol.heard_at, pinged_at) > settings.ping_s:
                pinged_at = now
                self._ping(protocol)

    def _ping(self, protocol: AmiProtocol) -> None:
        """Nobody waits for the answer: any byte is one."""
        ping = AmiAction("Ping", {})
        try:
            protocol.send(ping)
        except AmiUnavailable as error:
            log.info("ami.ping_not_sent", pbx=self.settings.name, reason=str(error))
        protocol.forget(ping)

    def end(self, state: AmiState, reason: str) -> None:
        """Close for good, for the first reason given."""
        if not self.ended.done():
            self.ended.set_result((state, reason))
        self.close()
