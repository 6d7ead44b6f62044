"""Cuts the running calls of numbers that are suspended for a violation.

Whoever suspends a number only writes that down; every server with a link to an Asterisk looks for
it here. Calls of numbers suspended for other reasons finish what is held (service.metering).
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog

from callserver.ports import Clock, OutcomeUnknown, Pbx, StoreUnavailable
from callserver.ports.numbers import NumberBook

log = structlog.get_logger()

LOOK_S = 1.0
WATCH_S = 10
"""So long after a violation calls are still looked for: one that was decided on an older reading
of the books may come in the meantime."""
AT_ONCE_MS = 1


@dataclass
class Violations:
    """Only what a complete channel list shows is cut: a failed question ends no call."""

    book: NumberBook
    pbxs: Mapping[str, Pbx]
    clock: Clock
    _seen: Mapping[str, int] = field(default_factory=dict)
    _watched: dict[str, int] = field(default_factory=dict)
    """Until when (microseconds) calls of each number are looked for."""

    async def run(self) -> None:
        """Look again and again, for ever."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.look()
            except (StoreUnavailable, OutcomeUnknown) as error:
                log.warning("violations.wait", reason=str(error))

    async def look(self) -> None:
        """Cut the calls of numbers that lately came to stand suspended for a violation.

        Raises StoreUnavailable where the books cannot be read.
        """
        found = await self.book.violations()
        now_us = self.clock.now_us()
        until_us = now_us + WATCH_S * 1_000_000
        for number, line in found.items():
            if self._seen.get(number) != line:
                self._watched[number] = until_us
        self._seen = found
        self._watched = {number: us for number, us in self._watched.items() if number in found}
        if not self._watched:
            return
        asked = [await self._cut(pbx) for pbx in self.pbxs.values()]
        if all(asked):
            self._watched = {number: us for number, us in self._watched.items() if us > now_us}

    async def _cut(self, pbx: Pbx) -> bool:
        """Whether this Asterisk was asked, and told of every call there was to cut."""
        try:
            for channel in await pbx.live_channels():
                if channel.did in self._watched:
                    await pbx.absolute_timeout(channel.channel, AT_ONCE_MS)
                    log.info("violation.call_cut", pbx=pbx.name, did=channel.did)
        except (StoreUnavailable, OutcomeUnknown) as error:
            log.warning("violations.pbx_waits", pbx=pbx.name, reason=str(error))
            return False
        return True
