"""Tells of accounts that ran low: to the log, and to whoever counts."""

import asyncio
from collections.abc import Callable

import structlog

from callserver.domain.account_event import AccountEvent
from callserver.ports import Clock, OutcomeUnknown, StoreUnavailable
from callserver.ports.ledger import LedgerBook

log = structlog.get_logger()

READER = "log"
LOOK_S = 1.0
SETTLED_MS = 30_000
"""An event this old is surely behind all that were committed before it: ids are given earlier."""
MOST = 500


class AccountWatch:
    """Follows the events that the database wrote, from where any process stopped.

    An event is told at least once: those of the last 30 s before a restart again.
    """

    def __init__(
        self, book: LedgerBook, clock: Clock, low_micros: int, look_s: float = LOOK_S
    ) -> None:
        self._book = book
        self._clock = clock
        self._low_micros = low_micros
        self._look_s = look_s
        self._listeners: list[Callable[[AccountEvent], None]] = []
        self._told: set[int] = set()

    def listen(self, listener: Callable[[AccountEvent], None]) -> None:
        """Have each event told to `listener` too."""
        self._listeners.append(listener)

    async def run(self) -> None:
        """Bring the configured default threshold to the books, then follow; for ever."""
        known = False
        while True:
            try:
                if not known:
                    await self._book.set_default_threshold(self._low_micros, "config")
                    known = True
                await self.look()
            except (StoreUnavailable, OutcomeUnknown) as error:
                log.warning("accounts.watch_failed", reason=str(error))
            await asyncio.sleep(self._look_s)

    async def look(self) -> int:
        """Tell what is new; how many."""
        mark = await self._book.event_mark(READER)
        found = await self._book.events_after(mark, MOST)
        new = [event for event in found if event.id not in self._told]
        for event in new:
            self._tell(event)
        before_ms = self._clock.now_us() // 1000 - SETTLED_MS
        done = mark
        for event in found:
            if event.at_ms >= before_ms:
                break
            done = event.id
        if done > mark:
            await self._book.set_event_mark(READER, done)
        self._told = {number for number in self._told if number > done}
        return len(new)

    def _tell(self, event: AccountEvent) -> None:
        self._told.add(event.id)
        log.warning(
            "accounts.ran_low",
            kind=event.event.value,
            account=event.account,
            available_micros=event.available_micros,
            threshold_micros=event.threshold_micros,
        )
        for listener in self._listeners:
            listener(event)
