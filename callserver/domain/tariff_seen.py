"""Which tariffs concern whom: what prices their calls, and what those calls cost their provider."""

from collections.abc import Iterator

from callserver.domain.business import Catalogue
from callserver.domain.routing import tariff_of


def tariffs_seen(
    catalogue: Catalogue, customers: frozenset[str] | None, providers: frozenset[str] | None
) -> frozenset[str]:
    """The tariffs that these customers and providers have to do with; None: everybody's.

    Customers see what prices their calls, providers also what they offer and what calls cost them.
    Walks through all numbers: not for the event loop where there are many.
    """
    if customers is None or providers is None:
        return frozenset(catalogue.tariffs)
    names = {*_of_customers(catalogue, customers), *_of_providers(catalogue, providers)}
    return frozenset(names & catalogue.tariffs.keys())


def _of_customers(catalogue: Catalogue, customers: frozenset[str]) -> Iterator[str]:
    for each in customers:
        customer = catalogue.customers.get(each)
        if customer is not None and (named := tariff_of(catalogue, None, customer)):
            yield named[0]
    for did in catalogue.dids.values():
        if did.tariff is not None and did.customer in customers:
            yield did.tariff


def _of_providers(catalogue: Catalogue, providers: frozenset[str]) -> Iterator[str]:
    for each in providers:
        provider = catalogue.providers[each]
        for name in (provider.tariff, provider.cost_tariff):
            if name is not None:
                yield name
