"""Bills from the books: what stands on them, and that they stay once they are fixed."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import insert

from callserver.adapters.sql.bills import decode, encode
from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database
from callserver.adapters.sql.features import SqlFeatures
from callserver.adapters.sql.ledger_book import SqlLedger
from callserver.adapters.sql.schema_ledger import cdr_correction
from callserver.domain.bill import BillState
from callserver.domain.declined import Declined, Reason
from callserver.domain.features import FeatureVersion
from callserver.domain.ledger import EntryKind
from callserver.domain.ledger_moves import Adjustment
from callserver.domain.periods import Cycle
from callserver.service.bills import Bills
from tests.adapters.http.bill_samples import BILL
from tests.adapters.sql.closing import ACME, ACME_TOO, NOVEMBER, OCTOBER, SEPTEMBER, YUAN, World
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.samples import cdr


@pytest.fixture
async def world(books: SqlBooks, database: Database, clock: SetClock) -> World:
    """Three numbers with a minimum of 50 each from October."""
    made = World(books, database, clock)
    await made.open()
    return made


def bills(world: World) -> Bills:
    return Bills(world.sql, world.clock)


def test_a_kept_bill_is_read_as_it_was() -> None:
    """All but the calls in progress, which no fixed bill has."""
    kept = decode(encode(BILL).decode())
    assert kept == replace(BILL, running=None)


async def test_a_bill_to_date_projects_the_shortfall(world: World) -> None:
    """What it would be if the month ended now; top-ups are movements, not dues."""
    world.go_to(OCTOBER.from_ms + 10 * 86_400_000)
    await world.call(ACME, OCTOBER, 20)
    await world.call(ACME_TOO, OCTOBER, 60)
    await world.books.post("acme", EntryKind.TOP_UP, 500 * YUAN, "t-1", "clerk", "bank")
    found = await bills(world).bill("acme", OCTOBER)
    assert found.state is BillState.OPEN
    assert [(each.did, each.shortfall_micros) for each in found.lines] == [
        (ACME, 30 * YUAN),
        (ACME_TOO, 0),
    ]
    assert found.due_micros == 110 * YUAN
    assert [(each.kind, each.amount_micros) for each in found.movements] == [
        (EntryKind.TOP_UP, 500 * YUAN)
    ]
    assert (await bills(world).bill("acme", SEPTEMBER)).state is BillState.OVER


async def test_a_fixed_bill_stays(world: World) -> None:
    """Whatever is posted later, in whatever month."""
    await world.call(ACME, OCTOBER, 20)
    world.after(OCTOBER)
    to_date = await bills(world).bill("acme", OCTOBER)
    await world.months.close(OCTOBER, "clerk")
    fixed = await bills(world).bill("acme", OCTOBER)
    assert (to_date.state, fixed.state) == (BillState.OVER, BillState.CLOSED)
    assert (fixed.lines, fixed.due_micros) == (to_date.lines, to_date.due_micros)
    await world.call(ACME, OCTOBER, 5)
    await world.books.post("acme", EntryKind.TOP_UP, YUAN, "t-2", "clerk", "")
    assert await bills(world).bill("acme", OCTOBER) == fixed
    assert [str(month) for month, _ in await bills(world).months("acme")] == ["2026-11", "2026-10"]


async def test_a_bill_has_its_own_month_to_the_millisecond(world: World) -> None:
    """Movements, feature fees and the minutes that were left when the month ended."""
    features = SqlFeatures(world.database, world.clock)
    ledger = SqlLedger(world.database, world.clock)
    await world.books.post("provider:north", EntryKind.TOP_UP, 100 * YUAN, "t-1", "clerk", "")
    for name in ("recording", "menu"):
        since = date(2026, 10, 1)
        await features.add_version(FeatureVersion(name, name, Cycle.MONTH, 0, since, YUAN), "clerk")
    world.go_to(OCTOBER.to_ms - 1)
    await ledger.adjust(Adjustment("acme", YUAN, "a-1", "clerk", "gift", minutes=100))
    await features.activate(ACME, "recording", "f-1", "clerk")
    world.go_to(OCTOBER.to_ms)
    await ledger.adjust(Adjustment("acme", -YUAN, "a-2", "clerk", "taken", minutes=-30, force=True))
    await features.activate(ACME, "menu", "f-2", "clerk")
    world.after(NOVEMBER)
    for month, moved, feature, minutes in (
        (OCTOBER, YUAN, "recording", 100),
        (NOVEMBER, -YUAN, "menu", 70),
    ):
        open_bill = await bills(world).bill("acme", month)
        await world.months.close(month, "clerk")
        for found in (open_bill, await bills(world).bill("acme", month)):
            assert [each.amount_micros for each in found.movements] == [moved]
            assert [each.feature for each in found.features] == [feature]
            assert found.minutes_left == minutes


async def test_calls_rated_anew_count_as_they_cost(world: World) -> None:
    """A correction of 20 to 15 is 5 more of shortfall; after the close it is an adjustment."""
    call = cdr(
        **{"did": ACME, "customer": "acme", "account": "acme"},
        **{"fee_micros": 20 * YUAN, "charged_micros": 20 * YUAN},
        ended_ms=OCTOBER.from_ms + 1,
    )
    await world.books.write_cdrs([call])

    async def correct(before: int, after: int, operation: str) -> None:
        row = {
            "call_id": call.call_id,
            "account": "acme",
            "ended_ms": call.ended_ms,
            "tariff": "standard",
            "tariff_version": 1,
            "before_micros": before * YUAN,
            "after_micros": after * YUAN,
            "before_minutes": 0,
            "after_minutes": 0,
            "fee_lines": "[]",
            "operation_id": operation,
            "actor": "clerk",
            "reason": "",
            "created_ms": 1,
        }
        await world.database.write(lambda c: c.execute(insert(cdr_correction), row))

    await correct(20, 15, "r-1")
    world.after(OCTOBER)
    await world.months.close(OCTOBER, "clerk")
    fixed = await bills(world).bill("acme", OCTOBER)
    assert fixed.lines[0].shortfall_micros == 35 * YUAN
    await correct(15, 25, "r-2")
    [made] = await world.months.correct(OCTOBER, "clerk")
    assert (made.usage.calls, made.usage.charged_micros) == (0, 10 * YUAN)
    assert made.shortfall_micros == -10 * YUAN
    assert (await bills(world).bill("acme", NOVEMBER)).late_micros == 0


async def test_who_has_no_bill(world: World) -> None:
    """Unknown customers and months that have not begun are declined."""
    for customer, month, reason in (
        ("nobody", SEPTEMBER, Reason.CUSTOMER_UNKNOWN),
        ("acme", OCTOBER, Reason.MONTH_UNKNOWN),
    ):
        with pytest.raises(Declined) as found:
            await bills(world).bill(customer, month)
        assert found.value.reason is reason
