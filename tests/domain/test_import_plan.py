"""An import held against the books: references, duplicates, and what would change."""

from dataclasses import replace
from datetime import date
from typing import Any

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
from callserver.domain.holidays import DayKind, Holiday
from callserver.domain.import_plan import LINES_MAX, plan_import
from callserver.domain.import_set import (
    DestinationRow,
    DidRow,
    ImportChanges,
    ImportSet,
    Item,
    TariffRow,
)
from callserver.domain.tariff import TariffVersion

DID = "4001234567"
BOOKS = Catalogue(
    version=7,
    providers={"north": Provider("north", "北方")},
    customers={
        "acme": Customer("acme", "顶点", "north", "std"),
        "other": Customer("other", "其他", "north", "std", Billing.POSTPAID, 500),
    },
    dids={
        DID: Did(
            DID,
            "acme",
            NumberState.SUSPENDED,
            (Destination("acme:02188886666", "02188886666", "carrier", 20, 1),),
        )
    },
    tariffs={"std": (TariffVersion("std", 1, 0, 1),)},
    blacklist={"acme": (BlockEntry("acme", None, BlockKind.PREFIX, "170"),)},
)


def items(*rows: Any) -> tuple[Item[Any], ...]:
    """Rows on lines 1, 2, …"""
    return tuple(Item(row, "f.toml", line, {}) for line, row in enumerate(rows, 1))


def changes(rows: ImportSet, catalogue: Catalogue = BOOKS) -> ImportChanges:
    found = plan_import(catalogue, rows, 1_000)
    assert isinstance(found, ImportChanges), found
    return found


def reasons(rows: ImportSet, catalogue: Catalogue = BOOKS) -> list[str]:
    found = plan_import(catalogue, rows, 1_000)
    assert isinstance(found, list), found
    return [str(problem) for problem in found]


def line(number: str, did: str = DID) -> DestinationRow:
    return DestinationRow(did, number, "carrier", 20, 1)


def test_what_the_books_say_already_is_no_change() -> None:
    """A number's state stays as it is where the file gives none."""
    rows = ImportSet(
        providers=items(*BOOKS.providers.values()),
        tariffs=items(TariffRow(TariffVersion("std", 0, 0, 1), None)),
        customers=items(*BOOKS.customers.values()),
        dids=items(DidRow(DID, "acme", None, 0, None)),
        destinations=items(line("02188886666")),
        blacklist=items(BlockEntry("acme", None, BlockKind.PREFIX, "170")),
    )
    assert changes(rows) == ImportChanges(7)


def test_references_may_point_into_the_books_or_the_files() -> None:
    """In any order."""
    rows = ImportSet(
        providers=items(Provider("leaf", "l", "south"), Provider("south", "s", "north")),
        tariffs=items(TariffRow(TariffVersion("new", 0, 0, 5), None)),
        customers=items(Customer("tea", "茶", "leaf", "new"), Customer("t2", "t", "north", "std")),
        dids=items(DidRow("4000000001", "tea", None, 0, "std"), DidRow(DID, "acme", None, 3, None)),
        destinations=items(line("01088886666", "4000000001"), line("01088886666")),
        blacklist=items(
            BlockEntry("tea", "4000000001", BlockKind.NUMBER, "13800138000"),
            BlockEntry("acme", DID, BlockKind.NUMBER, "13800138000"),
        ),
    )
    found = changes(rows)
    assert [each.id for each in found.providers] == ["south", "leaf"], "parents come first"
    assert [each.state for each in found.dids] == [NumberState.ACTIVE, NumberState.SUSPENDED]
    assert set(found.routes) == {"4000000001", DID}
    assert len(found.blacklist) == 2


def test_every_missing_reference_is_told() -> None:
    """All of them at once, with their lines."""
    rows = ImportSet(
        providers=items(Provider("leaf", "l", "gone", "no", "no")),
        customers=items(Customer("tea", "茶", "gone", "gone")),
        dids=items(DidRow("4000000001", "gone", None, 0, "gone")),
        destinations=items(line("01088886666", "4000000002")),
        blacklist=items(
            BlockEntry("gone", None, BlockKind.PREFIX, "1"),
            BlockEntry("acme", "4000000002", BlockKind.PREFIX, "1"),
        ),
    )
    found = reasons(rows)
    assert len(found) == 10
    assert found.count("f.toml:1: there is no tariff 'no', in the files or in the books") == 2
    assert found.count("f.toml:1: there is no tariff 'gone', in the files or in the books") == 2
    assert "f.toml:2: there is no number '4000000002', in the files or in the books" in found


