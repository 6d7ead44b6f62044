"""Deductions against the ledger: what fits agrees, and every fault of a row is named."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callserver.domain.reconciliation import DeductedEntry, FeatureEntry, reconcile

DAY = date(2026, 11, 21)
DEDUCTED = (DeductedEntry(1, "north", 30, 11), DeductedEntry(2, "north", -30, 12))
DEBITED = (FeatureEntry(11, "north", -30), FeatureEntry(12, "north", 30))
FAULTS = [
    (DEDUCTED[:1], DEBITED, [(None, 12, "no deduction explains this debit")]),
    (DEDUCTED, DEBITED[:1], [(2, 12, "the ledger has no such debit on this day")]),
    (
        (DeductedEntry(1, "north", 31, 11), DEDUCTED[1]),
        DEBITED,
        [(1, 11, "the amounts differ")],
    ),
    (
        (*DEDUCTED, DeductedEntry(3, "north", 30, 11)),
        DEBITED,
        [(3, 11, "another deduction has this debit")],
    ),
]


def test_what_fits_agrees() -> None:
    """Sums are what the provider paid; a fee and its reversal are nothing."""
    [found] = reconcile(DAY, DEDUCTED, DEBITED)
    assert (found.agrees, found.deducted_micros, found.debited_micros) == (True, 0, 0)
    assert reconcile(DAY, (), ()) == ()


@pytest.mark.parametrize(("deductions", "entries", "differences"), FAULTS)
def test_faults(
    deductions: tuple[DeductedEntry, ...],
    entries: tuple[FeatureEntry, ...],
    differences: list[tuple[int | None, int | None, str]],
) -> None:
    """The row, and why."""
    [found] = reconcile(DAY, deductions, entries)
    told = [(each.deduction, each.entry, each.why) for each in found.differences]
    assert (told, found.agrees) == (differences, False)


def test_one_providers_debit_is_not_anothers() -> None:
    """Taken from the wrong account: both differ."""
    north, south = reconcile(DAY, DEDUCTED[:1], (FeatureEntry(11, "south", -30),))
    assert (north.difference_micros, south.difference_micros) == (30, -30)
    assert not north.agrees
    assert not south.agrees


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(-99, 99)), max_size=30), st.data())
def test_any_single_fault_is_found(rows: list[tuple[str, int]], data: st.DataObject) -> None:
    """Whatever the day: dropping one row of either side is seen."""
    deductions = [DeductedEntry(n, p, fee, n) for n, (p, fee) in enumerate(rows)]
    entries = [FeatureEntry(n, p, -fee) for n, (p, fee) in enumerate(rows)]
    assert all(each.agrees for each in reconcile(DAY, deductions, entries))
    if rows:
        dropped = data.draw(st.integers(0, len(rows) - 1))
        if data.draw(st.booleans()):
            del deductions[dropped]
        else:
            del entries[dropped]
        assert not all(each.agrees for each in reconcile(DAY, deductions, entries))
