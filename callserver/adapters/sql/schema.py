"""The tables. A test holds the migrations to this file. Money is BIGINT micro-yuan."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Row,
    Select,
    Table,
    Text,
    UniqueConstraint,
    text,
)

# Rows and queries whose columns are not worth spelling out for the type checker.
AnyRow = Row[*tuple[Any, ...]]
AnySelect = Select[*tuple[Any, ...]]

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

# SQLite numbers rows by itself only where the key's type is exactly INTEGER.
RowId = BigInteger().with_variant(Integer, "sqlite")


def _text(name: str, *more: object, null: bool = False, **options: object) -> Column[str]:
    return Column(name, Text, *more, nullable=null, **options)  # type: ignore[arg-type]  # passed on


def _int(name: str, *more: object, null: bool = False, **options: object) -> Column[int]:
    return Column(name, BigInteger, *more, nullable=null, **options)  # type: ignore[arg-type]  # passed on


catalogue_version = Table(
    "catalogue_version",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="one_row"), primary_key=True),
    _int("version"),
)

provider = Table(
    "provider",
    metadata,
    _text("id", primary_key=True),
    _text("name"),
    _text("parent", ForeignKey("provider.id"), null=True),
    _text("tariff", ForeignKey("tariff.id"), null=True),
    _text("cost_tariff", ForeignKey("tariff.id"), null=True),
    _text("commission", null=True),
)

tariff = Table("tariff", metadata, _text("id", primary_key=True))

tariff_version = Table(
    "tariff_version",
    metadata,
    _text("tariff", ForeignKey("tariff.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    _int("effective_from_ms"),
    _int("rate_micros"),
    _int("initial_increment_s"),
    _int("increment_s"),
    _int("connection_fee_micros"),
    _int("minimum_charge_micros"),
    _int("free_s"),
    _int("precision_micros"),
    _int("cap_micros", null=True),
    _text("bands", server_default="[]"),  # JSON, so that a version is one row
    UniqueConstraint("tariff", "effective_from_ms"),
)

customer = Table(
    "customer",
    metadata,
    _text("id", primary_key=True),
    _text("name"),
    _text("provider", ForeignKey("provider.id")),
    _text("tariff", ForeignKey("tariff.id"), null=True),
    _text("billing"),
    _int("credit_limit_micros"),
    _int("local_allowance_micros"),
    _int("precision_micros", null=True),
)

# The operator's days over the official calendar.
holiday = Table(
    "holiday",
    metadata,
    _text("day", primary_key=True),
    _text("kind"),
    _text("name"),
)

did = Table(
    "did",
    metadata,
    _text("number", primary_key=True),
    _text("customer", ForeignKey("customer.id")),
    _text("state"),
    Column("calls_max", Integer, nullable=False),
    _text("tariff", ForeignKey("tariff.id"), null=True),
)

destination = Table(
    "destination",
    metadata,
    _text("did", ForeignKey("did.number"), primary_key=True),
    Column("position", Integer, primary_key=True),
    _text("number"),
    _text("trunk"),
    Column("ring_s", Integer, nullable=False),
    Column("calls_max", Integer, nullable=False),
)

blacklist = Table(
    "blacklist",
    metadata,
    _text("customer", ForeignKey("customer.id"), primary_key=True),
    _text("did", primary_key=True),  # empty: all of the customer's numbers
    _text("kind", primary_key=True),
    _text("value", primary_key=True),
)

account = Table(
    "account",
    metadata,
    _text("id", primary_key=True),
    _int("seq"),  # the highest sequence number given to an entry that is not a call's
    _int("settled_micros"),  # the sum of its entries, kept by a trigger on ledger_entry
    _int("settled_minutes", server_default="0"),  # likewise, of included minutes
)

ledger_entry = Table(
    "ledger_entry",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    _text("account", ForeignKey("account.id")),
    _text("kind"),
    _int("amount_micros"),
    _int("seq", null=True),
    _text("operation_id"),
    _text("call_id", null=True),
    _text("actor"),
    _text("reason"),
    _int("created_ms"),
    _int("minutes", server_default="0"),
    _int("reverses", ForeignKey("ledger_entry.id"), null=True),
    Column("forced", Integer, nullable=False, server_default="0"),
    UniqueConstraint("operation_id"),
    Index("uq_ledger_entry_reverses", "reverses", unique=True),
    Index("ix_ledger_entry_account", "account", "created_ms", "id"),
    CheckConstraint("(kind = 'call') = (seq IS NULL)", name="calls_have_no_seq"),
    Index(
        "ix_ledger_entry_seq",
        "account",
        "seq",
        unique=True,
        sqlite_where=text("seq IS NOT NULL"),
        postgresql_where=text("seq IS NOT NULL"),
    ),
    Index(
        "ix_ledger_entry_feed",
        "id",
        sqlite_where=text("seq IS NOT NULL"),
        postgresql_where=text("seq IS NOT NULL"),
    ),
)

# A partitioned table can only be unique together with its partition key, so the token's
# uniqueness stands here, unpartitioned, and says where to look for the CDR.
cdr_key = Table(
    "cdr_key",
    metadata,
    _text("token_hash", primary_key=True),
    _int("ended_ms"),
    sqlite_with_rowid=False,
)

cdr = Table(
    "cdr",
    metadata,
    _int("ended_ms", primary_key=True, autoincrement=False),
    _text("token_hash", primary_key=True),
    _text("call_id"),
    _text("pbx"),
    _text("uniqueid"),
    _text("linkedid"),
    _text("did"),
    _text("customer", null=True),
    _text("provider", null=True),
    _text("account", null=True),
    _text("destination"),
    _text("attempts"),
    _int("arrived_ms"),
    _int("rang_ms"),
    _int("answered_ms"),
    _int("billsec"),
    _int("billed_s"),
    _text("tariff", null=True),
    Column("tariff_version", Integer, nullable=True),
    _int("fee_micros"),
    _int("charged_micros"),
    _int("written_off_micros"),
    _text("fee_lines"),
    _text("disposition"),
    _text("refusal", null=True),
    Column("hangup_cause", Integer, nullable=False),
    _text("hung_up_by"),
    _text("end_source"),
    _int("included_minutes", server_default="0"),
    _int("cost_micros", null=True),
    Index("ix_cdr_customer", "customer", "ended_ms"),
    Index("ix_cdr_did", "did", "ended_ms"),
    postgresql_partition_by="RANGE (ended_ms)",
)

# Who called: personal data, deleted on schedule, while the CDR's money stays. Keyed by time first:
# what is written together lies together, and a month's worth is deleted as one range.
cdr_caller = Table(
    "cdr_caller",
    metadata,
    _int("ended_ms", primary_key=True, autoincrement=False),
    _text("call_id", primary_key=True),
    _text("number"),
    _text("kind"),
    _text("province", null=True),
    _text("city", null=True),
    _text("area_code", null=True),
    sqlite_with_rowid=False,
    postgresql_partition_by="RANGE (ended_ms)",
)

api_token = Table(
    "api_token",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    _text("digest"),  # SHA-256 of the secret, which is nowhere
    _text("scope"),
    _text("subject"),
    _text("label"),
    _int("created_ms"),
    _int("revoked_ms", null=True),
    UniqueConstraint("digest"),
)
