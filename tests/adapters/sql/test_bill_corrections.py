"""Bills beside the account's statement: calls that were rated anew count once, in their month."""

import pytest

from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database
from callserver.adapters.sql.ledger_book import SqlLedger
from callserver.adapters.sql.rerating import SqlRerating
from callserver.domain.bill import Bill
from callserver.domain.billing_month import BillingMonth
from callserver.domain.cdr import Cdr
from callserver.domain.ledger import EntryKind
from callserver.domain.month import Phase
from callserver.domain.rerating import Correction, RerateOutcome
from callserver.ports.rerating import Posting
from tests.adapters.sql.closing import ACME, ACME_TOO, DECEMBER, NOVEMBER, OCTOBER, YUAN, World
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.samples import cdr

POSTING = Posting("clerk", "wrong tariff", force=True)
MOVED = (EntryKind.REVERSAL, EntryKind.ADJUSTMENT)


@pytest.fixture
async def world(books: SqlBooks, database: Database, clock: SetClock) -> World:
    """Three numbers with a minimum of 50 each from October."""
    made = World(books, database, clock)
    await made.open()
    return made


async def call(world: World, did: str, yuan: int) -> Cdr:
    """A call of acme's that ends in October, written down as it ends."""
    made = cdr(
        **{"did": did, "customer": "acme", "account": "acme", "provider": "north"},
        **{"fee_micros": yuan * YUAN, "charged_micros": yuan * YUAN},
        ended_ms=world.clock.us // 1000,
    )
    await world.books.write_cdrs([made])
    return made


async def rerate(
    world: World, of: Cdr, before: int, after: int, version: int = 1
) -> RerateOutcome | None:
    """Post that the call costs `after` yuan, no longer `before`; what became of it."""
    made = Correction(
        of.call_id, of.token_hash, "acme", of.ended_ms, "cheap", version,
        before * YUAN, after * YUAN, 0, 0, ("a line",),
    )  # fmt: skip
    outcomes = await SqlRerating(world.database, world.clock).post([made], POSTING)
    return outcomes.get(of.call_id)


async def bill_of(world: World, month: BillingMonth) -> Bill:
    found = await world.sql.bill(month, "acme")
    assert found is not None
    return found


async def stated(world: World, month: BillingMonth) -> dict[EntryKind, int]:
    """What the statement says of a month, by kind."""
    book = SqlLedger(world.database, world.clock)
    found = await book.statement("acme", month.from_ms, month.to_ms, None)
    return {each.kind: each.micros for each in found.movements}


def moved(bill: Bill) -> dict[EntryKind, int]:
    """The bill's own movements, by kind."""
    sums: dict[EntryKind, int] = {}
    for each in bill.movements:
        sums[each.kind] = sums.get(each.kind, 0) + each.amount_micros
    return sums


async def test_an_open_bill_agrees_with_the_statement(world: World) -> None:
    """Calls, corrections, top-ups and adjustments, kind by kind; the shortfall is of both."""
    world.go_to(OCTOBER.from_ms + 10 * 86_400_000)
    first = await call(world, ACME, 20)
    await call(world, ACME_TOO, 60)
    await world.books.post("acme", EntryKind.TOP_UP, 500 * YUAN, "t-1", "clerk", "bank")
    await world.books.post("acme", EntryKind.ADJUSTMENT, 7 * YUAN, "rerate:mine", "clerk", "sorry")
    await rerate(world, first, 20, 15)
    await rerate(world, first, 15, 12, version=2)
    bill, book = await bill_of(world, OCTOBER), await stated(world, OCTOBER)
    own = moved(bill)
    assert (bill.usage.charged_micros, bill.corrections_micros) == (72 * YUAN, -8 * YUAN)
    assert [each.shortfall_micros for each in bill.lines] == [38 * YUAN, 0]
    assert own == {EntryKind.TOP_UP: 500 * YUAN, EntryKind.ADJUSTMENT: 7 * YUAN}
    assert book[EntryKind.CALL] == bill.corrections_micros - bill.usage.charged_micros
    corrected = sum(book[kind] - own.get(kind, 0) for kind in MOVED)
    assert corrected == -bill.corrections_micros
    assert book[EntryKind.TOP_UP] == own[EntryKind.TOP_UP]
    assert sum(book.values()) == sum(own.values()) - bill.usage.charged_micros


