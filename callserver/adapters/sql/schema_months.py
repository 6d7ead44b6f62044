"""Tables of [R1] and of closed months. All but a month that is being closed are append-only."""

from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, UniqueConstraint

from callserver.adapters.sql.schema import RowId, metadata
from callserver.adapters.sql.schema_ledger import cdr_correction


def _text(name: str, *, null: bool = False, key: bool = False) -> Column[str]:
    return Column(name, Text, nullable=null, primary_key=key)


def _int(name: str, *, null: bool = False, key: bool = False, **options: Any) -> Column[int]:
    return Column(name, BigInteger, nullable=null, primary_key=key, autoincrement=False, **options)


# One row for each change of a number's monthly minimum; the last one is what holds, or will.
minimum_version = Table(
    "minimum_version",
    metadata,
    _text("did", key=True),
    _int("seq", key=True),
    _text("from_month"),
    _int("amount_micros"),
    _int("rate_micros"),
    _int("based_micros"),
    _int("based_rate_micros"),
    _text("change"),
    Column("in_use", Integer, nullable=False),
    _text("operation_id"),
    _text("actor"),
    _text("reason"),
    _int("created_ms"),
    UniqueConstraint("operation_id"),
    sqlite_with_rowid=False,
)

# How far the close of a month has come; once its phase is `closed`, never changed again.
month_close = Table(
    "month_close",
    metadata,
    _text("month", key=True),
    _text("phase"),
    _text("cursor"),  # the last number or customer that is done in this phase
    _text("actor"),
    _int("started_ms"),
    _int("closed_ms", null=True),
)

_USAGE = ("calls", "answered", "talk_s", "billed_s", "fee_micros", "charged_micros", "minutes")

# What a number of a customer came to in a month.
month_line = Table(
    "month_line",
    metadata,
    _text("month", key=True),
    _text("customer", key=True),
    _text("did", key=True),
    _text("provider"),
    *(_int(name) for name in _USAGE),
    _int("minimum_micros"),
    _text("standing"),
    _int("shortfall_micros"),
    sqlite_with_rowid=False,
)

# What came after a month was closed: differences, and what they changed of the shortfall.
month_correction = Table(
    "month_correction",
    metadata,
    _text("month", key=True),
    _text("customer", key=True),
    _text("did", key=True),
    _int("number", key=True),
    _text("posted_in"),  # the month that was open
    _text("provider"),
    *(_int(name) for name in _USAGE),
    _int("shortfall_micros"),
    _text("actor"),
    _int("created_ms"),
    Index("ix_month_correction_posted_in", "posted_in", "customer"),
    sqlite_with_rowid=False,
)

bill = Table(
    "bill",
    metadata,
    _text("month", key=True),
    _text("customer", key=True),
    _text("provider"),
    _int("calls_micros"),
    _text("document"),  # the whole bill as JSON
    _int("created_ms"),
    Index("ix_bill_customer", "customer", "month"),
)

# What a customer must be told, once; whoever delivers it follows the ids.
notice = Table(
    "notice",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    _text("kind"),
    _text("customer"),
    _text("month"),
    _int("fee_micros"),
    _int("mean_micros"),
    _int("factor"),
    _int("raised_ms"),
    UniqueConstraint("kind", "customer", "month"),
)

Index("ix_cdr_correction_month", cdr_correction.c.ended_ms)
