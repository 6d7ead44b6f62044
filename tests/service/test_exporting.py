"""An export imports back to no change, in both formats, whatever the names are."""

import tomllib
from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from callserver.domain.band import Band
from callserver.domain.billing_month import BillingMonth
from callserver.domain.business import (
    Billing,
    BlockEntry,
    BlockKind,
    Catalogue,
    Customer,
    Destination,
    Did,
    NumberState,
    Provider,
)
from callserver.domain.features import FeatureVersion
from callserver.domain.holidays import DayKind, Holiday
from callserver.domain.import_plan import plan_import
from callserver.domain.import_set import ImportChanges, ImportSet
from callserver.domain.minimum import MinimumChange, MinimumVersion, Terms
from callserver.domain.offers import Offers
from callserver.domain.periods import Cycle
from callserver.domain.plans import PlanVersion, Rhythm
from callserver.domain.tariff import TariffVersion
from callserver.service.exporting import export_csv, export_toml
from callserver.service.import_kinds import KINDS
from callserver.service.importing import SourceFile, parse
from tests.domain.tariff_reference import banded

DID = "4001234567"
WORKDAY = DayKind.WORKDAY
FESTIVAL = Holiday(date(2027, 2, 6), DayKind.HOLIDAY, "春节, 初一")
BANDS = (
    Band(100_000, 79_200, 28_800, ("workday", "sat"), name='夜, "n"'),
    Band(0, 0, 86_400),
    Band(
        1,
        provinces=("浙江", "上海"),
        area_codes=("0571", "021"),
        caller_kinds=("mobile",),
        caller_prefixes=("138", "+852"),
        destination_prefixes=("0571",),
    ),
    Band(2, 1, 86_399),
)
names = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20).filter(
    lambda name: name == name.strip() and bool(name)
)


def catalogue(name: str = "顶点, \"A\" 'b' #1 = \\n") -> Catalogue:
    """One of each, with every field away from its default somewhere."""
    versions = (
        TariffVersion("std", 1, 0, 150_000),
        TariffVersion("std", 3, 500, 1, 6, 1, 20_000, 50_000, 3, 10_000),
        TariffVersion("std", 2, 1_790_000_000_123, 140_000, cap_micros=9_000_000, bands=BANDS),
    )
    lines = (
        Destination("acme:+4930123", "+4930123", "carrier", 300, 9),
        Destination("acme:021888", "021888", "carrier"),
    )
    return Catalogue(
        version=4,
        providers={
            "north": Provider("north", name, None, "one", "std"),
            "leaf": Provider("leaf", "叶", "north"),
        },
        customers={
            "acme": Customer("acme", name, "leaf", "std", local_allowance_micros=1),
            "post": Customer("post", "p", "north", "one", Billing.POSTPAID, 5_000_000),
            "fen": Customer("fen", "f", "north", precision_micros=10_000),
        },
        dids={
            DID: Did(DID, "acme", NumberState.SUSPENDED, lines, 7, "one"),
            "4000000001": Did("4000000001", "post", NumberState.ACTIVE, ()),
        },
        tariffs={"std": versions, "one": (TariffVersion("one", 1, 0, 90_000),)},
        blacklist={
            "acme": (
                BlockEntry("acme", None, BlockKind.AREA_CODE, "0571"),
                BlockEntry("acme", DID, BlockKind.NUMBER, "13800138000"),
            )
        },
        holidays={FESTIVAL.day: FESTIVAL, date(2027, 2, 7): Holiday(date(2027, 2, 7), WORKDAY)},
    )


def offers(name: str = "录音") -> Offers:
    """Features, plans and minimums with every field away from its default somewhere."""
    first, later = date(2026, 1, 1), date(2027, 6, 1)
    terms = Terms(50_000_000, 150_000, 100_000_000, 300_000)
    return Offers(
        {
            "recording": (
                FeatureVersion("recording", name, Cycle.MONTH, 1, first, 10_000_000),
                FeatureVersion("recording", name, Cycle.MONTH, 2, later, 12_345_678),
            )
        },
        {
            "gold": (
                PlanVersion("gold", name, 1, first, 1_000_000_000, 0, 5_000),
                PlanVersion("gold", name, 2, later, 1, 2, 3, Rhythm.TERM, "one"),
            )
        },
        {
            DID: MinimumVersion(
                DID, 3, BillingMonth(2026, 12), terms, MinimumChange.FOLLOW, False, "o", "a", "", 1
            )
        },
    )


