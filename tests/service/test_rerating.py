"""Re-rating: differences first, corrections once, the CDR untouched."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database, open_database
from callserver.adapters.sql.ledger_book import SqlLedger
from callserver.adapters.sql.migrate import upgrade
from callserver.adapters.sql.rerating import SqlRerating
from callserver.domain.band import Band
from callserver.domain.caller import Caller, CallerKind
from callserver.domain.declined import Declined
from callserver.domain.holidays import HolidayCalendar
from callserver.domain.ledger import Entry, EntryKind
from callserver.domain.region import Region
from callserver.domain.rerating import Correction, FinishedCall, RerateOutcome, rerate
from callserver.domain.tariff import TariffVersion
from callserver.ports.ledger import EntryQuery
from callserver.ports.rerating import Posting, RerateQuery
from callserver.service.rerating import Looked, RerateSum, Rerating
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.samples import T0_MS, cdr, changes

YUAN = 1_000_000
EVER = RerateQuery(0, T0_MS * 2)
POSTING = Posting("clerk", "wrong tariff")
CHEAP = TariffVersion("cheap", 1, 0, 100_000)
NEVER_YET = TariffVersion("late", 1, T0_MS + 10**12, 100_000)
BY_CALLER = TariffVersion("local", 1, 0, 100_000, bands=(Band(50_000, provinces=("上海",)),))
TARIFFS = (TariffVersion("standard", 1, 0, 150_000), CHEAP, NEVER_YET, BY_CALLER)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A migrated SQLite."""
    url = f"sqlite:///{tmp_path}/books.db"
    await upgrade(url)
    opened = open_database(url)
    yield opened
    await opened.close()


@pytest.fixture
async def books(database: Database) -> SqlBooks:
    """acme with 100 yuan and the tariffs."""
    found = SqlBooks(database, SetClock())
    await found.apply_import(changes(tariff_versions=TARIFFS), "test")
    await found.post("acme", EntryKind.TOP_UP, 100 * YUAN, "top-up", "clerk", "")
    return found


@pytest.fixture
def rerating(books: SqlBooks, database: Database) -> Rerating:
    """Over those books."""
    return Rerating(SqlRerating(database, SetClock()), books, HolidayCalendar)


async def run(rerating: Rerating, tariff: str = "cheap", **more: Any) -> list[Looked]:
    """All calls there are."""
    return [looked async for looked in rerating.run(EVER, tariff, **more)]


async def settled(books: SqlBooks) -> tuple[int, int]:
    """Money and minutes of acme."""
    total = (await books.account_sums(["acme"]))["acme"]
    return total.settled_micros, total.minutes


async def entries(database: Database, call_id: str) -> list[Entry]:
    """The entries of a call, the oldest first."""
    page = await SqlLedger(database, SetClock()).entries(EntryQuery("acme"))
    return [entry for entry in reversed(page.entries) if entry.call_id == call_id]


async def test_a_look_shows_the_difference_and_moves_nothing(
    books: SqlBooks, rerating: Rerating
) -> None:
    """61 s at 0.10 instead of 0.15 a minute: 0.20 instead of 0.30."""
    await books.write_cdrs([cdr()])
    (looked,) = await run(rerating)
    assert looked.outcome is RerateOutcome.CHANGED
    assert looked.correction is not None
    assert (looked.correction.before_micros, looked.correction.after_micros) == (300_000, 200_000)
    assert await settled(books) == (100 * YUAN - 300_000, 0)


async def test_a_correction_takes_the_entry_back_and_posts_a_new_one(
    books: SqlBooks, rerating: Rerating, database: Database
) -> None:
    """Both today; the CDR's own money stays, and the correction stands beside it."""
    call = cdr()
    await books.write_cdrs([call])
    await run(rerating, posting=POSTING)
    own, back, new = await entries(database, call.call_id)
    assert (own.kind, own.amount_micros) == (EntryKind.CALL, -300_000)
    assert (back.kind, back.amount_micros, back.reverses) == (EntryKind.REVERSAL, 300_000, own.id)
    assert (new.kind, new.amount_micros) == (EntryKind.ADJUSTMENT, -200_000)
    assert {back.created_ms, new.created_ms} == {T0_MS}
    assert (back.actor, new.reason) == ("clerk", "wrong tariff")
    assert await books.cdr(call.call_id) == call
    (kept,) = await rerating.corrections([call.call_id])
    assert (kept.correction.after_micros, kept.reason) == (200_000, "wrong tariff")
    assert kept.correction.fee_lines[-1] == "120 s × 0.10 / 60 s = 0.20"


async def test_the_same_version_again_corrects_nothing(books: SqlBooks, rerating: Rerating) -> None:
    """Also where the first run died between its pages."""
    await books.write_cdrs([cdr() for _ in range(5)])
    assert {each.outcome for each in await run(rerating, posting=POSTING)} == {
        RerateOutcome.CHANGED
    }
    after = await settled(books)
    for _ in range(2):
        again = await run(rerating, posting=POSTING)
        assert {each.outcome for each in again} == {RerateOutcome.UNCHANGED}
    assert await settled(books) == after == (100 * YUAN - 1_000_000, 0)


