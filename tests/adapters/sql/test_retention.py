"""Callers' numbers go when their time is over, and are really gone; money and disputes stay."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from callserver.adapters.sql.books import SqlBooks
from callserver.adapters.sql.database import Database
from callserver.adapters.sql.retention import SqlRetention
from callserver.adapters.sql.schema import cdr as cdr_table
from callserver.adapters.sql.schema import ledger_entry
from callserver.domain.billing_month import BillingMonth
from callserver.domain.caller import Caller, CallerKind
from callserver.domain.cdr import Cdr
from callserver.domain.declined import Declined, Reason
from callserver.domain.region import Region
from callserver.ports import CdrQuery
from callserver.service.retention import Retention, RetentionPolicy
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.samples import cdr as sample
from tests.adapters.sql.samples import changes

NOW = BillingMonth(2026, 11)
HANGZHOU = Region("浙江", "杭州", "0571")


def ended(month: BillingMonth, offset_ms: int = 0) -> int:
    return month.from_ms + offset_ms


@pytest.fixture
async def retention(books: SqlBooks, clock: SetClock) -> Retention:
    """In November 2026, six full months are kept: May to October; batches of 7."""
    clock.us = (NOW.from_ms + 15 * 86_400_000) * 1000
    await books.apply_import(changes(), "test")
    book = SqlRetention(books.database, clock)
    return Retention(book, clock, RetentionPolicy(6, batch=7, pause_s=0))


async def count(database: Database, table: object) -> int:
    query = select(func.count()).select_from(table)  # type: ignore[arg-type]  # any table
    return await database.read(lambda connection: int(connection.execute(query).scalar_one()))


async def kept_callers(books: SqlBooks) -> list[str]:
    page = await books.cdrs(CdrQuery(customers=None, limit=500))
    return [each.caller.number for each in page.cdrs if each.caller.number]


async def test_full_months_are_kept_to_the_millisecond(
    books: SqlBooks, retention: Retention
) -> None:
    """The last millisecond of April goes, the first of May stays."""
    april, may = BillingMonth(2026, 4), BillingMonth(2026, 5)
    last = sample(ended_ms=april.to_ms - 1)
    first = sample(ended_ms=may.from_ms, caller=Caller("13800138000", CallerKind.MOBILE, HANGZHOU))
    await books.write_cdrs([last, first])
    assert retention.before_ms == may.from_ms
    looked = await retention.purge(dry_run=True)
    assert (looked.deleted, looked.dry_run) == (1, True)
    assert len(await kept_callers(books)) == 2, "a look deletes nothing"
    assert (await retention.purge()).deleted == 1
    assert await kept_callers(books) == ["13800138000"]


async def test_money_and_counts_stay(
    books: SqlBooks, database: Database, retention: Retention
) -> None:
    """Every CDR and ledger entry; the calls of a day from an area become one row of counts."""
    march = BillingMonth(2026, 3)
    calls = [sample(ended_ms=ended(march, 1000 * number)) for number in range(20)]
    calls += [
        sample(ended_ms=ended(march, 5), caller=Caller("", CallerKind.UNKNOWN, None), answered_ms=0,
               billsec=0, billed_s=0, fee_micros=0, charged_micros=0),
        sample(ended_ms=ended(march, 86_400_000), did="4001234568", customer=None, account=None),
    ]  # fmt: skip
    await books.write_cdrs(calls)
    before = [await count(database, table) for table in (cdr_table, ledger_entry)]
    assert (await retention.purge()).deleted == 22
    assert [await count(database, table) for table in (cdr_table, ledger_entry)] == before
    days = await retention.caller_days("2026-03-01", "2026-03-31")
    told = [
        (d.day.isoformat(), d.did, d.customer, d.province, d.area_code, d.calls, d.answered)
        for d in days
    ]
    assert told == [
        ("2026-03-01", "4001234567", "acme", "", "", 1, 0),
        ("2026-03-01", "4001234567", "acme", "上海", "021", 20, 20),
        ("2026-03-02", "4001234568", "", "上海", "021", 1, 1),
    ]
    assert (days[1].billsec, days[1].billed_s) == (20 * 61, 20 * 120)
    assert (days[1].fee_micros, days[1].charged_micros) == (6_000_000, 6_000_000)
    assert await retention.caller_days("2026-03-01", "2026-03-31", "4001234568") == [days[2]]


async def test_a_late_call_is_added_to_the_counts(books: SqlBooks, retention: Retention) -> None:
    """Its month was purged before: the next purge counts it too, and only it."""
    march = BillingMonth(2026, 3)
    await books.write_cdrs([sample(ended_ms=ended(march))])
    await retention.purge()
    await books.write_cdrs([sample(ended_ms=ended(march, 7))])
    assert (await retention.purge()).deleted == 1
    assert (await retention.purge()).deleted == 0
    (day,) = await retention.caller_days("2026-03-01", "2026-03-01")
    assert day.calls == 2


async def test_a_killed_purge_goes_on(books: SqlBooks, retention: Retention) -> None:
    """Whatever was deleted is counted, whatever is left is still there."""
    march = BillingMonth(2026, 3)
    await books.write_cdrs([sample(ended_ms=ended(march, number)) for number in range(20)])

    class Killed(Exception):
        pass

    def kill(_done: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        await retention.purge(told=kill)
    assert len(await kept_callers(books)) == 13
    assert (await retention.purge()).deleted == 13
    (day,) = await retention.caller_days("2026-03-01", "2026-03-31")
    assert day.calls == 20


async def test_two_purges_at_once_count_once(
    books: SqlBooks, clock: SetClock, retention: Retention
) -> None:
    """Each caller is deleted and counted by one of them."""
    march = BillingMonth(2026, 3)
    await books.write_cdrs([sample(ended_ms=ended(march, number)) for number in range(40)])
    other = Retention(
        SqlRetention(books.database, clock), clock, RetentionPolicy(6, batch=5, pause_s=0)
    )
    one, two = await asyncio.gather(retention.purge(), other.purge())
    assert one.deleted + two.deleted == 40
    (day,) = await retention.caller_days("2026-03-01", "2026-03-31")
    assert day.calls == 40


async def test_a_disputed_call_keeps_its_caller(books: SqlBooks, retention: Retention) -> None:
    """Until it is settled; then it goes with its month and is counted."""
    march = BillingMonth(2026, 3)
    contested = sample(ended_ms=ended(march))
    await books.write_cdrs([contested, *(sample(ended_ms=ended(march, n)) for n in range(1, 9))])
    _, new = await retention.dispute(contested.call_id, " says it never rang ", "cli:a")
    assert new
    again, new = await retention.dispute(contested.call_id, "another note", "cli:b")
    assert (again.note, again.actor, new) == ("says it never rang", "cli:a", False)
    done = await retention.purge()
    assert (done.deleted, done.disputed) == (8, 1)
    assert await kept_callers(books) == [contested.caller.number]
    assert [each.call_id for each in await retention.disputes()] == [contested.call_id]
    settled = await retention.settle_dispute(contested.call_id, "cli:a")
    assert settled == await retention.settle_dispute(contested.call_id, "cli:a")
    assert (await retention.disputes(), await retention.disputes(closed=True)) == ([], [settled])
    assert (await retention.purge()).deleted == 1
    with pytest.raises(Declined) as declined:
        await retention.dispute(contested.call_id, "too late", "cli:a")
    assert declined.value.reason is Reason.CALLER_DELETED


@pytest.mark.parametrize(
    ("call_id", "note", "reason"),
    [
        ("07-" + "0" * 32, "who?", Reason.CDR_UNKNOWN),
        ("nonsense", "who?", Reason.CDR_UNKNOWN),
        ("07-" + "0" * 32, " ", Reason.DISPUTE_MALFORMED),
        ("07-" + "0" * 32, "x" * 201, Reason.DISPUTE_MALFORMED),
        ("07-" + "0" * 32, "a\nb", Reason.DISPUTE_MALFORMED),
    ],
)
async def test_what_cannot_be_disputed(
    retention: Retention, call_id: str, note: str, reason: Reason
) -> None:
    """Calls that do not exist, notes nobody can read."""
    with pytest.raises(Declined) as declined:
        await retention.dispute(call_id, note, "cli:a")
    assert declined.value.reason is reason
    with pytest.raises(Declined) as declined:
        await retention.settle_dispute(call_id, "cli:a")
    assert declined.value.reason is Reason.DISPUTE_UNKNOWN


def many(month: BillingMonth) -> list[Cdr]:
    """Callers of their own, so many that they fill and split pages."""
    return [
        sample(
            ended_ms=ended(month, 60_000 * number),
            caller=Caller(f"139{number:08d}", CallerKind.MOBILE, HANGZHOU),
        )
        for number in range(3000)
    ]


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
@pytest.mark.parametrize("rewrite", [False, True])
async def test_nothing_of_a_deleted_number_is_left_in_the_file(
    books: SqlBooks, clock: SetClock, url: str, retention: Retention, rewrite: bool
) -> None:
    """Not in the database's file nor its log, byte by byte; what is kept is still there."""
    keep = sample(ended_ms=ended(NOW), caller=Caller("13700001234", CallerKind.MOBILE, HANGZHOU))
    await books.write_cdrs([*many(BillingMonth(2026, 3)), keep])
    path = Path(url.removeprefix("sqlite:///"))
    files = [path, path.with_name(path.name + "-wal")]
    assert b"13900001500" in b"".join(each.read_bytes() for each in files)
    fast = Retention(SqlRetention(books.database, clock), clock, RetentionPolicy(6, pause_s=0))
    assert (await fast.purge(rewrite=rewrite)).deleted == 3000
    left = b"".join(each.read_bytes() for each in files if each.exists())
    assert [n for n in range(3000) if f"139{n:08d}".encode() in left] == []
    assert b"13700001234" in left


