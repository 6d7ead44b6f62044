"""Features, plans and minimums as records of a file."""

from collections.abc import Callable, Iterator, Mapping

from callserver.domain.money import short_yuan
from callserver.domain.offers import Offers
from callserver.service.export_cells import Cells, given


def _features(offers: Offers) -> Iterator[Cells]:
    for versions in offers.features.values():
        for each in versions:
            yield given(
                id=each.feature,
                name=each.name,
                cycle=each.cycle.value,
                fee=short_yuan(each.fee_micros),
                effective_from=each.effective_from.isoformat(),
            )


def _plans(offers: Offers) -> Iterator[Cells]:
    for versions in offers.plans.values():
        for each in versions:
            yield given(
                id=each.plan,
                name=each.name,
                annual_fee=short_yuan(each.annual_fee_micros),
                credit=short_yuan(each.credit_micros) if each.credit_micros else None,
                minutes=each.minutes or None,
                rhythm=each.rhythm.value,
                tariff=each.tariff,
                effective_from=each.effective_from.isoformat(),
            )


def _minimums(offers: Offers) -> Iterator[Cells]:
    """What each is, confirmed: whoever agreed to it read the warning then."""
    for each in offers.minimums.values():
        if each.terms.amount_micros:
            yield given(did=each.did, amount=short_yuan(each.terms.amount_micros), confirmed="yes")


OFFER_ROWS: Mapping[str, Callable[[Offers], Iterator[Cells]]] = {
    "feature": _features,
    "plan": _plans,
    "minimum": _minimums,
}
