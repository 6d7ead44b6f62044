"""The link to one Asterisk: kept up for ever, and always able to say how it stands."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import structlog

from callserver.adapters.ami.action import AmiAction
from callserver.adapters.ami.errors import (
    AmiListIncomplete,
    AmiRefused,
    AmiUnavailable,
    GarbledMessage,
)
from callserver.adapters.ami.event_queue import EventQueue
from callserver.adapters.ami.login import log_in
from callserver.adapters.ami.message import AmiEvent, AmiMessage, parse_event
from callserver.adapters.ami.session import AmiSession
from callserver.adapters.ami.settings import AmiSettings, AmiState

__all__ = [
    "AmiEvent",
    "AmiLink",
    "AmiListIncomplete",
    "AmiMessage",
    "AmiRefused",
    "AmiSettings",
    "AmiState",
    "AmiUnavailable",
]

log = structlog.get_logger()

T = TypeVar("T")

ROWS_AT_ONCE = 200  # rows parsed between two breaths of the loop
_CALM = (AmiState.CONNECTING, AmiState.READY, AmiState.STOPPED)


class AmiLink:
    """`on_event` gets events in order, one at a time; `on_state` every change of state.

    `wanted(name, message)` looks at the bytes of each event as it comes, `moot(message)` again when
    its turn has come: what the one declines or the other accepts is never parsed.
    Nothing is queued while the link is down and nothing is ever sent twice. Events of a time when
    it was down are lost: whoever needs them asks for lists when it is ready again.
    """

    def __init__(
        self,
        settings: AmiSettings,
        on_event: Callable[[AmiEvent], None],
        on_state: Callable[[AmiState, str], None],
        wanted: Callable[[bytes, bytes], bool] = lambda name, block: True,
        moot: Callable[[bytes], bool] = lambda block: False,
    ) -> None:
        self.settings = settings
        self._on_state = on_state
        self._wanted = wanted
        self._events = EventQueue(settings.name, settings.events_max, on_event, moot)
        self._state = AmiState.STOPPED
        self._reason = "not started"
        self._session: AmiSession | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def state(self) -> AmiState:
        """How the link stands now."""
        return self._state

    @property
    def reason(self) -> str:
        """Why, for people; empty when ready."""
        return self._reason

    async def start(self) -> None:
        """Begin to connect; returns at once."""
        if self._tasks:
            raise RuntimeError("the link is started already")
        self._enter(AmiState.CONNECTING, "connecting")
        name = self.settings.name
        self._tasks = [
            asyncio.create_task(self._keep_up(), name=f"ami_link_{name}"),
            asyncio.create_task(self._events.consume(), name=f"ami_events_{name}"),
        ]

    async def stop(self) -> None:
        """Close for good: no timer, task or connection remains. Events still queued are dropped."""
        tasks, self._tasks = self._tasks, []
        if not tasks:
            return
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        self._enter(AmiState.STOPPED, "stopped")

    def drop(self, reason: str) -> None:
        """Give up this connection and make a new one."""
        if self._session is not None:
            self._session.end(AmiState.LOST, reason)

    async def action(self, name: str, **headers: str) -> AmiMessage:
        """Do one action, once. Raises ValueError for control characters, AmiUnavailable (not
        sent), AmiRefused (Asterisk said no), OutcomeUnknown (no answer within `action_s`).
        """
        message = await self._ready().ask(AmiAction(name, headers), self.settings.action_s)
        assert isinstance(message, AmiMessage)
        return message

    async def list_action(self, name: str, **headers: str) -> list[AmiEvent]:
        """All rows of a list action. Raises as `action`, and AmiListIncomplete."""
        return await self.list_rows(parse_event, lambda row: True, name, **headers)

    async def list_rows(
        self,
        read: Callable[[bytes], T | None],
        wanted: Callable[[bytes], bool],
        name: str,
        **headers: str,
    ) -> list[T]:
        """What `read` makes of each row that is `wanted`; None is left out.

        So that of tens of thousands of rows only what matters is ever in memory.
        `read` may raise GarbledMessage. Raises as `list_action`.
        """
        action = AmiAction(name, headers, as_list=True, wanted=wanted)
        rows: list[bytes] = await self._ready().ask(action, self.settings.list_s)
        rows.reverse()
        found: list[T] = []
        try:
            while rows:
                taken = read(rows.pop())
                if taken is not None:
                    found.append(taken)
                if len(rows) % ROWS_AT_ONCE == 0:
                    await asyncio.sleep(0)
        except GarbledMessage as error:
            raise AmiListIncomplete(f"a row cannot be read: {error}") from None
        return found

    def _ready(self) -> AmiSession:
        if self._session is None or self._state is not AmiState.READY:
            raise AmiUnavailable(f"{self._state}: {self._reason}")
        return self._session

    async def _keep_up(self) -> None:
        settings = self.settings
        back_off_s = settings.back_off_min_s
        while True:
            was_ready = False
            await self._events.room()
            try:
                was_ready = await self._one_session()
            except Exception as error:  # a bug of ours must not end the reconnecting
                log.exception("ami.link_fault", pbx=settings.name)
                self._enter(AmiState.LOST, repr(error))
            if was_ready:
                back_off_s = settings.back_off_min_s
            if self._state is AmiState.WRONG_SECRET:
                back_off_s = max(back_off_s, settings.back_off_max_s)
                self._enter(self._state, f"{self._reason}; next try in {back_off_s:g} s")
            await asyncio.sleep(back_off_s)
            wrong = self._state is AmiState.WRONG_SECRET
            most_s = settings.wrong_secret_max_s if wrong else settings.back_off_max_s
            back_off_s = min(2 * back_off_s, most_s)

    async def _one_session(self) -> bool:
        """One connection from its attempt to its end; whether it was ever ready."""
        session = AmiSession(self.settings, self._wanted, self._take)
        self._session = session
        watch: asyncio.Task[None] | None = None
        ready = False
        try:
            await session.connect()
            watch = asyncio.create_task(session.watch(), name=f"ami_watch_{self.settings.name}")
            ready = await log_in(session)
            if ready:
                self._enter(AmiState.READY, "")
            state, reason = await session.ended
            self._enter(state, reason)
        except (OSError, TimeoutError) as error:
            self._enter(AmiState.REFUSED, _why_not(error, self.settings))
        finally:
            self._session = None
            session.end(AmiState.STOPPED, "stopped")
            if watch is not None:
                watch.cancel()
                await asyncio.wait([watch])
        return ready

    def _take(self, block: bytes) -> None:
        if not self._events.put(block):
            log.error("ami.overflow", pbx=self.settings.name, events=len(self._events))
            self.drop("events came faster than they could be handled")

    def _enter(self, state: AmiState, reason: str) -> None:
        if (state, reason) == (self._state, self._reason):
            return
        self._state, self._reason = state, reason
        level = log.info if state in _CALM else log.warning
        level("ami.link", pbx=self.settings.name, state=state.value, reason=reason)
        try:
            self._on_state(state, reason)
        except Exception:  # a listener's bug is not the link's end
            log.exception("ami.state_fault", pbx=self.settings.name)


def _why_not(error: Exception, settings: AmiSettings) -> str:
    where = f"{settings.host}:{settings.port}"
    if isinstance(error, TimeoutError):
        return f"{where}: no connection within {settings.connect_s:g} s"
    return f"{where}: {str(error) or type(error).__name__}"
