"""Customers' bills: to date at any moment, fixed once their month is closed."""

from callserver.domain.bill import Bill, BillState
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

    async def bill(self, customer: str, month: BillingMonth) -> Bill:
        """A customer's bill, without the calls in progress."""
        if month > self.this_month():
            raise Declined(Reason.MONTH_UNKNOWN, f"{month} has not begun.")
        found = await self._book.bill(month, customer)
        if found is None:
            raise Declined(Reason.CUSTOMER_UNKNOWN, f"There is no customer {customer}.")
        return found

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
