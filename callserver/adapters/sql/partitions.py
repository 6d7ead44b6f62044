"""Months of CDRs on PostgreSQL. A call belongs to the Shanghai month in which it ended."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Self

from sqlalchemy import Connection, text

SHANGHAI = timezone(timedelta(hours=8))  # no summer time since 1991, so no time zone data needed
_FIRST_YEAR, _LAST_YEAR = 2020, 2100  # a broken PBX clock must not fill the database with tables
_LOCK = 0x6361_6C6C_0002


@dataclass(frozen=True, slots=True)
class Month:
    """A natural month in Asia/Shanghai."""

    year: int
    month: int

    @property
    def name(self) -> str:
        """The partition's table name."""
        return f"cdr_{self.year}_{self.month:02d}"

    @property
    def from_ms(self) -> int:
        """Its first millisecond."""
        return int(datetime(self.year, self.month, 1, tzinfo=SHANGHAI).timestamp()) * 1000

    def next(self) -> Self:
        """The month after."""
        year, month = divmod(self.year * 12 + self.month, 12)
        return type(self)(year, month + 1)


def month_of(instant_ms: int) -> Month | None:
    """The month of an instant; None where it is too far off to deserve a partition."""
    if not 0 < instant_ms < 2**42:
        return None
    when = datetime.fromtimestamp(instant_ms / 1000, UTC).astimezone(SHANGHAI)
    return Month(when.year, when.month) if _FIRST_YEAR <= when.year <= _LAST_YEAR else None


def create_month(connection: Connection, month: Month) -> None:
    """Create the month's partition if it is not there. Waits half a second for readers of `cdr`."""
    found = connection.execute(text("SELECT to_regclass(:name)"), {"name": month.name}).scalar()
    if found is not None:
        return
    connection.exec_driver_sql("SET LOCAL lock_timeout = '500ms'")
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    connection.exec_driver_sql(
        f"CREATE TABLE IF NOT EXISTS {month.name} PARTITION OF cdr"
        f" FOR VALUES FROM ({month.from_ms}) TO ({month.next().from_ms})"
    )
