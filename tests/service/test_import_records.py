"""From cells to rows, and what is said about cells that can't be."""

from typing import Any

import pytest

from callserver.domain.business import Billing, BlockEntry, BlockKind, Customer, Provider
from callserver.domain.import_set import DestinationRow, DidRow, ImportSet, TariffRow
from callserver.domain.tariff import TariffVersion
from callserver.service.import_kinds import KINDS
from callserver.service.import_records import Record, RowsRead

DID = "4001234567"


def read(of: str, cells: dict[str, Any], *, complete: bool = True) -> RowsRead:
    """One record of a kind."""
    rows = RowsRead()
    layout = {key: (place, 1) for place, key in enumerate(cells, 1)}
    rows.add(Record(KINDS[of], "f.toml", 10, cells, layout, complete))
    return rows


ROWS = [
    ("provider", {"id": "p", "name": "n"}, Provider("p", "n")),
    (
        "tariff",
        {"id": "t", "rate": "0.15"},
        TariffRow(TariffVersion("t", 0, 0, 150_000), None),
    ),
    (
        "tariff",
        {
            "id": "t",
            "rate": 1,
            "initial_increment_s": 6,
            "increment_s": "1",
            "connection_fee": "0.1",
            "minimum_charge": "0.2",
            "free_s": 3,
            "precision": "0.01",
            "effective_from": "1970-01-01T00:00:01Z",
        },
        TariffRow(TariffVersion("t", 0, 0, 1_000_000, 6, 1, 100_000, 200_000, 3, 10_000), 1_000),
    ),
    (
        "customer",
        {"id": "c", "name": "n", "provider": "p", "tariff": "t"},
        Customer("c", "n", "p", "t"),
    ),
    (
        "customer",
        {"id": "c", "name": "n", "provider": "p", "tariff": "t", "billing": "postpaid",
         "credit_limit": "500"},
        Customer("c", "n", "p", "t", Billing.POSTPAID, 500_000_000),
    ),
    ("did", {"number": DID, "customer": "c"}, DidRow(DID, "c", None, 0, None)),
    (
        "destination",
        {"did": DID, "number": "021888", "trunk": "carrier"},
        DestinationRow(DID, "021888", "carrier", 30, 0),
    ),
    (
        "blacklist",
        {"customer": "c", "kind": "area_code", "value": "0571"},
        BlockEntry("c", None, BlockKind.AREA_CODE, "0571"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "cells", "row"), ROWS)
def test_rows_with_their_defaults(kind: str, cells: dict[str, Any], row: object) -> None:
    """Every kind."""
    rows = read(kind, cells)
    assert rows.problems == []
    [item] = getattr(rows.rows(), KINDS[kind].plural)
    assert item.row == row


def test_all_that_is_wrong_with_a_record_is_told() -> None:
    """Unknown keys with a suggestion, bad cells, missing ones."""
    rows = read("destination", {"did": "400", "ring": "5", "ring_s": 301, "zebra": 1})
    assert [(each.line, each.reason) for each in rows.problems] == [
        (11, "did: '400' is not a 400 number: 400 and seven digits"),
        (12, "a destination has no 'ring'; did you mean 'ring_s'?"),
        (13, "ring_s: 301 is not between 1 and 300"),
        (14, "a destination has no 'zebra'; known are did, number, trunk, ring_s, calls_max"),
        (10, "number is missing"),
        (10, "trunk is missing"),
    ]
    assert rows.rows() == ImportSet()


def test_what_could_not_be_read_is_not_called_missing() -> None:
    """The line's own problem has been told; the record is left out all the same."""
    rows = read("provider", {"id": "p"}, complete=False)
    assert rows.problems == []
    assert rows.rows() == ImportSet()


@pytest.mark.parametrize(
    ("kind", "cells", "key"),
    [
        ("customer", {"credit_limit": "5"}, "credit_limit"),
        ("customer", {"billing": "postpaid", "local_allowance": "5"}, "local_allowance"),
        ("blacklist", {"kind": "area_code", "value": "571"}, "value"),
        ("blacklist", {"kind": "area_code", "value": "05711"}, "value"),
        ("blacklist", {"kind": "number", "value": "abc"}, "value"),
        ("blacklist", {"kind": "prefix", "value": "1" * 16}, "value"),
        ("blacklist", {"kind": "prefix", "value": "+"}, "value"),
    ],
)
def test_cells_that_do_not_go_together(kind: str, cells: dict[str, Any], key: str) -> None:
    """Told at the cell to look at."""
    whole = {
        "customer": {"id": "c", "name": "n", "provider": "p", "tariff": "t"},
        "blacklist": {"customer": "c"},
    }[kind] | cells
    [problem] = read(kind, whole).problems
    assert problem.reason.startswith(f"{key}: ")
    assert problem.line == 11 + list(whole).index(key)
