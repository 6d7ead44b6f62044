"""[R2] Tables of features. Days are ISO text, Shanghai's; deductions and notes are append-only."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from callserver.adapters.sql.schema import RowId, metadata


def _text(name: str, *more: object, null: bool = False, **options: object) -> Column[str]:
    return Column(name, Text, *more, nullable=null, **options)  # type: ignore[arg-type]  # passed on


def _int(name: str, *more: object, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, *more, nullable=null)  # type: ignore[arg-type]  # passed on


def _row_id() -> Column[int]:
    return Column("id", RowId, primary_key=True, autoincrement=True)


feature = Table("feature", metadata, _text("id", primary_key=True), _text("name"), _text("cycle"))

feature_version = Table(
    "feature_version",
    metadata,
    _text("feature", ForeignKey("feature.id"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    _text("effective_from"),
    _int("fee_micros"),
    _text("actor"),
    _int("created_ms"),
    UniqueConstraint("feature", "effective_from"),
    CheckConstraint("fee_micros >= 0", name="fee_is_a_fee"),
)

_OPEN = text("state IN ('active', 'suspended')")

feature_activation = Table(
    "feature_activation",
    metadata,
    _row_id(),
    _text("did"),
    _text("customer"),
    _text("provider"),
    _text("feature", ForeignKey("feature.id")),
    _text("cycle"),
    _text("state"),
    _text("anchor_day"),
    Column("anchor_period", Integer, nullable=False),
    Column("periods", Integer, nullable=False),
    _text("next_day", null=True),
    _text("suspended_day", null=True),
    _text("operation_id"),
    _text("actor"),
    _int("created_ms"),
    _int("ended_ms", null=True),
    UniqueConstraint("operation_id"),
    # What makes one of fifty concurrent activations win.
    Index(
        "ix_feature_activation_open",
        "did",
        "feature",
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    ),
    Index("ix_feature_activation_due", "next_day", sqlite_where=_OPEN, postgresql_where=_OPEN),
    Index("ix_feature_activation_customer", "customer"),
)

feature_event = Table(
    "feature_event",
    metadata,
    _row_id(),
    _int("activation", ForeignKey("feature_activation.id")),
    _text("event"),
    _text("detail"),
    _text("actor"),
    _text("operation_id"),
    _int("created_ms"),
    UniqueConstraint("operation_id"),
    Index("ix_feature_event_activation", "activation"),
)

deduction = Table(
    "deduction",
    metadata,
    _row_id(),
    _int("activation", ForeignKey("feature_activation.id")),
    _text("provider"),
    _text("customer"),
    _text("did"),
    _text("feature"),
    Column("version", Integer, nullable=False),
    _int("fee_micros"),
    _text("day"),
    Column("period", Integer, nullable=False),
    _text("period_from"),
    _text("period_to", null=True),
    _int("entry", ForeignKey("ledger_entry.id")),
    _int("reverses", ForeignKey("deduction.id"), null=True),
    _text("actor"),
    _int("created_ms"),
    UniqueConstraint("entry"),
    UniqueConstraint("reverses"),
    Index(
        "ix_deduction_period",
        "activation",
        "period",
        unique=True,
        sqlite_where=text("reverses IS NULL"),
        postgresql_where=text("reverses IS NULL"),
    ),
    Index("ix_deduction_day", "day", "provider"),
    Index("ix_deduction_provider", "provider", "id"),
)

deduction_note = Table(
    "deduction_note",
    metadata,
    _row_id(),
    _int("deduction", ForeignKey("deduction.id")),
    _text("step"),
    _text("text"),
    _text("actor"),
    _text("operation_id"),
    _int("created_ms"),
    UniqueConstraint("operation_id"),
    Index("ix_deduction_note_deduction", "deduction"),
)