async def test_a_second_correction_starts_from_the_first(
    books: SqlBooks, rerating: Rerating, database: Database
) -> None:
    """The first one's entry is taken back, not the call's again; going back to it is refused."""
    call = cdr()
    await books.write_cdrs([call])
    await run(rerating, posting=POSTING)
    await run(rerating, "standard", posting=POSTING)
    found = await entries(database, call.call_id)
    assert [entry.amount_micros for entry in found] == [
        -300_000, 300_000, -200_000, 200_000, -300_000,
    ]  # fmt: skip
    assert found[3].reverses == found[2].id
    (looked,) = await run(rerating, posting=POSTING)
    assert looked.outcome is RerateOutcome.CORRECTED_BEFORE
    assert await settled(books) == (100 * YUAN - 300_000, 0)


async def test_a_call_that_becomes_free_gets_no_entry_of_nothing(
    books: SqlBooks, rerating: Rerating, database: Database
) -> None:
    """And one that was free has nothing to take back."""
    free = replace(CHEAP, tariff="free", rate_micros=0)
    await books.apply_import(changes(base_version=1, tariff_versions=(free,)), "test")
    paid, gift = cdr(), cdr(fee_micros=0, charged_micros=0)
    await books.write_cdrs([paid, gift])
    await run(rerating, "free", posting=POSTING)
    assert [e.amount_micros for e in await entries(database, paid.call_id)] == [-300_000, 300_000]
    assert await entries(database, gift.call_id) == []
    await run(rerating, posting=POSTING)
    assert [e.amount_micros for e in await entries(database, gift.call_id)] == [-200_000]
    assert [e.amount_micros for e in await entries(database, paid.call_id)][-1] == -200_000


async def test_minutes_that_are_not_needed_come_back(books: SqlBooks, rerating: Rerating) -> None:
    """A call of 61 s used 2 minutes; by a tariff that is free up to 61 s it needs none."""
    covered = cdr(fee_micros=0, charged_micros=0, included_minutes=2)
    await books.write_cdrs([covered])
    (looked,) = await run(rerating, posting=POSTING)
    assert looked.outcome is RerateOutcome.UNCHANGED
    short = replace(CHEAP, tariff="short", free_s=61)
    await books.apply_import(changes(base_version=1, tariff_versions=(short,)), "test")
    before = await settled(books)
    await run(rerating, "short", posting=POSTING)
    assert await settled(books) == (before[0], before[1] + 2)


async def test_a_dearer_price_needs_cover_or_force(
    books: SqlBooks, rerating: Rerating, database: Database
) -> None:
    """What an account can't pay is left and counted; of several calls those that fit are posted."""
    dear = replace(CHEAP, tariff="dear", rate_micros=25 * YUAN + 150_000)
    await books.apply_import(changes(base_version=1, tariff_versions=(dear,)), "test")
    await books.write_cdrs([cdr() for _ in range(3)])  # 50 yuan more each
    outcomes = [each.outcome for each in await run(rerating, "dear", posting=POSTING)]
    assert outcomes == [RerateOutcome.CHANGED, RerateOutcome.BELOW_LIMIT, RerateOutcome.BELOW_LIMIT]
    forced = await run(rerating, "dear", posting=replace(POSTING, force=True))
    assert [each.outcome for each in forced][1:] == [RerateOutcome.CHANGED] * 2
    page = await SqlLedger(database, SetClock()).entries(EntryQuery("acme"))
    assert [entry.forced for entry in page.entries if entry.amount_micros < -YUAN] == [
        True, True, False,
    ]  # fmt: skip
    assert (await settled(books))[0] == 100 * YUAN - 150_900_000


async def test_calls_that_cannot_be_rated_are_counted(
    books: SqlBooks, rerating: Rerating, database: Database
) -> None:
    """Unanswered, of no customer, before the tariff, or of an unknown caller where it matters."""
    calls = [
        cdr(answered_ms=0, billsec=0, fee_micros=0, charged_micros=0),
        cdr(account=None, customer=None, charged_micros=0, written_off_micros=300_000),
        cdr(),
    ]
    await books.write_cdrs(calls)
    for tariff, last in (("cheap", RerateOutcome.CHANGED), ("late", RerateOutcome.NO_VERSION)):
        outcomes = [each.outcome for each in await run(rerating, tariff)]
        assert outcomes == [RerateOutcome.NOT_ANSWERED, RerateOutcome.NO_ACCOUNT, last]
    assert (await run(rerating, "late", version=1))[-1].outcome is RerateOutcome.CHANGED
    local = (await run(rerating, "local"))[-1]
    assert local.correction is not None
    assert local.correction.after_micros == 100_000
    gone = "DELETE FROM cdr_caller"
    await database.write(lambda connection: connection.exec_driver_sql(gone))
    assert (await run(rerating, "local"))[-1].outcome is RerateOutcome.CALLER_DELETED
    assert (await run(rerating, "cheap"))[-1].outcome is RerateOutcome.CHANGED


