"""`callserver customers overdue`: who may be suspended, who must be resumed, the exit status."""

import asyncio
import time
from pathlib import Path

from callserver.adapters.sql.books import open_books
from callserver.adapters.sql.numbers import SqlNumbers
from callserver.demo.business import FREIGHT_DID
from callserver.domain.ledger import EntryKind
from callserver.domain.lifecycle import NumberEvent, Periods, Suspension
from callserver.domain.number_change import Command
from callserver.service.clocks import SystemClock
from tests.cli.conftest import Run

DAY_US = 86_400_000_000
CUSTOMER = "freight"  # the demo's postpaid one


class DaysAgo(SystemClock):
    """The system's clock, put back."""

    def __init__(self, days: int) -> None:
        self._behind_us = days * DAY_US

    def now_us(self) -> int:
        """So many days before now."""
        return super().now_us() - self._behind_us


def move(data: Path, days_ago: int, micros: int, *, suspend: bool = False) -> None:
    """Move the customer's money as it was done some days ago; suspend its number then."""

    async def run() -> None:
        clock, operation = DaysAgo(days_ago), f"move-{time.time_ns()}"
        async with open_books(f"sqlite:///{data / 'callserver.db'}", clock) as books:
            await books.post(CUSTOMER, EntryKind.ADJUSTMENT, micros, operation, "test", "")
            if suspend:
                why = Suspension.ARREARS
                asked = Command(NumberEvent.SUSPEND, FREIGHT_DID, operation, "test", suspension=why)
                await SqlNumbers(books.database, Periods()).carry_out(asked, clock.now_us() // 1000)

    asyncio.run(run())


def test_who_is_overdue(run: Run, data: Path) -> None:
    """The list says what may be done; before its day a suspension needs --force, and says so."""
    suspend = ("numbers", "suspend", FREIGHT_DID, "--for", "arrears", "--data", data)
    early = run(*suspend)
    assert early.status != 0
    assert "freight owes nothing from a closed month" in early.err
    move(data, 70, -5_000_000_000)
    told = run("customers", "overdue", "--data", data)
    assert told.status == 0
    assert "freight" in told.out
    [found] = run("customers", "overdue", "--data", data, "--json").json["overdue"]
    assert (found["customer"], found["may_suspend"]) == (CUSTOMER, True)
    assert found["days_overdue"] >= 30
    assert found["numbers"] == [FREIGHT_DID]
    assert run("customers", "overdue", "--provider", "huaxin-east", "--data", data).err
    assert run("customers", "overdue", "--provider", "nobody", "--data", data).status != 0


def test_force_is_kept_in_the_history(run: Run, data: Path) -> None:
    """The operator may insist, and the history says that it did."""
    forced = ("--for", "arrears", "--force", "--reason", "court order")
    assert run("numbers", "suspend", FREIGHT_DID, *forced, "--data", data).status == 0
    history = run("numbers", "history", FREIGHT_DID, "--data", data, "--json").json["history"]
    assert history[-1]["reason"] == "forced: court order"


def test_late_ends_with_status_1(run: Run, data: Path) -> None:
    """A number paid for five days ago and still suspended is late, until it is resumed."""
    move(data, 80, -5_000_000_000)
    move(data, 10, -1, suspend=True)
    overdue = ("customers", "overdue", "--data", data)
    assert run(*overdue).status == 0
    move(data, 5, 6_000_000_000)
    told = run(*overdue)
    assert told.status == 1
    assert "LATE" in told.out
    [found] = run(*overdue, "--json").json["restore"]
    assert (found["number"], found["late"]) == (FREIGHT_DID, True)
    assert run("numbers", "resume", FREIGHT_DID, "--for", "arrears", "--data", data).status == 0
    assert run(*overdue).status == 0
