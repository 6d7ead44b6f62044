"""Tables beside the ledger's own: corrections of calls, thresholds, events, keys of requests."""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, UniqueConstraint

from callserver.adapters.sql.schema import RowId, metadata


def _text(name: str, *, key: bool = False) -> Column[str]:
    return Column(name, Text, nullable=False, primary_key=key)


def _int(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=null)


def _row_id() -> Column[int]:
    return Column("id", RowId, primary_key=True, autoincrement=True)


idempotency_key = Table(
    "idempotency_key",
    metadata,
    _text("bearer", key=True),  # scope:subject
    _text("key", key=True),
    _text("digest"),  # SHA-256 of method, path and body
    _int("created_ms"),
    sqlite_with_rowid=False,
)

# What a call costs after re-rating; its CDR stays as it is.
cdr_correction = Table(
    "cdr_correction",
    metadata,
    _row_id(),
    _text("call_id"),
    _text("account"),
    _int("ended_ms"),  # of the call
    _text("tariff"),
    Column("tariff_version", Integer, nullable=False),
    _int("before_micros"),
    _int("after_micros"),
    _int("before_minutes"),
    _int("after_minutes"),
    _text("fee_lines"),
    _text("operation_id"),
    _text("actor"),
    _text("reason"),
    _int("created_ms"),
    UniqueConstraint("operation_id"),
    Index("ix_cdr_correction_call", "call_id", "id"),
)

account_threshold = Table(
    "account_threshold",
    metadata,
    _text("account", key=True),  # empty: the default of all that have none of their own
    _int("low_micros"),  # 0: no warning
    _text("actor"),
    _int("set_ms"),
    Index("ix_account_threshold_low", "low_micros"),
)

# Written by triggers on account and customer only.
account_event = Table(
    "account_event",
    metadata,
    _row_id(),
    _text("account"),
    _text("event"),
    _int("available_micros"),
    _int("threshold_micros"),
    _int("entry", null=True),  # the ledger entry that took the account there
    _int("at_ms"),
    Index("ix_account_event_account", "account", "id"),
)

# How far those that pass events on have come.
event_reader = Table("event_reader", metadata, _text("reader", key=True), _int("last_id"))
