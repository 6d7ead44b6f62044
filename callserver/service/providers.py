"""Providers: what each sees of its tree, and its monthly commission."""

from dataclasses import dataclass

import structlog

from callserver.domain.billing_month import BillingMonth
from callserver.domain.business import Catalogue, Customer, Provider
from callserver.domain.commission import Terms
from callserver.domain.declined import Declined, Reason
from callserver.domain.ledger import provider_account
from callserver.domain.provider_report import (
    CustomerLine,
    ProviderLine,
    ProviderTotal,
    accounts_below,
    customer_lines,
    report_lines,
    total_of,
)
from callserver.domain.provider_tree import subtree
from callserver.ports import Clock
from callserver.ports.providers import Commission, CommissionKey, PostedCommission, ProviderBook

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ProviderReport:
    """A tree in a month. `running`: the month is not over, commissions are what they would be."""

    month: BillingMonth
    running: bool
    lines: list[ProviderLine]
    total: ProviderTotal


class Providers:
    """Reads and commissions over the books; who may see what is the caller's to decide.

    Methods raise StoreUnavailable, those that write also OutcomeUnknown.
    """

    def __init__(self, book: ProviderBook, clock: Clock) -> None:
        self._book = book
        self._clock = clock

    def this_month(self) -> BillingMonth:
        """The month that runs in Shanghai."""
        return BillingMonth.of(self._clock.now_us() // 1000)

    async def balance(self, provider: str) -> int:
        """What has settled on a provider's account; 0 where it has none."""
        account = provider_account(provider)
        return (await self._book.settled([account])).get(account, 0)

    async def report(
        self, catalogue: Catalogue, top: str | None, month: BillingMonth
    ) -> ProviderReport:
        """A provider and all below it (None: everybody). Raises Declined (provider_unknown,
        month_unknown)."""
        if month > self.this_month():
            raise Declined(Reason.MONTH_UNKNOWN, f"{month} has not begun.")
        if top is not None:
            find_provider(catalogue, top)
        settled = await self._book.settled(accounts_below(catalogue, top))
        usage = await self._book.usage(month.from_ms, month.to_ms)
        due = await self._book.commissions(month, terms_of(catalogue), "", post=False)
        earned = {each.provider: each.earned.micros for each in due}
        lines = report_lines(catalogue, top, settled, usage, earned)
        return ProviderReport(month, month == self.this_month(), lines, total_of(lines))

    async def customers(self, catalogue: Catalogue, top: str | None) -> list[CustomerLine]:
        """Customers of a provider's whole tree (None: all). Raises Declined (provider_unknown)."""
        if top is not None:
            find_provider(catalogue, top)
        tree = subtree(catalogue.providers, top) if top else frozenset(catalogue.providers)
        wanted = [each.id for each in catalogue.customers.values() if each.provider in tree]
        return customer_lines(catalogue, tree, await self._book.settled(wanted))

    async def customer(self, catalogue: Catalogue, customer: Customer) -> CustomerLine:
        """One customer with its numbers and what has settled."""
        settled = await self._book.settled([customer.id])
        lines = customer_lines(catalogue, frozenset((customer.provider,)), settled)
        return next(each for each in lines if each.customer.id == customer.id)

    async def commissions(
        self, catalogue: Catalogue, month: BillingMonth, actor: str, *, post: bool
    ) -> list[Commission]:
        """Every provider's commission of a month that is over; `post` puts it on their accounts.

        Posting again posts only what calls that arrived late have changed, by the terms the month
        was first posted by. Raises Declined (month_not_over).
        """
        if month >= self.this_month():
            raise Declined(
                Reason.MONTH_NOT_OVER,
                f"{month} is not over; `callserver providers report` shows what it has earned.",
            )
        found = await self._book.commissions(month, terms_of(catalogue), actor, post=post)
        if post:
            moved = [each for each in found if each.amount_micros]
            log.info(
                "providers.commissions_posted",
                month=str(month),
                providers=len(moved),
                micros=sum(each.amount_micros for each in moved),
            )
        return found

    async def posted(
        self,
        providers: frozenset[str],
        month: BillingMonth | None = None,
        after: CommissionKey | None = None,
        most: int | None = None,
    ) -> list[PostedCommission]:
        """Commissions that were posted, the newest month first; those behind `after`, `most` of
        them."""
        return await self._book.posted(providers, str(month) if month else None, after, most)


def terms_of(catalogue: Catalogue) -> dict[str, Terms]:
    """Every provider's terms as they are now."""
    return {each.id: Terms(each.commission, each.parent) for each in catalogue.providers.values()}


def find_provider(catalogue: Catalogue, provider: str) -> Provider:
    """The provider. Raises Declined (provider_unknown)."""
    found = catalogue.providers.get(provider)
    if found is None:
        raise Declined(Reason.PROVIDER_UNKNOWN, f"There is no provider {provider!r}.")
    return found


def find_customer(catalogue: Catalogue, customer: str) -> Customer:
    """The customer. Raises Declined (customer_unknown)."""
    found = catalogue.customers.get(customer)
    if found is None:
        raise Declined(Reason.CUSTOMER_UNKNOWN, f"There is no customer {customer!r}.")
    return found
