"""Money moved by hand, statements, thresholds: what people do with accounts."""

from collections.abc import Callable, Sequence

import structlog

from callserver.domain.account_event import AccountEvent, Threshold
from callserver.domain.ledger import Entry
from callserver.domain.ledger_moves import Adjustment, Reversal, Transfer, Transferred
from callserver.domain.statement import Statement
from callserver.ports.ledger import EntryPage, EntryQuery, LedgerBook

log = structlog.get_logger()


class Ledger:
    """Every write happens once for its operation id; a second one gets the first's outcome.

    All methods raise AccountUnknown and StoreUnavailable; those that write also OutcomeUnknown and
    Declined (OperationReused, NotCovered, BelowLimit …), after which nothing has moved. Redis gets
    what is posted within a second, by the follower of any running server.
    """

    def __init__(self, book: LedgerBook) -> None:
        self._book = book

    async def entries(self, query: EntryQuery) -> EntryPage:
        """A page of entries, the newest first. Raises BadCursor."""
        return await self._book.entries(query)

    async def entry(self, account: str, entry: int) -> Entry | None:
        """One entry of the account."""
        return await self._book.entry(account, entry)

    async def statement(
        self,
        account: str,
        from_ms: int,
        to_ms: int,
        take: Callable[[Statement, Entry], None] | None = None,
    ) -> Statement:
        """The account over [from_ms, to_ms), from one snapshot; `take` gets it with each of its
        entries, the oldest first, perhaps in another thread.
        """
        return await self._book.statement(account, from_ms, to_ms, take)

    async def adjust(self, asked: Adjustment) -> Entry:
        """Add or take away money and minutes. Raises BelowLimit unless forced."""
        entry = await self._book.adjust(asked)
        log.info(
            "ledger.adjusted",
            account=entry.account,
            amount_micros=entry.amount_micros,
            minutes=entry.minutes,
            forced=entry.forced,
            entry=entry.id,
        )
        return entry

    async def reverse(self, asked: Reversal) -> Sequence[Entry]:
        """Take an entry back, once; a transfer is taken back whole. That of the account is first.

        Raises Declined: for a call's entry, which only re-rating corrects; for a reversal; for what
        was reversed before.
        """
        posted = await self._book.reverse(asked)
        log.info(
            "ledger.reversed",
            account=asked.account,
            reverses=asked.entry,
            entries=[entry.id for entry in posted],
            forced=any(entry.forced for entry in posted),
        )
        return posted

    async def transfer(self, asked: Transfer) -> Transferred:
        """Move money from a provider to a customer of its tree. Raises NotCovered, Declined."""
        moved = await self._book.transfer(asked)
        log.info(
            "ledger.transferred",
            provider=asked.provider,
            customer=asked.customer,
            amount_micros=asked.amount_micros,
            entries=[moved.debit.id, moved.credit.id],
        )
        return moved

    async def events(
        self, account: str | None = None, before_id: int | None = None, most: int = 100
    ) -> list[AccountEvent]:
        """When accounts ran low, the newest first; None: all accounts."""
        return await self._book.events(account, before_id, most)

    async def threshold(self, account: str) -> Threshold:
        """Where the account counts as low."""
        return await self._book.threshold(account)

    async def set_threshold(self, account: str, low_micros: int | None, actor: str) -> Threshold:
        """Set it (0: never low), or go back to the default (None)."""
        found = await self._book.set_threshold(account, low_micros, actor)
        log.info("ledger.threshold_set", account=account, low_micros=found.low_micros, actor=actor)
        return found