def test_the_same_thing_twice_is_told_with_its_first_place() -> None:
    """Whichever kind it is."""
    rows = ImportSet(
        providers=items(Provider("p", "a"), Provider("p", "b")),
        customers=items(*[Customer("c", "c", "north", "std")] * 2),
        dids=items(*[DidRow("4000000001", "acme", None, 0, None)] * 2),
        destinations=items(line("021888"), line("021888")),
        blacklist=items(*[BlockEntry("acme", None, BlockKind.PREFIX, "1")] * 2),
    )
    assert reasons(rows) == [
        "f.toml:2: this provider is at f.toml:1 already",
        "f.toml:2: this customer is at f.toml:1 already",
        "f.toml:2: this number is at f.toml:1 already",
        f"f.toml:2: 021888 is a destination of {DID} already",
        "f.toml:2: this entry is at f.toml:1 already",
    ]


def test_days_are_new_changed_or_as_they_were() -> None:
    """A day is written when the books say otherwise; twice in the files is a problem."""
    day, other = Holiday(date(2027, 2, 6), DayKind.HOLIDAY), date(2027, 2, 7)
    known = replace(BOOKS, holidays={day.day: day})
    worked = Holiday(other, DayKind.WORKDAY, "补班")
    found = plan_import(known, ImportSet(holidays=items(day, worked)), 1)
    assert isinstance(found, ImportChanges)
    assert found.holidays == (worked,)
    assert reasons(ImportSet(holidays=items(day, day))) == [
        "f.toml:2: this day is at f.toml:1 already"
    ]


def test_providers_form_a_tree() -> None:
    """None is above itself, also by way of the books."""
    rows = ImportSet(
        providers=items(Provider("south", "s", "north"), Provider("north", "n", "south"))
    )
    assert all("above itself" in reason for reason in reasons(rows))
    assert reasons(ImportSet(providers=items(Provider("a", "a", "a"))))


def test_a_number_in_use_does_not_change_hands() -> None:
    """By a slip in a file; one that is available may."""
    rows = ImportSet(dids=items(DidRow(DID, "other", None, 0, None)))
    assert "belongs to customer 'acme'" in reasons(rows)[0]
    free = Catalogue(
        7,
        BOOKS.providers,
        BOOKS.customers,
        {DID: Did(DID, "acme", NumberState.AVAILABLE, ())},
        BOOKS.tariffs,
    )
    assert changes(rows, free).dids[0].customer == "other"


def test_a_number_that_changes_hands_leaves_its_lines_behind() -> None:
    """They are the former customer's telephones; the new one's may come in the same files."""
    former = BOOKS.dids[DID].destinations[0]
    dids = {DID: Did(DID, "acme", NumberState.AVAILABLE, (former,))}
    books = replace(BOOKS, dids=dids)
    handed = items(DidRow(DID, "other", None, 0, None))
    assert changes(ImportSet(dids=handed), books).routes == {DID: ()}
    own = ImportSet(dids=handed, destinations=items(line("01088886666")))
    assert [row.number for row in changes(own, books).routes[DID]] == ["01088886666"]
    kept = ImportSet(dids=items(DidRow(DID, "acme", NumberState.ACTIVE, 0, None)))
    assert changes(kept, books).routes == {}


def test_a_block_is_for_a_number_of_its_customer() -> None:
    """Nobody blocks callers of another's number."""
    rows = ImportSet(blacklist=items(BlockEntry("other", DID, BlockKind.PREFIX, "1")))
    assert reasons(rows) == [f"f.toml:1: {DID} is a number of customer 'acme', not 'other'"]


def test_lines_are_replaced_as_a_whole_and_counted() -> None:
    """The order counts; more than the dialplan walks is a problem, told once."""
    two = ImportSet(destinations=items(line("01088886666"), line("02188886666")))
    assert [row.number for row in changes(two).routes[DID]] == ["01088886666", "02188886666"]
    many = ImportSet(destinations=items(*(line(f"0108888{n:04d}") for n in range(LINES_MAX + 3))))
    assert reasons(many) == [f"f.toml:{LINES_MAX + 1}: {DID} has more than 20 destinations"]


def test_accounts_whose_floor_moves_are_named() -> None:
    """Of known customers only: a new one has no copy in Redis yet."""
    rows = ImportSet(
        customers=items(
            Customer("other", "其他", "north", "std", Billing.POSTPAID, 900),
            Customer("acme", "新名", "north", "std"),
            Customer("new", "n", "north", "std", Billing.POSTPAID, 900),
        )
    )
    assert changes(rows).floors_changed == ("other",)