def changes(books: Catalogue, *files: SourceFile, offered: Offers | None = None) -> ImportChanges:
    """What importing the files into the books would change."""
    rows = parse(files)
    assert isinstance(rows, ImportSet), rows
    found = plan_import(books, rows, 1_800_000_000_000, offered)
    assert isinstance(found, ImportChanges), found
    return found


def toml(books: Catalogue, offered: Offers | None = None) -> SourceFile:
    return SourceFile("all.toml", "".join(export_toml(books, offered)).encode())


def csvs(books: Catalogue, offered: Offers | None = None) -> list[SourceFile]:
    return [
        SourceFile(f"{kind.plural}.csv", "".join(export_csv(books, kind, offered)).encode())
        for kind in KINDS.values()
    ]


def test_an_export_changes_nothing_where_it_came_from() -> None:
    """Neither as TOML nor as CSV."""
    books = catalogue()
    assert changes(books, toml(books)).is_empty()
    assert changes(books, *csvs(books)).is_empty()


def test_an_export_makes_empty_books_the_same() -> None:
    """Tariff versions keep their numbers and moments, also out of order."""
    books = catalogue()
    for files in ([toml(books)], csvs(books)):
        found = changes(Catalogue(0), *files)
        numbered = sorted(found.tariff_versions, key=lambda each: (each.tariff, each.version))
        assert {each.version: each for each in numbered if each.tariff == "std"} == {
            each.version: each for each in books.tariffs["std"]
        }
        assert {each.id: each for each in found.customers} == books.customers
        assert {each.id: each for each in found.providers} == books.providers
        assert {each.day: each for each in found.holidays} == books.holidays
        assert set(found.blacklist) == set(books.blacklist["acme"])
        assert [line.number for line in found.routes[DID]] == ["+4930123", "021888"]


@given(names)
def test_any_name_survives(name: str) -> None:
    """Quotes, commas, backslashes, any script."""
    books, offered = catalogue(name), offers(name)
    assert changes(books, toml(books, offered), offered=offered).is_empty()
    assert changes(books, *csvs(books, offered), offered=offered).is_empty()


def test_features_and_plans_make_empty_books_the_same() -> None:
    """With their past; minimums are asked for again, confirmed."""
    books, offered = catalogue(), offers()
    for files in ([toml(books, offered)], csvs(books, offered)):
        found = changes(Catalogue(0), *files)
        numbered = [replace(each, version=0) for each in offered.features["recording"]]
        assert list(found.features) == numbered
        assert list(found.plans) == [replace(each, version=0) for each in offered.plans["gold"]]
        [wish] = found.minimums
        assert (wish.did, wish.amount_micros, wish.confirmed) == (DID, 50_000_000, True)


@given(banded())
def test_any_tariff_survives(version: TariffVersion) -> None:
    """Every condition of every band, in both formats."""
    version = replace(version, tariff="std", precision_micros=10_000)
    books = Catalogue(1, tariffs={"std": (version,)})
    assert changes(books, toml(books)).is_empty()
    assert changes(books, *csvs(books)).is_empty()
    [again] = changes(Catalogue(0), toml(books)).tariff_versions
    assert again == version


def test_blocks_on_a_number_that_went_to_another_customer_stay_behind() -> None:
    """An import would refuse them: nobody blocks callers of another's number."""
    books = catalogue()
    moved = replace(books, dids={**books.dids, DID: replace(books.dids[DID], customer="post")})
    assert changes(moved, toml(moved)).is_empty()


def test_the_toml_is_toml() -> None:
    """Other programs read it with any library."""
    read = tomllib.loads("".join(export_toml(catalogue(), offers())))
    assert set(read) == set(KINDS) - {"tariff_band"}
    assert [len(each.get("band", ())) for each in read["tariff"]] == [0, 4, 0, 0]
    assert read["did"][0] == {
        "number": DID, "customer": "acme", "state": "suspended", "calls_max": 7, "tariff": "one",
    }  # fmt: skip
    assert "effective_from" not in read["tariff"][-1], "a lone first version is undated"
