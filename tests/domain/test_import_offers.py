"""Features, plans and minimums in an import: new, the same, or impossible."""

from datetime import date
from typing import Any

import pytest

from callserver.domain.billing_month import BillingMonth, day_start_ms
from callserver.domain.business import Catalogue, Did, NumberState
from callserver.domain.features import FeatureVersion
from callserver.domain.import_plan import plan_import
from callserver.domain.import_set import ImportChanges, ImportSet, Item
from callserver.domain.minimum import MinimumChange, MinimumVersion, Terms
from callserver.domain.offers import FeatureRow, MinimumRow, Offers, PlanRow
from callserver.domain.periods import Cycle
from callserver.domain.plans import PlanVersion
from callserver.domain.tariff import TariffVersion

DID = "4001234567"
TODAY, PAST, LATER = date(2026, 11, 22), date(2026, 1, 1), date(2027, 1, 1)
YUAN = 1_000_000
BOOKS = Catalogue(
    1,
    dids={DID: Did(DID, "acme", NumberState.ACTIVE, ())},
    tariffs={"one": (TariffVersion("one", 1, 0, 90_000),)},
)


def fee(yuan: int, day: date = date.min, name: str = "录音") -> FeatureVersion:
    return FeatureVersion("recording", name, Cycle.MONTH, 0, day, yuan * YUAN)


def feature(yuan: int, day: date | None = None, name: str = "录音") -> FeatureRow:
    return FeatureRow(fee(yuan, name=name), day)


def planned(offers: Offers, **rows: Any) -> ImportChanges | list[str]:
    """What the rows change on 22 November 2026, or what is wrong."""
    items = {
        kind: tuple(Item(row, "f.toml", line, {}) for line, row in enumerate(listed, 1))
        for kind, listed in rows.items()
    }
    found = plan_import(BOOKS, ImportSet(**items), day_start_ms(TODAY), offers)
    return found if isinstance(found, ImportChanges) else [str(each) for each in found]


def features(offers: Offers, *rows: FeatureRow) -> list[FeatureVersion] | list[str]:
    found = planned(offers, features=rows)
    return list(found.features) if isinstance(found, ImportChanges) else found


KNOWN = Offers(features={"recording": (fee(10, PAST),)})


@pytest.mark.parametrize(
    ("offers", "row", "added"),
    [
        (Offers(), feature(10), [fee(10, TODAY)]),
        (Offers(), feature(10, PAST), [fee(10, PAST)]),
        (KNOWN, feature(10), []),
        (KNOWN, feature(10, PAST), []),
        (KNOWN, feature(12), [fee(12, TODAY)]),
        (KNOWN, feature(12, LATER), [fee(12, LATER)]),
        (KNOWN, feature(10, LATER), [fee(10, LATER)]),
    ],
)
def test_a_new_version_is_what_differs(
    offers: Offers, row: FeatureRow, added: list[FeatureVersion]
) -> None:
    """Undated: from today on, if other terms hold; dated: that day's version."""
    assert features(offers, row) == added


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (feature(12, PAST), "f.toml:1: feature 'recording' has other terms from 2026-01-01 on"),
        (feature(12, date(2026, 11, 21)), "a new version of a feature begins today or later"),
        (feature(10, name="other"), "is called '录音'; names stay"),
    ],
)
def test_what_a_version_cannot_be(row: FeatureRow, reason: str) -> None:
    """Versions are immutable, and none begins in the past of a feature that is known."""
    [problem] = features(KNOWN, row)
    assert reason in str(problem)


def test_a_plans_tariff_must_exist() -> None:
    """In the files or in the books."""
    good = PlanRow(PlanVersion("gold", "gold", 0, date.min, YUAN, 0, 0, tariff="one"), None)
    bad = PlanRow(PlanVersion("tin", "tin", 0, date.min, YUAN, 0, 0, tariff="none"), None)
    assert planned(Offers(), plans=[good, bad]) == [
        "f.toml:2: there is no tariff 'none', in the files or in the books"
    ]
    found = planned(Offers(), plans=[good])
    assert isinstance(found, ImportChanges)
    assert [each.effective_from for each in found.plans] == [TODAY]


HELD = Offers(
    minimums={
        DID: MinimumVersion(
            DID, 2, BillingMonth(2026, 12), Terms(50 * YUAN, 150_000, 100 * YUAN, 300_000),
            MinimumChange.RAISE, False, "o", "a", "", 1,
        )
    }
)  # fmt: skip


@pytest.mark.parametrize(
    ("offers", "amount", "at_rate", "asked"),
    [
        (Offers(), 0, None, []),
        (Offers(), 50, None, [f"import:{DID}:1:50000000:0"]),
        (HELD, 50, None, []),
        (HELD, 60, None, [f"import:{DID}:3:60000000:0"]),
        (HELD, 100, 300_000, []),
        (HELD, 120, 300_000, [f"import:{DID}:3:120000000:300000"]),
    ],
)
def test_a_minimum_is_asked_for_where_another_holds(
    offers: Offers, amount: int, at_rate: int | None, asked: list[str]
) -> None:
    """Under an operation id that is the same for the same file on the same books."""
    row = MinimumRow(DID, amount * YUAN, at_rate, True, "")
    found = planned(offers, minimums=[row])
    assert isinstance(found, ImportChanges)
    assert [wish.operation_id for wish in found.minimums] == asked


def test_minimums_are_of_numbers_once() -> None:
    """Each number's at most once, of numbers that are there."""
    row = MinimumRow(DID, YUAN, None, True, "")
    other = MinimumRow("4000000000", YUAN, None, True, "")
    assert planned(Offers(), minimums=[row, row, other]) == [
        "f.toml:2: this number's minimum is at f.toml:1 already",
        "f.toml:3: there is no number '4000000000', in the files or in the books",
    ]
