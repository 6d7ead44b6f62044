"""Our link and bare panoramisk behind one face, so that one test shows hole and cure."""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol, Self

import pytest
from panoramisk import Manager

from callserver.adapters.ami.link import AmiEvent, AmiLink, AmiSettings, AmiState
from tests.adapters.ami.scripted_asterisk import SECRET, until

HANGING_S = 2.0
"""A bare client that has not ended something by then never does."""

Handler = Callable[[str], None]


def settings(port: int, **changed: Any) -> AmiSettings:
    """Ours, with short times."""
    given: dict[str, Any] = {
        **{"name": "a", "host": "127.0.0.1", "port": port, "user": "callserver"},
        **{"secret": SECRET, "action_s": 0.4, "list_s": 0.4, "ping_s": 0.1, "silent_s": 0.5},
        **{"back_off_min_s": 0.02, "back_off_max_s": 0.1, "booted_s": 0.5, "login_s": 0.5},
    }
    return AmiSettings(**(given | changed))


class Client(Protocol):
    """What the hole tests ask of a client. `seen` are the Uniqueids of events, as handled."""

    seen: list[Any]

    @classmethod
    async def open(cls, port: int, handler: Handler, secret: str = SECRET) -> Self: ...
    async def act(self, name: str, **headers: str) -> Any: ...
    def feed(self, raw: bytes) -> None: ...
    @property
    def ready(self) -> bool: ...
    @property
    def unanswered(self) -> int: ...
    @property
    def buffered(self) -> int: ...
    @property
    def events_held(self) -> int: ...
    async def close(self) -> None: ...
    async def dispose(self) -> None: ...


class Ours:
    """AmiLink."""

    def __init__(self, port: int, handler: Handler, secret: str) -> None:
        self.seen: list[Any] = []
        self._handler = handler
        self.link = AmiLink(
            settings(port, secret=secret, events_max=50), self._event, lambda state, reason: None
        )

    @classmethod
    async def open(cls, port: int, handler: Handler, secret: str = SECRET) -> Self:
        client = cls(port, handler, secret)
        await client.link.start()
        await until(lambda: client.link.state is not AmiState.CONNECTING)
        return client

    def _event(self, event: AmiEvent) -> None:
        self._handler(event.fields.get("Uniqueid", ""))
        self.seen.append(event.fields.get("Uniqueid", ""))

    async def act(self, name: str, **headers: str) -> Any:
        return await self.link.action(name, **headers)

    @property
    def _protocol(self) -> Any:
        session = self.link._session
        return session.protocol if session else None

    def feed(self, raw: bytes) -> None:
        self._protocol.data_received(raw)

    @property
    def ready(self) -> bool:
        return self.link.state is AmiState.READY

    @property
    def unanswered(self) -> int:
        return len(self._protocol.responses)

    @property
    def buffered(self) -> int:
        return len(self._protocol._buffer._bytes) if self._protocol else 0

    @property
    def events_held(self) -> int:
        return len(self.link._events)

    async def close(self) -> None:
        await self.link.stop()

    async def dispose(self) -> None:
        await self.link.stop()


class _Ended(Manager):  # type: ignore[misc]  # panoramisk has no types
    """Bare, but it can be kept from coming back once its test is over."""

    over = False

    def connect(self, *args: Any, **kwargs: Any) -> Any:
        return None if self.over else super().connect(*args, **kwargs)


class Bare:
    """panoramisk.Manager as its documentation says."""

    def __init__(self, port: int, handler: Handler, secret: str) -> None:
        self.seen: list[Any] = []
        self._handler = handler
        self._running = 0
        self.manager = _Ended(
            **{"host": "127.0.0.1", "port": port, "username": "callserver", "secret": secret},
            **{"ping_delay": 1, "ping_interval": 1, "reconnect_timeout": 0},
        )
        self.manager.loop = asyncio.get_running_loop()
        self.manager.register_event("*", self._event)

    @classmethod
    async def open(cls, port: int, handler: Handler, secret: str = SECRET) -> Self:
        client = cls(port, handler, secret)
        await client.manager.connect()
        await until(lambda: client.manager.protocol is not None)
        if secret == SECRET:
            await until(lambda: client.manager.authenticated)
        return client

    def _event(self, manager: Manager, event: Any) -> Any:
        if event.event != "FullyBooted":
            self._handler(event.uniqueid)
            return self._noted(event.uniqueid)
        return None

    async def _noted(self, uniqueid: str) -> None:
        """As a handler that has to wait for something does, the first one longest."""
        self._running += 1
        await asyncio.sleep(0.1 if uniqueid == "1" else 0.01)
        self.seen.append(uniqueid)
        self._running -= 1

    async def act(self, name: str, **headers: str) -> Any:
        return await self.manager.send_action({"Action": name, **headers})

    def feed(self, raw: bytes) -> None:
        self.manager.protocol.data_received(raw)

    @property
    def ready(self) -> bool:
        return bool(self.manager._connected)

    @property
    def unanswered(self) -> int:
        return len(self.manager.protocol.responses)

    @property
    def buffered(self) -> int:
        return sum(len(text) for text in self.manager.protocol.queue)

    @property
    def events_held(self) -> int:
        return self._running

    async def close(self) -> None:
        self.manager.close()

    async def dispose(self) -> None:
        self.manager.over = True
        self.manager.close()
        if self.manager.protocol is not None:
            self.manager.protocol.transport.abort()
        await asyncio.sleep(0.02)


def hole(why: str, *raises: type[BaseException]) -> pytest.MarkDecorator:
    """Run with our link, which must pass, and with bare panoramisk, which must fail so."""
    mark = pytest.mark.xfail(
        strict=True, raises=raises or AssertionError, reason=f"panoramisk 1.4: {why}"
    )
    return pytest.mark.parametrize(
        "kind", [pytest.param(Ours, id="Ours"), pytest.param(Bare, id="Bare", marks=mark)]
    )


class Watched:
    """A link with all it said."""

    def __init__(self, port: int, **changed: Any) -> None:
        self.states: list[AmiState] = []
        self.events: list[AmiEvent] = []
        self.link = AmiLink(settings(port, **changed), self.events.append, self._state)

    def _state(self, state: AmiState, reason: str) -> None:
        self.states.append(state)

    async def reach(self, state: AmiState) -> str:
        """Wait for it; the reason."""
        await until(lambda: self.link.state is state)
        return self.link.reason
