"""What a reseller sees of its tree: customers, numbers, balances, calls and what is earned."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from callserver.domain.business import Catalogue, Customer, NumberState, Provider
from callserver.domain.commission import CallUsage
from callserver.domain.ledger import provider_account
from callserver.domain.provider_tree import subtree


@dataclass(frozen=True, slots=True)
class ProviderLine:
    """One provider of the tree, without those below it. Balances are what has settled."""

    provider: Provider
    depth: int
    customers: int
    numbers: Mapping[NumberState, int]
    customers_micros: int
    balance_micros: int
    usage: CallUsage
    commission_micros: int


@dataclass(frozen=True, slots=True)
class ProviderTotal:
    """All lines together."""

    providers: int = 0
    customers: int = 0
    numbers: Mapping[NumberState, int] = field(default_factory=dict)
    customers_micros: int = 0
    balance_micros: int = 0
    usage: CallUsage = field(default_factory=CallUsage)
    commission_micros: int = 0


@dataclass(frozen=True, slots=True)
class CustomerLine:
    """A customer as its provider sees it."""

    customer: Customer
    numbers: Mapping[NumberState, int]
    settled_micros: int


def in_order(providers: Mapping[str, Provider], top: str | None) -> Iterator[tuple[int, Provider]]:
    """A provider (None: every root) and all below it, each under its parent, with its depth."""
    below: dict[str | None, list[Provider]] = {}
    for each in providers.values():
        below.setdefault(each.parent, []).append(each)
    waiting = [(0, each) for each in ([providers[top]] if top else below.get(None, []))]
    waiting.sort(key=lambda pair: pair[1].id, reverse=True)
    while waiting:
        depth, each = waiting.pop()
        yield depth, each
        children = sorted(below.get(each.id, ()), key=lambda child: child.id, reverse=True)
        waiting += [(depth + 1, child) for child in children]


def accounts_below(catalogue: Catalogue, top: str | None) -> list[str]:
    """The accounts a report of this tree needs."""
    tree = subtree(catalogue.providers, top) if top else frozenset(catalogue.providers)
    own = [provider_account(name) for name in sorted(tree)]
    return own + [each.id for each in catalogue.customers.values() if each.provider in tree]


def customer_lines(
    catalogue: Catalogue, tree: frozenset[str], settled: Mapping[str, int]
) -> list[CustomerLine]:
    """The customers of these providers, in order of their ids."""
    numbers = _numbers(catalogue)
    return [
        CustomerLine(each, numbers.get(each.id, {}), settled.get(each.id, 0))
        for each in sorted(catalogue.customers.values(), key=lambda customer: customer.id)
        if each.provider in tree
    ]


def report_lines(
    catalogue: Catalogue,
    top: str | None,
    settled: Mapping[str, int],
    usage: Mapping[str, CallUsage],
    commissions: Mapping[str, int],
) -> list[ProviderLine]:
    """A line for each provider of the tree, those below under those above."""
    customers: dict[str, int] = Counter()
    held: dict[str, int] = Counter()
    numbers: dict[str, Counter[NumberState]] = {}
    owned = _numbers(catalogue)
    for each in catalogue.customers.values():
        customers[each.provider] += 1
        held[each.provider] += settled.get(each.id, 0)
        numbers.setdefault(each.provider, Counter()).update(owned.get(each.id, {}))
    return [
        ProviderLine(
            provider=provider,
            depth=depth,
            customers=customers.get(provider.id, 0),
            numbers=numbers.get(provider.id, {}),
            customers_micros=held.get(provider.id, 0),
            balance_micros=settled.get(provider_account(provider.id), 0),
            usage=usage.get(provider.id, CallUsage()),
            commission_micros=commissions.get(provider.id, 0),
        )
        for depth, provider in in_order(catalogue.providers, top)
    ]


def total_of(lines: list[ProviderLine]) -> ProviderTotal:
    """The sum of a report."""
    numbers: Counter[NumberState] = Counter()
    for each in lines:
        numbers.update(each.numbers)
    return ProviderTotal(
        providers=len(lines),
        customers=sum(each.customers for each in lines),
        numbers=numbers,
        customers_micros=sum(each.customers_micros for each in lines),
        balance_micros=sum(each.balance_micros for each in lines),
        usage=sum((each.usage for each in lines), CallUsage()),
        commission_micros=sum(each.commission_micros for each in lines),
    )


def _numbers(catalogue: Catalogue) -> dict[str, Counter[NumberState]]:
    """Each customer's numbers by state."""
    found: dict[str, Counter[NumberState]] = {}
    for did in catalogue.dids.values():
        found.setdefault(did.customer, Counter())[did.state] += 1
    return found
