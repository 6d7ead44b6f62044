"""Watches the running month for sudden fees, so that customers are told before it ends."""

import asyncio
from collections.abc import Sequence

import structlog

from callserver.domain.billing_month import BillingMonth
from callserver.ports import Clock, OutcomeUnknown, StoreUnavailable
from callserver.ports.months import MonthBook

log = structlog.get_logger()

CUSTOMERS_AT_ONCE = 500
OVERLAP_MS = 3_600_000
"""Calls are looked at again for so long: some are written late."""


class SuddenFees:
    """Writes notices: once a customer and month, whoever looks how often."""

    def __init__(self, book: MonthBook, clock: Clock, factor: int, look_s: float) -> None:
        self._book = book
        self._clock = clock
        self._factor = factor
        self._look_s = look_s
        self._looked: BillingMonth | None = None
        self._looked_ms = 0
        self.noticed = 0
        """Customers noticed of the running month, as of the last look."""

    async def look(self) -> int:
        """Look at customers who had calls since the last look; how many were noticed now."""
        now_ms = self._clock.now_us() // 1000
        month = BillingMonth.of(now_ms)
        since_ms = month.from_ms
        if self._looked == month:
            since_ms = max(since_ms, self._looked_ms - OVERLAP_MS)
        customers = await self._book.called_since(since_ms, month.to_ms)
        count = 0
        for start in range(0, len(customers), CUSTOMERS_AT_ONCE):
            count += await self._notice(month, customers[start : start + CUSTOMERS_AT_ONCE])
        self._looked, self._looked_ms = month, now_ms
        self.noticed = await self._book.notice_count(month)
        return count

    async def _notice(self, month: BillingMonth, customers: Sequence[str]) -> int:
        found = await self._book.notice_sudden_fees(month, customers, self._factor)
        for customer, sudden in found.items():
            log.warning(
                "fees.sudden",
                customer=customer,
                month=str(month),
                fee_micros=sudden.fee_micros,
                mean_micros=sudden.mean_micros,
            )
        return len(found)

    async def run(self) -> None:
        """Look for ever, once in a while; a database that is away is waited for."""
        while True:
            try:
                await self.look()
            except (StoreUnavailable, OutcomeUnknown) as away:
                log.warning("fees.waiting", reason=type(away).__name__)
            await asyncio.sleep(self._look_s)
