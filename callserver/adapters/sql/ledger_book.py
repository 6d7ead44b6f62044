"""The LedgerBook port in SQL."""

from collections.abc import Callable, Sequence

from callserver.adapters.sql import account_events, ledger_moving, ledger_reading
from callserver.adapters.sql.database import Database
from callserver.domain.account_event import AccountEvent, Threshold
from callserver.domain.ledger import Entry
from callserver.domain.ledger_moves import Adjustment, Reversal, Transfer, Transferred
from callserver.domain.statement import Statement
from callserver.ports import Clock
from callserver.ports.ledger import EntryPage, EntryQuery


class SqlLedger:
    """Every method is one transaction, or one snapshot."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def entries(self, query: EntryQuery) -> EntryPage:
        """A page of entries."""
        return await self._database.read(lambda connection: ledger_reading.page(connection, query))

    async def entry(self, account: str, entry: int) -> Entry | None:
        """One entry."""
        return await self._database.read(
            lambda connection: ledger_reading.one(connection, account, entry)
        )

    async def statement(
        self,
        account: str,
        from_ms: int,
        to_ms: int,
        take: Callable[[Statement, Entry], None] | None,
    ) -> Statement:
        """The statement, from one snapshot."""
        return await self._database.read(
            lambda connection: ledger_reading.statement(connection, account, from_ms, to_ms, take)
        )

    async def adjust(self, asked: Adjustment) -> Entry:
        """Post an adjustment."""
        now_ms = self._now_ms()
        return await self._database.write(
            lambda connection: ledger_moving.adjust(connection, asked, now_ms)
        )

    async def reverse(self, asked: Reversal) -> Sequence[Entry]:
        """Take an entry back."""
        now_ms = self._now_ms()
        return await self._database.write(
            lambda connection: ledger_moving.reverse(connection, asked, now_ms)
        )

    async def transfer(self, asked: Transfer) -> Transferred:
        """Move money to a customer."""
        now_ms = self._now_ms()
        return await self._database.write(
            lambda connection: ledger_moving.transfer(connection, asked, now_ms)
        )

    async def accounts_after(self, account: str, most: int) -> list[str]:
        """Accounts whose ids come after this one, in order."""
        return await self._database.read(
            lambda connection: ledger_reading.accounts_after(connection, account, most)
        )

    async def events(
        self, account: str | None, before_id: int | None, most: int
    ) -> list[AccountEvent]:
        """Events, the newest first."""
        return await self._database.read(
            lambda connection: account_events.page(connection, account, before_id, most)
        )

    async def threshold(self, account: str) -> Threshold:
        """The account's threshold, or the default."""
        return await self._database.read(
            lambda connection: account_events.threshold(connection, account)
        )

    async def set_threshold(self, account: str, low_micros: int | None, actor: str) -> Threshold:
        """Set the account's threshold, or (None) go back to the default."""
        now_ms = self._now_ms()
        return await self._database.write(
            lambda connection: account_events.set_threshold(
                connection, account, low_micros, actor, now_ms
            )
        )

    async def set_default_threshold(self, low_micros: int, actor: str) -> None:
        """Set the threshold of all others."""
        await self.set_threshold(account_events.DEFAULT, low_micros, actor)

    async def events_after(self, last_id: int, most: int) -> list[AccountEvent]:
        """Events with a higher id, in order."""
        return await self._database.read(
            lambda connection: account_events.after(connection, last_id, most)
        )

    async def event_mark(self, reader: str) -> int:
        """How far this reader has come."""
        return await self._database.read(lambda connection: account_events.mark(connection, reader))

    async def set_event_mark(self, reader: str, last_id: int) -> None:
        """It is done with all up to this id."""
        await self._database.write(
            lambda connection: account_events.set_mark(connection, reader, last_id)
        )

    def _now_ms(self) -> int:
        return self._clock.now_us() // 1000
