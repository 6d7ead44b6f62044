"""Months over the database: closing them, correcting them, their reports and bills."""

from collections.abc import Sequence

from sqlalchemy import Connection, func, select

from callserver.adapters.sql import bills, month_closing, month_correcting, month_reading, notices
from callserver.adapters.sql.database import Database
from callserver.adapters.sql.month_usage import lines_of, usage_between
from callserver.adapters.sql.schema import customer, did
from callserver.domain.bill import Bill, BillState, SuddenFee
from callserver.domain.billing_month import DAY_MS, BillingMonth
from callserver.domain.month import (
    Correction,
    Key,
    MonthClose,
    MonthLine,
    MonthReport,
    Phase,
    Usage,
)
from callserver.ports import Clock

LATE_MONTHS = 3


class SqlMonths:
    """MonthBook on SQLite or PostgreSQL."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def closes(self) -> list[MonthClose]:
        """Months that are closed or being closed, the earliest first."""
        return await self._database.read(month_closing.closes)

    async def check(self, month: BillingMonth) -> None:
        """Raise Declined unless the month may be closed now."""
        now_ms = self._now_ms()
        await self._database.read(
            lambda connection: month_closing.check_closable(connection, month, now_ms)
        )

    async def begin(self, month: BillingMonth, actor: str) -> MonthClose:
        """Begin to close, or find how far it has come."""
        now_ms = self._now_ms()
        return await self._database.write(
            lambda connection: month_closing.begin(connection, month, actor, now_ms)
        )

    async def step(
        self, month: BillingMonth, factor: int, batch: int = month_closing.NUMBERS_AT_ONCE
    ) -> tuple[MonthClose, int]:
        """Do the next batch."""
        now_ms = self._now_ms()
        return await self._database.write(
            lambda connection: month_closing.step(connection, month, now_ms, factor, batch)
        )

    async def size(self) -> tuple[int, int]:
        """How many numbers and customers there are."""

        def read(connection: Connection) -> tuple[int, int]:
            numbers, customers = (
                connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in (did, customer)
            )
            return numbers, customers

        return await self._database.read(read)

    async def try_numbers(
        self, month: BillingMonth, after: str
    ) -> tuple[list[MonthLine], str | None]:
        """The lines of the next numbers beyond `after` as they would be, and the last of these."""

        def read(connection: Connection) -> tuple[list[MonthLine], str | None]:
            dids = month_closing.next_numbers(connection, after)
            return lines_of(connection, month, dids), dids[-1] if dids else None

        return await self._database.read(read)

    async def try_others(self, month: BillingMonth, day: int, seen: set[Key]) -> list[MonthLine]:
        """Lines of what had calls on a day of the month (from 0) and is not in `seen`."""

        def read(connection: Connection) -> list[MonthLine]:
            from_ms = month.from_ms + day * DAY_MS
            used = usage_between(connection, from_ms, from_ms + DAY_MS)
            rest = {key for key in used if key not in seen}
            lines = lines_of(connection, month, sorted({key[0] for key in rest}))
            return [each for each in lines if each.key not in seen]

        return await self._database.read(read)

    async def report(self, month: BillingMonth) -> MonthReport | None:
        """The month as it was closed, or as far as its close has come; None: not begun."""

        def read(connection: Connection) -> MonthReport | None:
            found = [each for each in month_closing.closes(connection) if each.month == month]
            if not found:
                return None
            count, micros = month_reading.correction_sum(connection, month)
            rows = month_reading.report_rows(connection, month)
            return MonthReport(month, found[0], rows, count, micros)

        return await self._database.read(read)

    async def changed(self, month: BillingMonth) -> list[Key]:
        """Numbers of a closed month whose calls are no longer what is known of them."""

        def known(connection: Connection) -> dict[Key, Usage]:
            return month_reading.known_usage(connection, month)

        before = await self._database.read(known)
        return await self._database.read(
            lambda connection: month_correcting.changed(connection, month, before)
        )

    async def correct(
        self, month: BillingMonth, dids: Sequence[str], actor: str
    ) -> list[Correction]:
        """Post what has changed of these numbers of a closed month."""
        now_ms = self._now_ms()
        return await self._database.write(
            lambda connection: month_correcting.correct(connection, month, dids, actor, now_ms)
        )

    async def corrections(self, month: BillingMonth) -> list[Correction]:
        """What was corrected of a month so far."""
        return await self._database.read(
            lambda connection: month_reading.read_corrections(connection, month=month)
        )

    async def bill(self, month: BillingMonth, owner: str) -> Bill | None:
        """A customer's bill, fixed or to date; None: there is no such customer."""
        now_ms = self._now_ms()
        return await self._database.read(lambda connection: _bill(connection, month, owner, now_ms))

    async def billed_months(self, owner: str) -> list[BillingMonth]:
        """The months of which the customer has a fixed bill, the latest first."""
        return await self._database.read(lambda connection: bills.billed_months(connection, owner))

    async def called_since(self, from_ms: int, to_ms: int) -> list[str]:
        """Customers with calls for money that ended in [from_ms, to_ms)."""
        return await self._database.read(
            lambda connection: notices.called_since(connection, from_ms, to_ms)
        )

    async def notice_sudden_fees(
        self, month: BillingMonth, customers: Sequence[str], factor: int
    ) -> dict[str, SuddenFee]:
        """Write down which of these have a sudden month; those that are new."""
        now_ms = self._now_ms()
        fees = await self._database.read(
            lambda connection: notices.fees_of(connection, month, customers)
        )
        suspects = await self._database.read(
            lambda connection: notices.suspects(connection, month, fees, factor)
        )
        if not suspects:
            return {}
        return await self._database.write(
            lambda connection: notices.notice_sudden_fees(
                connection, month, {owner: fees[owner] for owner in suspects}, now_ms, factor
            )
        )

    async def notice_count(self, month: BillingMonth) -> int:
        """How many customers were noticed of the month."""
        return await self._database.read(lambda connection: notices.count(connection, month))

    def _now_ms(self) -> int:
        return self._clock.now_us() // 1000


def _bill(connection: Connection, month: BillingMonth, owner: str, now_ms: int) -> Bill | None:
    begun = month_closing.closes(connection)
    closed = [close.month for close in begun if close.phase is Phase.CLOSED]
    if month in closed:
        fixed = bills.read_bill(connection, month, owner)
        if fixed is not None:
            return fixed
        nothing = bills.compose(connection, month, [owner], {}, {}, BillState.CLOSED, now_ms)
        return nothing[0] if nothing else None
    late = month_reading.read_corrections(connection, posted_in=month, customers=[owner])
    if closed and closed[-1].next() == month:  # the open month: what is late shows here
        for each in closed[-LATE_MONTHS:]:
            late += month_correcting.pending(connection, each, owner)
    state = BillState.OPEN if now_ms < month.to_ms else BillState.OVER
    return bills.bill_to_date(connection, month, owner, late, state, now_ms)
