"""The real stores behind a switch: away, or doing the work and then not saying so."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, cast

from callserver.ports import Books, MeterStore, OutcomeUnknown, StoreUnavailable


class _Switched:
    """Passes every method on to `real`, unless told otherwise."""

    def __init__(self, real: object) -> None:
        self._real = real
        self.away = False
        self.calls: Counter[str] = Counter()
        self._silent: Counter[str] = Counter()

    def silent(self, method: str, times: int = 1) -> None:
        """The next calls of the method do their work, but their answers are lost."""
        self._silent[method] = times

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method = getattr(self._real, name)

        async def call(*args: Any, **named: Any) -> Any:
            self.calls[name] += 1
            if self.away:
                raise StoreUnavailable("switched off")
            answer = await method(*args, **named)
            if self._silent[name]:
                self._silent[name] -= 1
                raise OutcomeUnknown("the answer is lost")
            return answer

        return call


class SwitchedBooks(_Switched):
    """SQL that can be away."""

    @property
    def port(self) -> Books:
        """As services know it."""
        return cast(Books, self)


class SwitchedMeters(_Switched):
    """Redis that can be away, or silent."""

    @property
    def port(self) -> MeterStore:
        """As services know it."""
        return cast(MeterStore, self)
