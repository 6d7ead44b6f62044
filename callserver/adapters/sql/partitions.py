"""Months of CDRs on PostgreSQL. A call belongs to the Shanghai month in which it ended."""

import re

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from callserver.domain.billing_month import BillingMonth

_FIRST_YEAR, _LAST_YEAR = 2020, 2100  # a broken PBX clock must not fill the database with tables
_LOCK = 0x6361_6C6C_0002
_CALLERS = "cdr_caller"
_PARTITIONED = ("cdr", _CALLERS)
_MONTH = re.compile(rf"{_CALLERS}_(\d{{4}})_(\d{{2}})$")
_BUSY = {"55P03", "42P01"}  # lock not available; dropped by another process just now


def month_of(instant_ms: int) -> BillingMonth | None:
    """The month of an instant; None where it is too far off to deserve a partition."""
    if not 0 < instant_ms < 2**42:
        return None
    month = BillingMonth.of(instant_ms)
    return month if _FIRST_YEAR <= month.year <= _LAST_YEAR else None


def partition_name(month: BillingMonth, table: str = "cdr") -> str:
    """The month's table, such as `cdr_2026_11`."""
    return f"{table}_{month.year}_{month.month:02d}"


def create_month(connection: Connection, month: BillingMonth) -> None:
    """Create the month's partitions if they are not there. Waits half a second for readers."""
    missing = [table for table in _PARTITIONED if not _exists(connection, month, table)]
    if not missing:
        return
    connection.exec_driver_sql("SET LOCAL lock_timeout = '500ms'")
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    for table in missing:
        connection.exec_driver_sql(
            f"CREATE TABLE IF NOT EXISTS {partition_name(month, table)} PARTITION OF {table}"
            f" FOR VALUES FROM ({month.from_ms}) TO ({month.to_ms})"
        )


def caller_months(connection: Connection, before_ms: int) -> list[BillingMonth]:
    """Months of callers that are over before this instant and have a partition; SQLite: none."""
    if connection.dialect.name != "postgresql":
        return []
    parent = f"'{_CALLERS}'::regclass"
    names = connection.exec_driver_sql(
        f"SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = {parent}"  # noqa: S608  # our own name
    ).scalars()
    months = [
        BillingMonth(int(found[1]), int(found[2]))
        for name in names
        if (found := _MONTH.match(name))
    ]
    return sorted(month for month in months if month.to_ms <= before_ms)


def drop_empty(connection: Connection, month: BillingMonth) -> bool:
    """Drop a month of callers if nothing is left in it: its files go at once.

    Waits half a second for readers; where they take longer it stays until the next time.
    """
    name = partition_name(month, _CALLERS)
    connection.exec_driver_sql("SET LOCAL lock_timeout = '500ms'")
    try:
        with connection.begin_nested():
            connection.exec_driver_sql(f"LOCK TABLE {_CALLERS}, {name} IN ACCESS EXCLUSIVE MODE")
            if connection.exec_driver_sql(f"SELECT 1 FROM {name} LIMIT 1").first() is not None:  # noqa: S608  # our own names
                return False
            connection.exec_driver_sql(f"DROP TABLE {name}")
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) not in _BUSY:
            raise
        return False
    return True


def _exists(connection: Connection, month: BillingMonth, table: str) -> bool:
    name = {"name": partition_name(month, table)}
    return connection.execute(text("SELECT to_regclass(:name)"), name).scalar() is not None
