"""Customers' bills: to date at any moment, fixed once their month is closed."""

from dataclasses import replace

from callserver.domain.bill import Bill, BillState, RunningCall
from callserver.domain.billing_month import BillingMonth
from callserver.domain.declined import Declined, Reason
from callserver.ports import Clock
from callserver.ports.months import MonthBook


class Bills:
    """Raises Declined (customer_unknown, month_unknown) and StoreUnavailable."""

    def __init__(self, book: MonthBook, clock: Clock) -> None:
        self._book = book
        self._clock = clock

    def this_month(self) -> BillingMonth:
        """The month that runs."""
        return BillingMonth.of(self._clock.now_us() // 1000)

    async def bill(
        self,
        customer: str,
        month: BillingMonth,
        running: tuple[RunningCall, ...] | None = None,
    ) -> Bill:
        """A customer's bill. `running`: the calls in progress, where somebody knows them; they
        belong to the month that runs."""
        if month > self.this_month():
            raise Declined(Reason.MONTH_UNKNOWN, f"{month} has not begun.")
        found = await self._book.bill(month, customer)
        if found is None:
            raise Declined(Reason.CUSTOMER_UNKNOWN, f"There is no customer {customer}.")
        return replace(found, running=running) if found.state is BillState.OPEN else found

    async def months(self, customer: str) -> list[tuple[BillingMonth, BillState]]:
        """The months there are bills of, the latest first: the one that runs, those that are over
        and not closed yet, and those with a fixed bill."""
        fixed = await self._book.billed_months(customer)
        closed = {each.month for each in await self._book.closes() if each.closed_ms is not None}
        now = self.this_month()
        found = [(now, BillState.OPEN)]
        month = now.previous()
        while closed and month not in closed and month > max(closed):
            found.append((month, BillState.OVER))
            month = month.previous()
        if not closed:
            found.append((month, BillState.OVER))
        return found + [(each, BillState.CLOSED) for each in fixed if each in closed]
