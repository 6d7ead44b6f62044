"""Many deadlines of the same length, looked at together: no timer of its own for each."""

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Deadlines(Generic[T]):
    """Items in the order they began, so the first is always the first to be late."""

    def __init__(self, within_s: float, clock: Callable[[], float]) -> None:
        self._within_s = within_s
        self._clock = clock
        self._due: dict[T, float] = {}

    def __len__(self) -> int:
        return len(self._due)

    def begin(self, item: T) -> None:
        """Its time runs from now; the item must not be running already."""
        self._due[item] = self._clock() + self._within_s

    def end(self, item: T) -> bool:
        """Stop its time; False if it did not run."""
        return self._due.pop(item, None) is not None

    def oldest(self) -> T:
        """The one that waits longest. Raises StopIteration if none does."""
        return next(iter(self._due))

    def late(self) -> list[T]:
        """Those whose time is over; they run no more."""
        now = self._clock()
        late = []
        for item, due in self._due.items():
            if due > now:
                break
            late.append(item)
        for item in late:
            del self._due[item]
        return late
