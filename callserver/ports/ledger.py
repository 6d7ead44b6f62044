"""What accounts, statements and corrections are kept in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from callserver.domain.account_event import AccountEvent, Threshold
from callserver.domain.ledger import Entry, EntryKind
from callserver.domain.ledger_moves import Adjustment, Reversal, Transfer, Transferred
from callserver.domain.statement import Statement


@dataclass(frozen=True, slots=True)
class EntryQuery:
    """Entries posted in [from_ms, to_ms), the newest first; `cursor` from a page."""

    account: str
    kinds: frozenset[EntryKind] | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    cursor: str | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class EntryPage:
    """`next_cursor` is None on the last page."""

    entries: tuple[Entry, ...]
    next_cursor: str | None


class LedgerBook(Protocol):
    """The ledger in SQL. All raise StoreUnavailable, and AccountUnknown for an account that is not
    there; those that write also OutcomeUnknown, OperationReused and Declined."""

    async def entries(self, query: EntryQuery) -> EntryPage:
        """A page of entries. Raises BadCursor."""
        ...

    async def entry(self, account: str, entry: int) -> Entry | None:
        """One entry."""
        ...

    async def statement(
        self,
        account: str,
        from_ms: int,
        to_ms: int,
        take: Callable[[Statement, Entry], None] | None,
    ) -> Statement:
        """The statement, from one snapshot; `take` gets it with each entry, the oldest first.

        `take` may run in another thread, before this returns.
        """
        ...

    async def adjust(self, asked: Adjustment) -> Entry:
        """Post an adjustment. Raises BelowLimit unless forced."""
        ...

    async def reverse(self, asked: Reversal) -> Sequence[Entry]:
        """Post what takes an entry back (of a transfer: both its entries, that of the account
        first). Raises Declined, BelowLimit unless forced."""
        ...

    async def transfer(self, asked: Transfer) -> Transferred:
        """Move money. Raises NotCovered, and Declined for a customer of another tree."""
        ...

    async def accounts_after(self, account: str, most: int) -> list[str]:
        """Accounts whose ids come after this one, in order."""
        ...

    async def events(
        self, account: str | None, before_id: int | None, most: int
    ) -> list[AccountEvent]:
        """Events, the newest first; None: of all accounts."""
        ...

    async def threshold(self, account: str) -> Threshold:
        """The account's threshold, or the default."""
        ...

    async def set_threshold(self, account: str, low_micros: int | None, actor: str) -> Threshold:
        """Set the account's threshold, or (None) go back to the default."""
        ...

    async def set_default_threshold(self, low_micros: int, actor: str) -> None:
        """Set the threshold of all accounts that have none of their own."""
        ...

    async def events_after(self, last_id: int, most: int) -> list[AccountEvent]:
        """Events with a higher id, in order."""
        ...

    async def event_mark(self, reader: str) -> int:
        """How far this reader of events has come: the id of the last event it is done with."""
        ...

    async def set_event_mark(self, reader: str, last_id: int) -> None:
        """It is done with all events up to this id; a lower id than before changes nothing."""
        ...
