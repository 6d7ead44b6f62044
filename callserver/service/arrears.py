"""Who is overdue, and whose numbers must come back."""

from callserver.domain.arrears import Overdue, ToRestore
from callserver.domain.business import Catalogue
from callserver.domain.provider_report import in_order
from callserver.ports.arrears import ArrearsBook
from callserver.service.providers import find_provider


class Arrears:
    """The operator's daily list. Raises StoreUnavailable; Declined for an unknown provider."""

    def __init__(self, book: ArrearsBook, days: int) -> None:
        self._book = book
        self._days = days

    async def overdue(self, catalogue: Catalogue, provider: str | None) -> list[Overdue]:
        """Customers in arrears, of the provider's tree or of all."""
        return list(await self._book.overdue(_customers(catalogue, provider), self._days))

    async def to_restore(self, catalogue: Catalogue, provider: str | None) -> list[ToRestore]:
        """Numbers to resume, the latest first."""
        return list(await self._book.to_restore(_customers(catalogue, provider)))


def _customers(catalogue: Catalogue, provider: str | None) -> frozenset[str] | None:
    if provider is None:
        return None
    find_provider(catalogue, provider)
    tree = {each.id for _, each in in_order(catalogue.providers, provider)}
    return frozenset(each.id for each in catalogue.customers.values() if each.provider in tree)
