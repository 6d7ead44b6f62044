"""A process that can be killed at any of its words to a store."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

from callserver.ports import Books, MeterStore, OutcomeUnknown, StoreUnavailable

WRITES = frozenset({"admit", "next_line", "answer", "extend", "settle", "acknowledge", "set_due"})


class Killed(BaseException):
    """SIGKILL: nothing after it runs. Not an Exception, so that no handler can swallow it."""


class Fate:
    """When a process dies: at its `words`-th word from now on, before or after it is heard."""

    def __init__(self) -> None:
        self.dead = False
        self.redis_away = False
        self.sql_away = False
        self._words = -1
        self._heard = False

    def dies_after(self, words: int, *, heard: bool) -> None:
        """Set the hour."""
        self._words, self._heard = words, heard

    def reprieve(self) -> None:
        """No hour is set any more."""
        self._words = -1

    @property
    def sealed(self) -> bool:
        """Whether the hour is set."""
        return self._words >= 0

    async def speak(self, away: bool, work: Callable[[], Awaitable[Any]], lost: bool) -> Any:
        """One word to a store."""
        if self.dead:
            raise Killed
        if self._words == 0:
            self.dead = True
            if self._heard and not away:
                await work()
            raise Killed
        self._words -= 1
        if away:
            raise StoreUnavailable("switched off")
        answer = await work()
        if self.dead:  # killed by another task while this one waited
            raise Killed
        if lost:
            raise OutcomeUnknown("the answer is lost")
        return answer


class MortalStore:
    """A real store as a process with this fate reaches it; a few answers are lost."""

    def __init__(
        self, real: object, fate: Fate, away: Callable[[], bool], lost: Callable[[], bool]
    ) -> None:
        self._real = real
        self._fate = fate
        self._away = away
        self._lost = lost

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method = getattr(self._real, name)
        writes = name in WRITES

        async def call(*args: Any, **named: Any) -> Any:
            return await self._fate.speak(
                self._away(), lambda: method(*args, **named), writes and self._lost()
            )

        return call

    @property
    def books(self) -> Books:
        """As services know SQL."""
        return cast(Books, self)

    @property
    def meters(self) -> MeterStore:
        """As services know Redis."""
        return cast(MeterStore, self)