@pytest.mark.postgres
@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
async def test_an_emptied_month_is_dropped_whole(
    books: SqlBooks, database: Database, retention: Retention
) -> None:
    """Its table is gone with its files; one that a dispute keeps stays; a late call finds room."""
    march, april = BillingMonth(2026, 3), BillingMonth(2026, 4)
    contested = sample(ended_ms=ended(march))
    await books.write_cdrs([contested, sample(ended_ms=ended(march, 1))])
    await books.write_cdrs([sample(ended_ms=ended(april)), sample(ended_ms=0)])
    await retention.dispute(contested.call_id, "why", "cli:a")

    async def months() -> set[str]:
        names = text("SELECT relname FROM pg_class WHERE relname ~ '^cdr_caller_' AND relkind='r'")
        return set(
            await database.read(lambda connection: connection.execute(names).scalars().all())
        )

    assert {"cdr_caller_2026_03", "cdr_caller_2026_04"} <= await months()
    assert (await retention.purge()).deleted == 3
    left = await months()
    assert ("cdr_caller_2026_03" in left, "cdr_caller_2026_04" in left) == (True, False)
    assert "cdr_caller_2026_05" in left, "empty, but not over"
    await books.write_cdrs([sample(ended_ms=ended(april, 3))])
    assert len(await kept_callers(books)) == 2
