"""Who sees which tariff."""

from dataclasses import replace

import pytest

from callserver.domain.business import Catalogue, Customer, Did, NumberState, Provider
from callserver.domain.tariff import TariffVersion
from callserver.domain.tariff_seen import tariffs_seen

NAMES = ("retail", "wholesale", "own", "number", "leaf-cost", "foreign")
CATALOGUE = Catalogue(
    version=1,
    providers={
        "top": Provider("top", "T", None, "retail", "wholesale"),
        "leaf": Provider("leaf", "L", "top", None, "leaf-cost"),
        "other": Provider("other", "O", None, "foreign", "gone"),
    },
    customers={
        "a": Customer("a", "A", "leaf"),
        "b": Customer("b", "B", "leaf", "own"),
        "c": Customer("c", "C", "other"),
    },
    dids={"4001234567": Did("4001234567", "a", NumberState.ACTIVE, (), tariff="number")},
    tariffs={name: (TariffVersion(name, 1, 0, 1),) for name in NAMES},
)
SEEN = [  # customers, providers, tariffs
    (None, None, set(NAMES)),
    ({"a"}, set(), {"retail", "number"}),
    ({"b"}, set(), {"own"}),
    ({"c"}, set(), {"foreign"}),
    ({"nobody"}, set(), set()),
    ({"a", "b"}, {"leaf"}, {"retail", "number", "own", "leaf-cost"}),
    ({"a", "b"}, {"leaf", "top"}, {"retail", "number", "own", "leaf-cost", "wholesale"}),
    ({"c"}, {"other"}, {"foreign"}),
]


@pytest.mark.parametrize(("customers", "providers", "seen"), SEEN)
def test_everybody_sees_what_concerns_them(
    customers: set[str] | None, providers: set[str] | None, seen: set[str]
) -> None:
    """A customer what prices its calls, never a cost; a provider what it sells and pays."""
    found = tariffs_seen(
        CATALOGUE,
        None if customers is None else frozenset(customers),
        None if providers is None else frozenset(providers),
    )
    assert found == seen


def test_a_customers_own_tariff_hides_its_providers() -> None:
    """It never prices a call of theirs."""
    moved = replace(CATALOGUE, customers={"a": Customer("a", "A", "leaf", "own")})
    assert tariffs_seen(moved, frozenset({"a"}), frozenset()) == {"own", "number"}
