"""The tuples of the fast path are in the order of the tables' columns they name."""

from dataclasses import fields

from callserver.adapters.sql import schema
from callserver.adapters.sql.cdr_rows import (
    CALLER_COLUMNS,
    CDR_COLUMNS,
    ENTRY_COLUMNS,
    KEY_COLUMNS,
    caller_row,
    cdr_row,
    entry_row,
    key_row,
)
from callserver.domain.caller import Caller, CallerKind
from callserver.domain.cdr import Cdr
from tests.adapters.sql.samples import cdr


def test_every_column_is_written() -> None:
    """Except the ledger's own id, and what only entries made by hand have."""
    assert set(CDR_COLUMNS) == set(schema.cdr.c.keys())
    assert set(CALLER_COLUMNS) == set(schema.cdr_caller.c.keys())
    assert set(KEY_COLUMNS) == set(schema.cdr_key.c.keys())
    assert set(ENTRY_COLUMNS) == set(schema.ledger_entry.c.keys()) - {
        *("id", "seq", "reverses", "forced")
    }


def test_every_field_of_a_cdr_has_a_column() -> None:
    """But the caller, who has a table of its own."""
    assert set(CDR_COLUMNS) == {each.name for each in fields(Cdr)} - {"caller"}


def test_rows_are_in_the_order_of_their_columns() -> None:
    """Plain fields stand under their own name."""
    call = cdr()
    row = dict(zip(CDR_COLUMNS, cdr_row(call), strict=True))
    for name in set(CDR_COLUMNS) - {"attempts", "fee_lines"}:
        assert row[name] == getattr(call, name), name
    caller = dict(zip(CALLER_COLUMNS, caller_row(call), strict=True))
    assert (caller["number"], caller["area_code"]) == ("02188886666", "021")
    entry = dict(zip(ENTRY_COLUMNS, entry_row(call, 5), strict=True))
    assert (entry["amount_micros"], entry["created_ms"]) == (-300_000, 5)
    assert key_row(call) == (call.token_hash, call.ended_ms)


def test_a_caller_without_region_has_empty_places() -> None:
    """Unknown and international callers."""
    call = cdr(caller=Caller("+4930123456", CallerKind.INTERNATIONAL))
    assert caller_row(call)[3:] == ("international", None, None, None)
