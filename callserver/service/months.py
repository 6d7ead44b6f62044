"""Closing months: in order, in batches that a kill cannot hurt, and corrected afterwards."""

import asyncio
from collections.abc import Callable

import structlog

from callserver.domain.billing_month import BillingMonth
from callserver.domain.declined import Declined, Reason
from callserver.domain.month import (
    Correction,
    Key,
    MonthClose,
    MonthReport,
    Phase,
    ReportSums,
)
from callserver.ports import Clock
from callserver.ports.months import MonthBook

log = structlog.get_logger()

BATCH = 500
CORRECTED_AT_ONCE = 500
LATE_MONTHS = 3
"""So many closed months are looked at for late calls when the next one closes."""

GIVE_WAY_S = 0.02
"""Between two batches, for whoever else waits to write: SQLite has one writer and no queue."""

Progress = Callable[[Phase, int, int], None]
"""Told of the phase, how much of it is done, and of how much."""


def _silent(_phase: Phase, _done: int, _of: int) -> None:
    """Nobody watches."""


def doubts(open_calls: int, waiting_cdrs: int) -> list[str]:
    """Why a month that is closed now may miss calls; empty: nothing is known against it."""
    found: list[str] = []
    if open_calls:
        found.append(f"{open_calls} calls are open; what ends late is corrected later")
    if waiting_cdrs:
        found.append(f"{waiting_cdrs} CDRs are not in SQL yet; wait, or they are corrected later")
    return found


class Months:
    """Raises Declined, StoreUnavailable and OutcomeUnknown; every operation may be repeated."""

    def __init__(self, book: MonthBook, clock: Clock, factor: int) -> None:
        self._book = book
        self._clock = clock
        self._factor = factor

    async def close(
        self, month: BillingMonth, actor: str, progress: Progress = _silent, batch: int = BATCH
    ) -> MonthReport:
        """Close a month that is over, or go on where a close was killed; closed: its report.

        A transaction takes `batch` numbers: so many a kill costs at most.

        Calls that came late for the months before are corrected first.
        """
        close = await self._book.begin(month, actor)
        if close.phase is Phase.CORRECTING:
            await self._correct_earlier(month, close.actor, progress)
        numbers, customers = await self._book.size()
        totals = {Phase.NUMBERS: numbers, Phase.BILLS: customers}
        phase, done = close.phase, 0
        while close.phase is not Phase.CLOSED:
            close, more = await self._book.step(month, self._factor, batch)
            done = done + more if close.phase is phase else 0
            phase = close.phase
            progress(phase, done, max(done, totals.get(phase, 0)))
            await asyncio.sleep(GIVE_WAY_S)
        report = await self._book.report(month)
        assert report is not None, "closed just now"
        total = report.total
        log.info(
            "months.closed",
            month=str(month),
            numbers=total.numbers,
            shortfalls=total.shortfalls,
            shortfall_micros=total.shortfall_micros,
        )
        return report

    async def begin(self, month: BillingMonth, actor: str) -> MonthClose:
        """Begin to close, without a batch yet; `close` goes on. Raises Declined."""
        return await self._book.begin(month, actor)

    async def try_close(self, month: BillingMonth, progress: Progress = _silent) -> MonthReport:
        """What a close would come to now; nothing is written. Raises Declined as `close` would."""
        found = await self._book.report(month)
        if found is not None and found.close is not None and found.close.phase is Phase.CLOSED:
            return found
        await self._book.check(month)
        numbers, _ = await self._book.size()
        sums, seen, after, done = ReportSums(), set[Key](), "", 0
        while True:
            lines, last = await self._book.try_numbers(month, after)
            sums.add(lines)
            seen |= {line.key for line in lines}
            if last is None:
                break
            done, after = done + len({line.did for line in lines}), last
            progress(Phase.NUMBERS, done, max(done, numbers))
        for day in range(31):
            lines = await self._book.try_others(month, day, seen)
            sums.add(lines)
            seen |= {line.key for line in lines}
            progress(Phase.OTHERS, day + 1, 31)
        return MonthReport(month, None, sums.rows())

    async def correct(
        self, month: BillingMonth, actor: str, progress: Progress = _silent
    ) -> list[Correction]:
        """Post what has changed of a closed month: the corrections made now.

        Raises Declined (month_unknown) for a month that is not closed.
        """
        closed = [each.month for each in await self._closed()]
        if month not in closed:
            raise Declined(Reason.MONTH_UNKNOWN, f"{month} is not closed; nothing is late for it.")
        dids = sorted({key[0] for key in await self._book.changed(month)})
        made: list[Correction] = []
        for start in range(0, len(dids), CORRECTED_AT_ONCE):
            chunk = dids[start : start + CORRECTED_AT_ONCE]
            made += await self._book.correct(month, chunk, actor)
            progress(Phase.CORRECTING, start + len(chunk), len(dids))
            await asyncio.sleep(GIVE_WAY_S)
        if made:
            log.info("months.corrected", month=str(month), numbers=len(made))
        return made

    async def closes(self) -> list[MonthClose]:
        """Months that are closed or being closed, the earliest first."""
        return await self._book.closes()

    async def report(self, month: BillingMonth) -> MonthReport:
        """A month's report. Raises Declined (month_unknown)."""
        found = await self._book.report(month)
        if found is None:
            raise Declined(Reason.MONTH_UNKNOWN, f"{month} is not closed.")
        return found

    async def corrections(self, month: BillingMonth) -> list[Correction]:
        """What was corrected of a month so far."""
        return await self._book.corrections(month)

    async def _closed(self) -> list[MonthClose]:
        return [each for each in await self._book.closes() if each.phase is Phase.CLOSED]

    async def _correct_earlier(self, month: BillingMonth, actor: str, progress: Progress) -> None:
        earlier = [each.month for each in await self._closed() if each.month < month]
        for each in earlier[-LATE_MONTHS:]:
            await self.correct(each, actor, progress)
