"""Who is below whom."""

from callserver.domain.business import Catalogue, Customer, Provider
from callserver.domain.provider_tree import customers_of, path_up, subtree

RING = [Provider("a", "", "c"), Provider("b", "", "a"), Provider("c", "", "b"), Provider("d", "")]
TREE = [
    Provider("root", ""),
    Provider("left", "", "root"),
    Provider("right", "", "root"),
    Provider("leaf", "", "left"),
]


def test_a_subtree_is_the_provider_and_all_below_it() -> None:
    """However deep; siblings and those above are not in it."""
    providers = {each.id: each for each in TREE}
    assert subtree(providers, "root") == {"root", "left", "right", "leaf"}
    assert subtree(providers, "left") == {"left", "leaf"}
    assert subtree(providers, "leaf") == {"leaf"}
    assert subtree(providers, "nobody") == frozenset()


def test_the_way_up_ends_at_the_root() -> None:
    """From the provider itself."""
    providers = {each.id: each for each in TREE}
    assert path_up(providers, "leaf") == ("leaf", "left", "root")
    assert path_up(providers, "root") == ("root",)
    assert path_up(providers, "nobody") == ()


def test_a_ring_of_parents_ends() -> None:
    """No import makes one; a hand in the database might."""
    providers = {each.id: each for each in RING}
    assert subtree(providers, "a") == {"a", "b", "c"}
    assert path_up(providers, "a") == ("a", "c", "b")


def test_a_provider_has_the_customers_of_its_whole_tree() -> None:
    """Those of each provider in it."""
    customers = [Customer(f"of-{name}", "", name, "t") for name in ("root", "left", "leaf")]
    catalogue = Catalogue(
        version=1,
        providers={each.id: each for each in TREE},
        customers={each.id: each for each in customers},
    )
    assert customers_of(catalogue, subtree(catalogue.providers, "left")) == {"of-left", "of-leaf"}
    assert customers_of(catalogue, frozenset()) == frozenset()
