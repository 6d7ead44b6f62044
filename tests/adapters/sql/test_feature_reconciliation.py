"""[R2] Reconciliation finds what does not fit, and only that; disputes keep their history."""

import io
import json
from datetime import date, timedelta

import pytest

from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database
from callserver.adapters.sql.ledger_book import SqlLedger
from callserver.domain.billing_month import day_start_ms
from callserver.domain.declined import Declined, Reason
from callserver.domain.features import FeatureVersion
from callserver.domain.ledger import EntryKind, OperationReused
from callserver.domain.ledger_moves import Reversal
from callserver.domain.periods import Cycle
from callserver.ports.features import DeductionQuery
from callserver.service.features import FeaturePolicy, Features
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.feature_bed import DID, OTHER_DID, START, YUAN, FeatureBed, fill

ONE_DAY = timedelta(days=1)


@pytest.fixture
async def bed(books: SqlBooks, database: Database, clock: SetClock) -> FeatureBed:
    """A provider with 1000 yuan, and features."""
    return await fill(books, database, clock)


async def test_a_day_of_fees_and_reversals_agrees(bed: FeatureBed) -> None:
    """Sums and rows; a reversal counts on its own day; other days are empty."""
    await bed.features.activate(DID, "recording", "op-1", "clerk")
    failed = await bed.features.activate(OTHER_DID, "menu", "op-2", "clerk")
    next_day = START + timedelta(days=1)
    bed.set_day(next_day)
    await bed.features.fail(failed.id, "x", "op-3", "clerk")
    [today] = await bed.features.reconcile(START, None)
    assert (today.provider, today.deductions, today.entries) == ("north", 2, 2)
    assert (today.deducted_micros, today.agrees) == (330 * YUAN, True)
    [after] = await bed.features.reconcile(next_day, "north")
    assert (after.debited_micros, after.agrees) == (-300 * YUAN, True)
    assert await bed.features.reconcile(START, "south") == ()
    assert await bed.features.reconcile(START - timedelta(days=1), None) == ()


@pytest.mark.parametrize("first_moment", [True, False])
async def test_the_day_begins_and_ends_in_shanghai(bed: FeatureBed, first_moment: bool) -> None:
    """Its first and its last millisecond are in it and in no other, for deductions and debits."""
    at_ms = day_start_ms(START) if first_moment else day_start_ms(START + ONE_DAY) - 1
    bed.clock.us = at_ms * 1000
    await bed.features.activate(DID, "recording", "op-1", "clerk")
    [day] = await bed.features.reconcile(START, None)
    assert (day.deductions, day.entries, day.agrees) == (1, 1, True)
    for other in (START - ONE_DAY, START + ONE_DAY):
        assert await bed.features.reconcile(other, None) == ()


async def test_a_debit_without_a_deduction_is_found(bed: FeatureBed) -> None:
    """Posted past the features."""
    account, kind = "provider:north", EntryKind.FEATURE_FEE
    entry = await bed.books.post(account, kind, -5 * YUAN, "stray", "clerk", "")
    [day] = await bed.features.reconcile(START, None)
    assert (day.agrees, day.difference_micros) == (False, -5 * YUAN)
    assert [each.entry for each in day.differences] == [entry.id]


async def test_faults_that_add_up_to_nothing_are_found(bed: FeatureBed) -> None:
    """The sums agree, the rows do not."""
    await bed.features.activate(DID, "recording", "op-1", "clerk")
    account, kind = "provider:north", EntryKind.FEATURE_FEE
    stray = await bed.books.post(account, kind, -30 * YUAN, "stray", "clerk", "")
    columns = (
        "activation, provider, customer, did, feature, version, fee_micros, day, period,"
        " period_from, period_to, entry, reverses, actor, created_ms"
    )
    other = columns.replace(" period,", " 2,").replace("entry", "1")  # the top-up's entry
    await bed.run(f"INSERT INTO deduction ({columns}) SELECT {other} FROM deduction")
    [day] = await bed.features.reconcile(START, None)
    assert (day.difference_micros, day.agrees) == (0, False)
    assert {each.entry for each in day.differences} == {1, stray.id}


async def test_a_reversal_by_hand_is_found_and_mended(bed: FeatureBed) -> None:
    """The deduction stands until the activation is said to have failed; money goes back once."""
    await bed.features.activate(DID, "recording", "op-1", "clerk")
    [row] = await bed.features.deductions(DeductionQuery())
    ledger = SqlLedger(bed.database, bed.clock)
    await ledger.reverse(Reversal("provider:north", row.entry, "by-hand", "clerk", "mistake"))
    [day] = await bed.features.reconcile(START, None)
    assert (day.agrees, day.difference_micros) == (False, 30 * YUAN)
    bed.set_day(START + timedelta(days=1))
    await bed.features.fail(row.activation, "mistake", "op-2", "clerk")
    [day] = await bed.features.reconcile(START, None)
    assert (day.agrees, day.deducted_micros) == (True, 0)
    assert await bed.balance() == 1000


