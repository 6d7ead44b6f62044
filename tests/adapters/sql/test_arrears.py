"""Arrears in the books, and the guard on suspending for them."""

from pathlib import Path

import pytest

from callserver.adapters.sql.arrears import SqlArrears
from callserver.adapters.sql.books import SqlBooks
from callserver.domain.billing_month import BillingMonth
from callserver.domain.business import Billing, Customer
from callserver.domain.declined import Declined, Reason
from callserver.domain.import_set import ImportChanges
from callserver.domain.ledger import EntryKind
from callserver.domain.lifecycle import NumberEvent, Suspension
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.number_bed import DAY_MS, ORDINARY, NumberBed, number_bed

HOUR_MS = 3_600_000
JUNE = BillingMonth(2026, 6)


async def owing(books: SqlBooks, clock: SetClock, folder: Path) -> NumberBed:
    """A postpaid customer with an active number, who has spent 5 yuan at the very end of June."""
    bed = number_bed(books, clock, folder)
    clock.us = (JUNE.to_ms - HOUR_MS) * 1000
    await bed.furnish()
    late = Customer("late", "拖欠", "north", "standard", Billing.POSTPAID, 100_000_000)
    rows = ImportChanges(base_version=(await books.load_catalogue()).version, customers=(late,))
    assert await books.apply_import(rows, "test")
    await bed.activate(customer="late")
    clock.us = (JUNE.to_ms - 1) * 1000
    await books.post("late", EntryKind.ADJUSTMENT, -5_000_000, "spent", "test", "")
    return bed


async def test_thirty_days(books: SqlBooks, clock: SetClock, tmp_path: Path) -> None:
    """On day 29 suspending is declined and nothing moves; on day 30 it is done."""
    bed = await owing(books, clock, tmp_path)
    clock.us = (JUNE.to_ms + 30 * DAY_MS - 1) * 1000
    with pytest.raises(Declined, match=r"29 days overdue.* from 2026-07-31 on") as refused:
        await bed.suspend(Suspension.ARREARS)
    assert refused.value.reason is Reason.NOT_OVERDUE
    await bed.suspend(Suspension.HOLD)
    [found] = await SqlArrears(books.database, clock).overdue(None, 30)
    assert found.owed is not None
    assert (found.customer, found.owed.micros, found.owed.days) == ("late", 5_000_000, 29)
    clock.us += 1000
    again = bed.command(NumberEvent.SUSPEND, suspension=Suspension.ARREARS)
    assert await bed.numbers.act(again) == await bed.numbers.act(again)


async def test_forced(books: SqlBooks, clock: SetClock, tmp_path: Path) -> None:
    """The operator may insist."""
    bed = await owing(books, clock, tmp_path)
    with pytest.raises(Declined, match="from 2026-07-31 on"):
        await bed.suspend(Suspension.ARREARS)
    await bed.do(NumberEvent.SUSPEND, suspension=Suspension.ARREARS, forced=True)


async def test_paid(books: SqlBooks, clock: SetClock, tmp_path: Path) -> None:
    """From the payment that clears what was due, a number has 48 hours to come back."""
    bed = await owing(books, clock, tmp_path)
    arrears = SqlArrears(books.database, clock)
    clock.us = (JUNE.to_ms + 31 * DAY_MS) * 1000
    await bed.suspend(Suspension.ARREARS)
    await books.post("late", EntryKind.TOP_UP, 3_000_000, "part", "test", "")
    assert await arrears.to_restore(None) == []
    bed.later(HOUR_MS)
    await books.post("late", EntryKind.TOP_UP, 2_000_000, "rest", "test", "")
    bed.later(48 * HOUR_MS)
    [found] = await arrears.to_restore(None)
    assert (found.number, found.left_ms, found.late) == (ORDINARY, 0, False)
    bed.later(1)
    [found] = await arrears.to_restore({"late"})
    assert found.late
    assert await arrears.to_restore({"acme"}) == []
    assert await arrears.overdue(None, 30) == []
    await bed.do(NumberEvent.RESUME, suspension=Suspension.ARREARS)
    assert await arrears.to_restore(None) == []


async def test_prepaid_is_paid_when_there_is_money_again(
    books: SqlBooks, clock: SetClock, tmp_path: Path
) -> None:
    """Nothing left is not paid; of two suspensions the last one counts."""
    bed = number_bed(books, clock, tmp_path)
    await bed.furnish()
    await bed.activate()
    arrears = SqlArrears(books.database, clock)
    for turn in ("first", "second"):
        bed.later(HOUR_MS)
        await books.post("acme", EntryKind.TOP_UP, 1_000_000, f"in-{turn}", "test", "")
        if turn == "second":
            await bed.do(NumberEvent.RESUME, suspension=Suspension.ARREARS)
        await books.post("acme", EntryKind.ADJUSTMENT, -1_000_000, f"out-{turn}", "test", "")
        bed.later(HOUR_MS)
        await bed.suspend(Suspension.ARREARS)
        assert await arrears.to_restore(None) == []
    bed.later(HOUR_MS)
    await books.post("acme", EntryKind.TOP_UP, 1, "a fen's part", "test", "")
    [found] = await arrears.to_restore(None)
    assert (found.number, found.paid_ms, found.late) == (ORDINARY, bed.now_ms, False)
