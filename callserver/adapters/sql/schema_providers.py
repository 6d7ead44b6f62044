"""Commissions; what is left of callers whose time is over, and the disputes that keep some."""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from callserver.adapters.sql.schema import metadata


def _text(name: str, *, key: bool = False) -> Column[str]:
    return Column(name, Text, nullable=False, primary_key=key)


def _int(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=null)


# Counts by day and area; nothing of one caller.
caller_day = Table(
    "caller_day",
    metadata,
    _text("day", key=True),  # 2026-03-01, Shanghai's
    _text("did", key=True),
    _text("customer", key=True),  # empty: the number was nobody's
    _text("province", key=True),  # empty: not known
    _text("area_code", key=True),
    _int("calls"),
    _int("answered"),
    _int("billsec"),
    _int("billed_s"),
    _int("fee_micros"),
    _int("charged_micros"),
    sqlite_with_rowid=False,
)

cdr_dispute = Table(
    "cdr_dispute",
    metadata,
    _text("call_id", key=True),
    _int("ended_ms"),
    _text("note"),
    _text("actor"),
    _int("opened_ms"),
    _int("closed_ms", null=True),
    Index("ix_cdr_dispute_ended", "ended_ms"),
)

# What was posted of a provider's month: a later part is the difference that late calls made.
commission = Table(
    "commission",
    metadata,
    _text("provider", key=True),
    _text("month", key=True),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("terms", Text, nullable=True),  # the commission and the provider above, as they were
    Column("parent", Text, nullable=True),
    _int("calls"),
    _int("fees_micros"),
    _int("cost_micros"),
    _int("earned_micros"),
    _int("amount_micros"),
    _text("operation_id"),
    _text("actor"),
    _int("posted_ms"),
)
