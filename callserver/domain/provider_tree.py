"""The tree of providers: who is below whom, and whose tree is whose."""

from collections.abc import Mapping

from callserver.domain.business import Catalogue, Provider


def subtree(providers: Mapping[str, Provider], top: str) -> frozenset[str]:
    """A provider and all below it, however deep; empty for one that does not exist.

    A ring of parents, which no import lets pass, ends too.
    """
    if top not in providers:
        return frozenset()
    children: dict[str | None, list[str]] = {}
    for below in providers.values():
        children.setdefault(below.parent, []).append(below.id)
    tree: set[str] = set()
    waiting = [top]
    while waiting:
        name = waiting.pop()
        if name not in tree:
            tree.add(name)
            waiting += children.get(name, ())
    return frozenset(tree)


def path_up(providers: Mapping[str, Provider], provider: str) -> tuple[str, ...]:
    """The provider, the one above it, … up to its root; each once. Empty for an unknown one."""
    path: list[str] = []
    name: str | None = provider
    while name is not None and name in providers and name not in path:
        path.append(name)
        name = providers[name].parent
    return tuple(path)


def customers_of(catalogue: Catalogue, providers: frozenset[str]) -> frozenset[str]:
    """The customers that one of these providers serves itself."""
    return frozenset(
        customer.id for customer in catalogue.customers.values() if customer.provider in providers
    )
