"""Older books' callers are taken along, and go when their time is over."""

from alembic import command
from sqlalchemy import Connection, text

from callserver.adapters.sql import migrate
from callserver.adapters.sql.books import open_books
from callserver.adapters.sql.database import open_database
from callserver.adapters.sql.retention import SqlRetention
from callserver.domain.billing_month import DAY_MS, BillingMonth
from callserver.ports import CdrQuery
from callserver.service.retention import Retention, RetentionPolicy
from tests.adapters.sql.conftest import SetClock
from tests.adapters.sql.samples import cdr

MARCH, NOVEMBER = BillingMonth(2026, 3), BillingMonth(2026, 11)
ROW = (
    "INSERT INTO cdr_caller (ended_ms, call_id, number, kind, province, city, area_code)"
    " VALUES (:ended_ms, :call_id, '13800138000', 'mobile', '浙江', '杭州', '0571')"
)


def _before(connection: Connection) -> None:
    config = migrate._config()
    config.attributes["connection"] = connection
    command.upgrade(config, "0008")


async def test_callers_of_older_books_are_kept_and_purged(empty_url: str, clock: SetClock) -> None:
    """Where they lie does not matter to those who read, write or delete them."""
    clock.us = (NOVEMBER.from_ms + DAY_MS) * 1000
    old = cdr(ended_ms=MARCH.from_ms)
    database = open_database(empty_url)
    await database.write(_before)
    row = {"ended_ms": old.ended_ms, "call_id": old.call_id}
    await database.write(lambda connection: connection.execute(text(ROW), row))
    await database.close()
    await migrate.upgrade(empty_url)
    async with open_books(empty_url, clock) as books:

        def forget(connection: Connection) -> None:  # so that the CDR can bring its own
            kept = connection.execute(text("SELECT number FROM cdr_caller")).scalar_one()
            assert kept == "13800138000"
            connection.execute(text("DELETE FROM cdr_caller"))

        await books.database.write(forget)
        await books.write_cdrs([old, cdr(ended_ms=MARCH.to_ms), cdr(ended_ms=NOVEMBER.from_ms)])
        await books.database.write(lambda connection: connection.execute(text(ROW), {
            "ended_ms": MARCH.from_ms, "call_id": "late",
        }))  # fmt: skip
        retention = Retention(
            SqlRetention(books.database, clock), clock, RetentionPolicy(6, pause_s=0)
        )
        assert (await retention.purge()).deleted == 3
        page = await books.cdrs(CdrQuery(customers=None))
        assert [bool(each.caller.number) for each in page.cdrs] == [True, False, False]
