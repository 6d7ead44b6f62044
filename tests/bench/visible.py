"""How long after the hang-up report a CDR can be read through the API."""

import asyncio
import time
from collections import deque

from tests.bench.http_link import HttpLink, get

AGAIN_S = 0.003
AGAIN_SHARE = 0.15  # of the time waited so far: asking must not be the load
LINKS = 8


class CdrWatch:
    """Asks for the CDRs of some calls until they are there."""

    def __init__(self, address: tuple[str, int], token: str) -> None:
        self.seconds: list[float] = []
        self.asked = 0
        self._address, self._token = address, token
        self._free: deque[HttpLink] = deque()
        self._wanted: deque[tuple[str, float]] = deque()
        self._loop = asyncio.get_running_loop()
        self.open = 0
        """Calls whose CDR has not been seen."""

    async def connect(self) -> None:
        """Open the connections."""
        for _ in range(LINKS):
            self._free.append(await HttpLink.connect(self._address))

    def close(self) -> None:
        """Close them."""
        for link in self._free:
            link.transport.close()

    def watch(self, call_id: str, since: float) -> None:
        """Ask from now on; `since` (perf_counter) is when the call's end was reported."""
        self.open += 1
        self._wanted.append((call_id, since))
        self._begin()

    def _begin(self) -> None:
        while self._free and self._wanted:
            call_id, since = self._wanted.popleft()
            self._ask(self._free.popleft(), get(f"/v1/cdrs/{call_id}", self._token), since)

    def _ask(self, link: HttpLink, request: bytes, since: float) -> None:
        def answered(status: int) -> None:
            if status != 200:
                again_s = max(AGAIN_S, AGAIN_SHARE * (time.perf_counter() - since))
                self._loop.call_later(again_s, self._ask, link, request, since)
                return
            self.seconds.append(time.perf_counter() - since)
            self.open -= 1
            self._free.append(link)
            self._begin()

        self.asked += 1
        link.ask(request, answered)
