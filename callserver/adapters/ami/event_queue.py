"""Events in the order they came, between the socket and the one who takes them."""

import asyncio
from collections import deque
from collections.abc import Callable

import structlog

from callserver.adapters.ami.errors import GarbledMessage
from callserver.adapters.ami.message import AmiEvent, parse_event

log = structlog.get_logger()

AT_ONCE = 200  # events between two breaths of the loop


class EventQueue:
    """At most `most` raw messages; one consumer, which outlives any one event.

    `moot(message)`, asked when its turn has come, spares parsing what would change nothing.
    """

    def __init__(
        self,
        pbx: str,
        most: int,
        on_event: Callable[[AmiEvent], None],
        moot: Callable[[bytes], bool] = lambda block: False,
    ) -> None:
        self._pbx = pbx
        self._most = most
        self._on_event = on_event
        self._moot = moot
        self._blocks: deque[bytes] = deque()
        self._filled = asyncio.Event()
        self._roomy = asyncio.Event()
        self._roomy.set()

    def __len__(self) -> int:
        return len(self._blocks)

    def put(self, block: bytes) -> bool:
        """Append; False when it is full."""
        if len(self._blocks) >= self._most:
            self._roomy.clear()
            return False
        self._blocks.append(block)
        self._filled.set()
        return True

    async def room(self) -> None:
        """After an overflow, wait until half is taken."""
        await self._roomy.wait()

    async def consume(self) -> None:
        """Parse and hand on, for ever."""
        while True:
            await self._filled.wait()
            for _ in range(min(AT_ONCE, len(self._blocks))):
                self._hand_on(self._blocks.popleft())
            if len(self._blocks) <= self._most // 2:
                self._roomy.set()
            if not self._blocks:
                self._filled.clear()
            await asyncio.sleep(0)

    def _hand_on(self, block: bytes) -> None:
        if self._moot(block):
            return
        try:
            event = parse_event(block)
        except GarbledMessage as error:
            log.warning("ami.event_rejected", pbx=self._pbx, reason=str(error))
            return
        try:
            self._on_event(event)
        except Exception:  # a bug in one event's handling must not cost the next events
            log.exception("ami.event_fault", pbx=self._pbx, event_name=event.name)
