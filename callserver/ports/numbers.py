"""Numbers: the inventory with its history, and the seal on personal data."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from callserver.domain.lifecycle import NumberRecord
from callserver.domain.number_application import Application
from callserver.domain.number_change import (
    ApplicationQuery,
    Command,
    NewNumber,
    NumberChange,
    NumberQuery,
)
from callserver.ports import StoreUnavailable


class NumberBook(Protocol):
    """The inventory and everything that happens to numbers, each write one transaction.

    All methods raise StoreUnavailable, those that write also OutcomeUnknown; `now_ms` is the
    instant by which everything is judged.
    """

    async def carry_out(self, command: Command, now_ms: int) -> NumberChange:
        """Carry out a command once. Its operation id again: the first outcome, nothing moves.

        Raises Declined where a rule says no, OperationReused where the id stood for something else.
        """
        ...

    async def add(self, numbers: Sequence[NewNumber], now_ms: int) -> int:
        """Put numbers into the inventory, available; known ones take class and price. How many
        were new."""
        ...

    async def record(self, number: str, now_ms: int) -> NumberRecord | None:
        """The number as it stands."""
        ...

    async def search(self, query: NumberQuery, now_ms: int) -> list[NumberRecord]:
        """Numbers in order, as they stand; at most `limit`."""
        ...

    async def history(self, number: str) -> list[NumberChange]:
        """What has happened to a number, the oldest first."""
        ...

    async def application(self, application: int, now_ms: int) -> Application | None:
        """One application with its material."""
        ...

    async def applications(self, query: ApplicationQuery, now_ms: int) -> list[Application]:
        """Applications, the newest first, without material; at most `limit`."""
        ...

    async def sealed_form(self, application: int) -> str | None:
        """The sealed intent form; None once it is deleted."""
        ...

    async def write_due(self, now_ms: int, most: int) -> int:
        """Write down what the clock has done to numbers nobody asked for; how many."""
        ...

    async def purge(self, before_ms: int, most: int) -> int:
        """Delete forms of applications opened or ended before then, and files of ended ones."""
        ...

    async def violations(self) -> Mapping[str, int]:
        """Numbers suspended for a violation, with the history line that did it."""
        ...


class Sealer(Protocol):
    """Encrypts personal data at rest."""

    def seal(self, plain: bytes, context: str) -> str:
        """The sealed text; it can only be opened with the same context. Raises KeysUnusable."""
        ...

    def open(self, sealed: str, context: str) -> bytes:
        """What was sealed. Raises SealBroken and KeysUnusable."""
        ...


class SealBroken(Exception):
    """The key is missing from the key file, or the text is not what was sealed."""


class KeysUnusable(StoreUnavailable):
    """The keys that seal cannot be used; the text says why and what to do, and holds no key."""