async def test_the_background_check_alarms_once_and_counts(
    bed: FeatureBed, log_text: io.StringIO
) -> None:
    """Every look counts what differs; the log is told when it is new, as an error."""
    service = Features(bed.features, bed.clock, FeaturePolicy())
    await bed.features.activate(DID, "recording", "op-1", "clerk")
    assert (await service.check_days(), service.differences) == ([], 0)
    assert log_text.getvalue() == ""
    await bed.books.post("provider:north", EntryKind.FEATURE_FEE, -1, "stray", "clerk", "")
    later = START + timedelta(days=3)
    bed.set_day(later)
    [found] = await service.check_days()
    assert (found.day, service.differences) == (START, 1)
    assert await service.check_days() == [found]
    await bed.books.post("provider:north", EntryKind.FEATURE_FEE, -1, "another", "clerk", "")
    assert (len(await service.check_days()), service.differences) == (2, 2)
    told = [json.loads(line) for line in log_text.getvalue().splitlines()]
    assert [(each["event"], each["level"], each["day"]) for each in told] == [
        ("features.reconciliation_differs", "error", START.isoformat()),
        ("features.reconciliation_differs", "error", later.isoformat()),
    ]
    fee = 30 * YUAN
    assert (told[0]["provider"], told[0]["deducted_micros"]) == ("north", fee)
    assert (told[0]["debited_micros"], told[0]["differences"]) == (fee + 1, 1)
    bed.set_day(later + timedelta(days=7))
    assert (await service.check_days(), service.differences) == ([], 0)


async def test_disputes_are_opened_noted_resolved_and_opened_again(bed: FeatureBed) -> None:
    """No money moves and nothing is overwritten."""
    await bed.features.activate(DID, "recording", "op-1", "clerk")
    say = bed.features.note
    first = await say(1, "never ordered", "n-1", "north", resolves=False)
    assert await say(1, "never ordered", "n-1", "north", resolves=False) == first
    with pytest.raises(OperationReused):
        await say(1, "something else", "n-1", "north", resolves=False)
    await say(1, "see contract 7", "n-2", "clerk", resolves=False)
    await say(1, "agreed", "n-3", "north", resolves=True)
    assert (await bed.features.deduction(1)).dispute == "resolved"
    with pytest.raises(Declined) as caught:
        await say(1, "again", "n-4", "north", resolves=True)
    assert caught.value.reason is Reason.DISPUTE_NOT_OPEN
    await say(1, "not agreed", "n-5", "north", resolves=False)
    [row] = await bed.features.deductions(DeductionQuery())
    assert row.dispute == "open"
    steps = [note.step.value for note in await bed.features.notes(1)]
    assert steps == ["opened", "noted", "resolved", "opened"]
    with pytest.raises(Declined) as caught:
        await say(99, "x", "n-6", "north", resolves=False)
    assert caught.value.reason is Reason.DEDUCTION_UNKNOWN
    assert await bed.balance() == 970


async def test_deductions_are_found_by_whatever_they_name(bed: FeatureBed) -> None:
    """Provider, number, customer, activation and days, both included."""
    await bed.features.activate(DID, "recording", "op-1", "clerk")
    bed.set_day(START + timedelta(days=1))
    await bed.features.activate(OTHER_DID, "recording", "op-2", "clerk")
    for query, ids in (
        (DeductionQuery(did=DID), [1]),
        (DeductionQuery(customer="acme"), [2, 1]),
        (DeductionQuery(activation=2), [2]),
        (DeductionQuery(providers=frozenset(("south",))), []),
        (DeductionQuery(from_day=START, to_day=START), [1]),
        (DeductionQuery(from_day=START + timedelta(days=1)), [2]),
        (DeductionQuery(before_id=2), [1]),
        (DeductionQuery(limit=1), [2]),
    ):
        assert [row.id for row in await bed.features.deductions(query)] == ids, query


async def test_versions_are_added_never_changed(bed: FeatureBed) -> None:
    """The same again is the same; another fee for that day, the past, another cycle: refused."""

    def version(day: date, fee: int, cycle: Cycle = Cycle.MONTH) -> FeatureVersion:
        return FeatureVersion("recording", "Recording", cycle, 0, day, fee)

    later = await bed.features.add_version(version(date(2026, 5, 1), 7), "clerk")
    assert later.version == 2
    assert await bed.features.add_version(version(date(2026, 5, 1), 7), "clerk") == later
    for wanted, reason in (
        (version(date(2026, 5, 1), 8), Reason.VERSION_EXISTS),
        (version(START - timedelta(days=1), 8), Reason.VERSION_BACKDATED),
        (version(date(2026, 6, 1), 8, Cycle.YEAR), Reason.FEATURE_CYCLE_FIXED),
    ):
        with pytest.raises(Declined) as caught:
            await bed.features.add_version(wanted, "clerk")
        assert caught.value.reason is reason
