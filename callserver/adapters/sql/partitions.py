"""Months of CDRs on PostgreSQL. A call belongs to the Shanghai month in which it ended."""

from sqlalchemy import Connection, text

from callserver.domain.billing_month import BillingMonth

_FIRST_YEAR, _LAST_YEAR = 2020, 2100  # a broken PBX clock must not fill the database with tables
_LOCK = 0x6361_6C6C_0002


def month_of(instant_ms: int) -> BillingMonth | None:
    """The month of an instant; None where it is too far off to deserve a partition."""
    if not 0 < instant_ms < 2**42:
        return None
    month = BillingMonth.of(instant_ms)
    return month if _FIRST_YEAR <= month.year <= _LAST_YEAR else None


def partition_name(month: BillingMonth) -> str:
    """The month's table, such as `cdr_2026_11`."""
    return f"cdr_{month.year}_{month.month:02d}"


def create_month(connection: Connection, month: BillingMonth) -> None:
    """Create the month's partition if it is not there. Waits half a second for readers of `cdr`."""
    name = partition_name(month)
    found = connection.execute(text("SELECT to_regclass(:name)"), {"name": name}).scalar()
    if found is not None:
        return
    connection.exec_driver_sql("SET LOCAL lock_timeout = '500ms'")
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    connection.exec_driver_sql(
        f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF cdr"
        f" FOR VALUES FROM ({month.from_ms}) TO ({month.to_ms})"
    )
