"""Tables of plans. Days are ISO text, Shanghai's; what was granted and happened is kept."""

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


def _small(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _row_id() -> Column[int]:
    return Column("id", RowId, primary_key=True, autoincrement=True)


plan = Table("plan", metadata, _text("id", primary_key=True), _text("name"))

plan_version = Table(
    "plan_version",
    metadata,
    _text("plan", ForeignKey("plan.id"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    _text("effective_from"),
    _int("annual_fee_micros"),
    _int("credit_micros"),
    _int("minutes"),
    _text("rhythm"),
    _text("tariff", ForeignKey("tariff.id"), null=True),
    _text("actor"),
    _int("created_ms"),
    UniqueConstraint("plan", "effective_from"),
    CheckConstraint(
        "annual_fee_micros >= 0 AND credit_micros >= 0 AND minutes >= 0", name="not_negative"
    ),
)

_RUNNING = text("state IN ('active', 'unpaid')")
_SCHEDULED = text("state = 'scheduled'")
_LIVE = text("state IN ('scheduled', 'active', 'unpaid')")

plan_subscription = Table(
    "plan_subscription",
    metadata,
    _row_id(),
    _text("customer", ForeignKey("customer.id")),
    _text("plan", ForeignKey("plan.id")),
    _small("version"),
    _small("years"),
    _text("rhythm"),
    _text("state"),
    _text("first_day"),
    _text("last_day"),
    _text("anchor_day"),
    _small("anchor_grant"),
    _small("grants"),
    _text("next_day", null=True),
    _text("unpaid_day", null=True),
    _small("auto_renew"),
    _small("renew_when_used_up"),
    _int("follows", ForeignKey("plan_subscription.id"), null=True),
    _text("tariff_before", null=True),
    _text("operation_id"),
    _text("actor"),
    _int("created_ms"),
    UniqueConstraint("operation_id"),
    UniqueConstraint("follows"),
    Index(
        "ix_plan_subscription_running",
        "customer",
        unique=True,
        sqlite_where=_RUNNING,
        postgresql_where=_RUNNING,
    ),
    Index(
        "ix_plan_subscription_scheduled",
        "customer",
        unique=True,
        sqlite_where=_SCHEDULED,
        postgresql_where=_SCHEDULED,
    ),
    Index("ix_plan_subscription_due", "next_day", sqlite_where=_LIVE, postgresql_where=_LIVE),
    Index("ix_plan_subscription_customer", "customer"),
)

_OPEN = text("closed_ms IS NULL")

plan_grant = Table(
    "plan_grant",
    metadata,
    _row_id(),
    _int("subscription", ForeignKey("plan_subscription.id")),
    _text("customer"),
    _small("number"),
    _text("first_day"),
    _text("last_day"),
    _int("fee_micros"),
    _int("credit_micros"),
    _int("minutes"),
    _int("created_ms"),
    _int("closed_ms", null=True),
    UniqueConstraint("subscription", "number"),
    Index("ix_plan_grant_open", "last_day", sqlite_where=_OPEN, postgresql_where=_OPEN),
    Index("ix_plan_grant_customer", "customer"),
)

# `used` are totals of the account at that moment: see domain/plan_leftover.
plan_movement = Table(
    "plan_movement",
    metadata,
    _row_id(),
    _int("plan_grant", ForeignKey("plan_grant.id")),
    _text("customer"),
    _text("kind"),
    _int("amount_micros"),
    _int("minutes"),
    _int("used_micros"),
    _int("used_minutes"),
    _small("final"),
    _int("entry", ForeignKey("ledger_entry.id"), null=True),
    _int("created_ms"),
    Index("ix_plan_movement_customer", "customer"),
    Index("ix_plan_movement_grant", "plan_grant"),
)

plan_event = Table(
    "plan_event",
    metadata,
    _row_id(),
    _int("subscription", ForeignKey("plan_subscription.id")),
    _text("customer"),
    _text("event"),
    _text("detail"),
    _text("actor"),
    _text("operation_id"),
    _int("created_ms"),
    UniqueConstraint("operation_id"),
    Index("ix_plan_event_customer", "customer"),
)
