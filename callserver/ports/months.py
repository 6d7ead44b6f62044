"""What minimums, month closes, bills and notices need from the books."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from callserver.domain.bill import Bill, SuddenFee
from callserver.domain.billing_month import BillingMonth
from callserver.domain.minimum import MinimumVersion, MinimumWish
from callserver.domain.month import Correction, Key, MonthClose, MonthLine, MonthReport


class MinimumBook(Protocol):
    """Monthly minimums and their history [R1]. Raises StoreUnavailable and OutcomeUnknown."""

    async def put(self, wishes: Sequence[MinimumWish], actor: str) -> list[MinimumVersion]:
        """Grant all of these or none, from the start of next month; what holds then, for each.

        Raises Declined: what `domain.minimum.raised` says no to, a number nobody knows, an
        operation id that stood for something else.
        """
        ...

    async def follow(self, after: str, limit: int, actor: str) -> tuple[int, str | None]:
        """Let minimums of numbers not yet in use follow rates that went down; `limit` numbers
        beyond `after`. How many followed, and the last number looked at (None: that was all).
        """
        ...

    async def history(self, did: str) -> list[MinimumVersion]:
        """All versions, the oldest first; empty for a number without a minimum."""
        ...

    async def current(self, after: str, limit: int) -> list[MinimumVersion]:
        """The last version of each number beyond `after`, in order of the numbers."""
        ...

    async def rates(self, dids: Sequence[str]) -> Mapping[str, int]:
        """The numbers' rates now, micros a minute; 0 without a tariff; unknown ones left out."""
        ...

    async def owner(self, did: str) -> str | None:
        """The customer whose number it is now, if it is one's."""
        ...


class MonthBook(Protocol):
    """Months: their close, corrections, reports and bills. Raises StoreUnavailable and
    OutcomeUnknown; every write may be repeated."""

    async def closes(self) -> list[MonthClose]:
        """Months that are closed or being closed, the earliest first."""
        ...

    async def check(self, month: BillingMonth) -> None:
        """Raise Declined unless the month may be closed now."""
        ...

    async def begin(self, month: BillingMonth, actor: str) -> MonthClose:
        """Begin to close, or find how far it has come. Raises Declined."""
        ...

    async def step(
        self, month: BillingMonth, factor: int, batch: int = ...
    ) -> tuple[MonthClose, int]:
        """Do the next batch, of so many numbers: where the close stands then, and how much was
        done. `factor` is that of the sudden-fee notice.
        """
        ...

    async def size(self) -> tuple[int, int]:
        """How many numbers and customers there are."""
        ...

    async def try_numbers(
        self, month: BillingMonth, after: str
    ) -> tuple[list[MonthLine], str | None]:
        """The lines of the next numbers beyond `after` as they would be, and the last of these."""
        ...

    async def try_others(self, month: BillingMonth, day: int, seen: set[Key]) -> list[MonthLine]:
        """Lines of what had calls on a day of the month (from 0) and is not in `seen`."""
        ...

    async def report(self, month: BillingMonth) -> MonthReport | None:
        """The month as it was closed, or as far as its close has come; None: not begun."""
        ...

    async def changed(self, month: BillingMonth) -> list[Key]:
        """Numbers of a closed month whose calls are no longer what is known of them."""
        ...

    async def correct(
        self, month: BillingMonth, dids: Sequence[str], actor: str
    ) -> list[Correction]:
        """Post what has changed of these numbers of a closed month; again it finds nothing."""
        ...

    async def corrections(self, month: BillingMonth) -> list[Correction]:
        """What was corrected of a month so far."""
        ...

    async def bill(self, month: BillingMonth, owner: str) -> Bill | None:
        """A customer's bill, fixed or to date; None: there is no such customer."""
        ...

    async def billed_months(self, owner: str) -> list[BillingMonth]:
        """The months of which the customer has a fixed bill, the latest first."""
        ...

    async def called_since(self, from_ms: int, to_ms: int) -> list[str]:
        """Customers with calls for money that ended in [from_ms, to_ms)."""
        ...

    async def notice_sudden_fees(
        self, month: BillingMonth, customers: Sequence[str], factor: int
    ) -> Mapping[str, SuddenFee]:
        """Write down which of these have a sudden month; those that are new."""
        ...

    async def notice_count(self, month: BillingMonth) -> int:
        """How many customers were noticed of the month."""
        ...