async def test_what_is_corrected_after_the_close_is_on_the_open_bill(world: World) -> None:
    """The closed bill stays; the open one agrees with the statement, to date and once closed."""
    world.go_to(OCTOBER.from_ms + 10 * 86_400_000)
    first = await call(world, ACME, 20)
    await rerate(world, first, 20, 15)
    world.after(OCTOBER)
    await world.months.close(OCTOBER, "clerk")
    fixed = await bill_of(world, OCTOBER)
    assert (fixed.corrections_micros, fixed.shortfall_micros) == (-5 * YUAN, 85 * YUAN)
    await rerate(world, first, 15, 25, version=2)
    to_date = await bill_of(world, NOVEMBER)
    [late] = to_date.late
    assert (late.usage.charged_micros, late.shortfall_micros) == (10 * YUAN, -10 * YUAN)
    assert (to_date.corrections_micros, to_date.movements) == (0, ())
    await world.months.correct(OCTOBER, "clerk")
    book = await stated(world, NOVEMBER)
    assert book[EntryKind.SHORTFALL] == -fixed.shortfall_micros
    assert sum(book[kind] for kind in MOVED) == -to_date.late_micros == 0
    world.after(NOVEMBER)
    await world.months.close(NOVEMBER, "clerk")
    assert (await bill_of(world, NOVEMBER)).late == to_date.late
    assert await bill_of(world, OCTOBER) == fixed


async def test_a_month_that_is_being_closed_is_not_rated_anew(world: World) -> None:
    """From its first line to its last bill; so usage, corrections, shortfall and ledger agree, and
    afterwards the difference is on the open bill."""
    world.go_to(OCTOBER.from_ms + 10 * 86_400_000)
    first = await call(world, ACME, 20)
    world.after(OCTOBER)
    close = await world.sql.begin(OCTOBER, "clerk")
    assert await rerate(world, first, 20, 15) is RerateOutcome.CHANGED
    refused = set()
    while close.phase is not Phase.CLOSED:
        close, _ = await world.sql.step(OCTOBER, 5, 1)
        if close.phase is not Phase.CLOSED:
            refused.add(await rerate(world, first, 15, 25, version=2))
    assert refused == {RerateOutcome.MONTH_CLOSING}
    fixed = await bill_of(world, OCTOBER)
    assert (fixed.usage.charged_micros, fixed.corrections_micros) == (15 * YUAN, -5 * YUAN)
    assert fixed.shortfall_micros == 85 * YUAN
    assert await rerate(world, first, 15, 25, version=2) is RerateOutcome.CHANGED
    to_date = await bill_of(world, NOVEMBER)
    assert [each.usage.charged_micros for each in to_date.late] == [10 * YUAN]
    assert await bill_of(world, OCTOBER) == fixed


async def test_bills_and_statement_differ_only_in_the_month(world: World) -> None:
    """A bill has what belongs to a month, a statement what was posted in it: of all months the sums
    are the same, and each difference has its name."""
    world.go_to(OCTOBER.from_ms + 10 * 86_400_000)
    await world.books.post("acme", EntryKind.TOP_UP, 500 * YUAN, "t-1", "clerk", "bank")
    first = await call(world, ACME, 20)
    world.go_to(OCTOBER.to_ms + 2_000)
    await world.call_that_ended(ACME, OCTOBER.to_ms - 1, 7)  # written down in November
    await rerate(world, first, 20, 15)  # posted in November
    await world.months.close(OCTOBER, "clerk")
    october = await bill_of(world, OCTOBER)
    assert (october.usage.charged_micros, october.shortfall_micros) == (22 * YUAN, 78 * YUAN)
    assert await stated(world, OCTOBER) == {
        EntryKind.TOP_UP: 500 * YUAN,
        EntryKind.CALL: -20 * YUAN,
    }
    world.go_to(NOVEMBER.from_ms + 10 * 86_400_000)
    await world.call_that_ended(ACME, OCTOBER.from_ms + 1, 30)  # late: October is closed
    await call(world, ACME_TOO, 60)
    world.go_to(NOVEMBER.to_ms + 2_000)
    await world.call_that_ended(ACME_TOO, NOVEMBER.to_ms, 9)
    await world.months.close(NOVEMBER, "clerk")
    november, december = await bill_of(world, NOVEMBER), await bill_of(world, DECEMBER)
    assert [(each.month, each.usage.charged_micros) for each in november.late] == [
        (str(OCTOBER), 30 * YUAN)
    ]
    assert november.late_micros == 2 * YUAN  # 30, less the 28 of October's shortfall that return
    assert (december.usage.charged_micros, december.late, december.movements) == (9 * YUAN, (), ())
    book = [await stated(world, month) for month in (OCTOBER, NOVEMBER, DECEMBER)]
    billed = (
        sum(sum(moved(bill).values()) for bill in (october, november, december))
        - october.due_micros
        - november.due_micros
        - december.usage.charged_micros  # its shortfall is not posted before its close
    )
    assert sum(sum(month.values()) for month in book) == billed
    shortfalls = [month.get(EntryKind.SHORTFALL, 0) for month in book]
    assert shortfalls == [0, -october.shortfall_micros, -november.shortfall_micros]