async def test_more_calls_than_a_page(books: SqlBooks, rerating: Rerating) -> None:
    """Each once, and their sum; by customer and number."""
    for _ in range(13):
        await books.write_cdrs([cdr() for _ in range(100)])
    await books.write_cdrs([cdr(did="4009999999")])
    total = RerateSum()
    seen = set()
    async for looked in rerating.run(replace(EVER, did="4001234567"), "cheap", posting=POSTING):
        total.add(looked)
        seen.add(looked.call.call_id)
    assert len(seen) == total.counts[RerateOutcome.CHANGED] == 1300
    assert (total.before_micros, total.after_micros) == (390 * YUAN, 260 * YUAN)
    assert await rerating.count(replace(EVER, customer="acme")) == 1301
    assert await rerating.count(replace(EVER, customer="other")) == 0


async def test_an_unknown_tariff_or_version_is_said(rerating: Rerating) -> None:
    """Before anything is looked at."""
    for tariff, version in (("nothing", None), ("cheap", 2)):
        with pytest.raises(Declined) as refused:
            await run(rerating, tariff, version=version)
        assert refused.value.reason == "tariff_unknown"


def finished(**changed: Any) -> FinishedCall:
    """A call of 61 s for 0.30 yuan."""
    given: dict[str, Any] = {
        "call_id": "07-" + "0" * 32, "token_hash": "0" * 32, "customer": "acme",
        "account": "acme", "did": "4001234567",
        "caller": Caller("02188886666", CallerKind.LANDLINE, Region("上海", "上海", "021")),
        "caller_known": True, "destination": "057188886666", "arrived_ms": T0_MS,
        "answered_ms": T0_MS + 2000, "ended_ms": T0_MS + 63_000, "billsec": 61,
        "tariff": "standard", "tariff_version": 1, "written_off_micros": 0,
        "charged_micros": 300_000, "minutes": 0,
    }  # fmt: skip
    return FinishedCall(**(given | changed))


WRITTEN_OFF = [  # charged, written off, new rate a minute, charged then
    (200_000, 100_000, 150_000, None),  # the same fee: nothing changes
    (200_000, 100_000, 75_000, 150_000),  # the whole new fee was paid for
    (200_000, 100_000, 125_000, None),  # a fee of 0.25: what was charged stays
    (200_000, 100_000, 200_000, 300_000),  # a fee of 0.40 less what was written off
]


@pytest.mark.parametrize(("charged", "off", "rate", "then"), WRITTEN_OFF)
def test_what_was_written_off_stays_written_off(
    charged: int, off: int, rate: int, then: int | None
) -> None:
    """A correction does not collect it."""
    call = finished(charged_micros=charged, written_off_micros=off)
    found = rerate(call, replace(CHEAP, rate_micros=rate), HolidayCalendar())
    if then is None:
        assert found is RerateOutcome.UNCHANGED
    else:
        assert isinstance(found, Correction)
        assert found.after_micros == then


@given(
    rate=st.integers(0, 2_000_000),
    other=st.integers(0, 2_000_000),
    billsec=st.integers(1, 7200),
    minutes=st.integers(0, 200),
)
def test_rating_anew_by_the_same_terms_changes_nothing(
    rate: int, other: int, billsec: int, minutes: int
) -> None:
    """And a call rated by others and back costs what it did, in money and minutes."""
    first, second = replace(CHEAP, rate_micros=rate), replace(CHEAP, rate_micros=other)
    calendar = HolidayCalendar()
    call = finished(billsec=billsec, charged_micros=-1, minutes=minutes)
    priced = rerate(call, first, calendar)
    assert isinstance(priced, Correction)
    call = replace(call, charged_micros=priced.after_micros, minutes=priced.after_minutes)
    assert rerate(call, first, calendar) is RerateOutcome.UNCHANGED
    there = rerate(call, second, calendar)
    if isinstance(there, Correction):
        moved = replace(call, charged_micros=there.after_micros, minutes=there.after_minutes)
        back = rerate(moved, first, calendar)
        assert isinstance(back, Correction)
        assert (back.after_micros, back.after_minutes) == (call.charged_micros, call.minutes)


def test_the_accounts_own_precision_goes_first() -> None:
    """0.001 by the tariff, 0.01 by the account."""
    odd = replace(CHEAP, rate_micros=33_333)
    found = rerate(finished(), odd, HolidayCalendar(), 10_000)
    assert isinstance(found, Correction)
    assert found.after_micros == 70_000
