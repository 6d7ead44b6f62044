"""Providers' commissions; callers by month, what is left of them, disputes that keep them."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=null)


def _int(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=null, autoincrement=False)


def upgrade() -> None:
    """Add them; on PostgreSQL callers get partitions, which can be dropped whole."""
    op.add_column("provider", _text("commission", null=True))
    _commissions()
    _retention()
    if op.get_bind().dialect.name == "postgresql":
        _partition_callers()


def _commissions() -> None:
    op.create_table(
        "commission",
        _text("provider"),
        _text("month"),
        sa.Column("part", sa.Integer, nullable=False, autoincrement=False),
        _text("terms", null=True),
        _text("parent", null=True),
        _int("calls"),
        _int("fees_micros"),
        _int("cost_micros"),
        _int("earned_micros"),
        _int("amount_micros"),
        _text("operation_id"),
        _text("actor"),
        _int("posted_ms"),
        sa.PrimaryKeyConstraint("provider", "month", "part", name="pk_commission"),
    )
    for statement in _commission_guards(on_postgres=op.get_bind().dialect.name == "postgresql"):
        op.execute(statement)


def _commission_guards(*, on_postgres: bool) -> list[str]:
    """What was posted is corrected by a further part, never changed."""
    if on_postgres:
        return [
            f"CREATE TRIGGER tr_commission_{name} BEFORE {name.upper()} ON commission"
            f" FOR EACH {each} EXECUTE FUNCTION refuse_change()"
            for name, each in (("update", "ROW"), ("delete", "ROW"), ("truncate", "STATEMENT"))
        ]
    return [
        f"CREATE TRIGGER tr_commission_{name} BEFORE {name.upper()} ON commission BEGIN"
        " SELECT RAISE(ABORT, 'commission: money rows are kept for ever:"
        " post a reversal instead'); END"
        for name in ("update", "delete")
    ]


def _retention() -> None:
    op.create_table(
        "caller_day",
        _text("day"),
        _text("did"),
        _text("customer"),
        _text("province"),
        _text("area_code"),
        _int("calls"),
        _int("answered"),
        _int("billsec"),
        _int("billed_s"),
        _int("fee_micros"),
        _int("charged_micros"),
        sa.PrimaryKeyConstraint(
            "day", "did", "customer", "province", "area_code", name="pk_caller_day"
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "cdr_dispute",
        _text("call_id"),
        _int("ended_ms"),
        _text("note"),
        _text("actor"),
        _int("opened_ms"),
        _int("closed_ms", null=True),
        sa.PrimaryKeyConstraint("call_id", name="pk_cdr_dispute"),
    )
    op.create_index("ix_cdr_dispute_ended", "cdr_dispute", ["ended_ms"])


def _partition_callers() -> None:
    """What is there becomes the default partition as it stands: however much it is, nothing is
    copied. Months from now on have tables of their own."""
    op.execute("ALTER TABLE cdr_caller RENAME TO cdr_caller_default")
    op.execute(
        "ALTER TABLE cdr_caller_default RENAME CONSTRAINT pk_cdr_caller TO pk_cdr_caller_default"
    )
    op.create_table(
        "cdr_caller",
        _int("ended_ms"),
        _text("call_id"),
        _text("number"),
        _text("kind"),
        _text("province", null=True),
        _text("city", null=True),
        _text("area_code", null=True),
        sa.PrimaryKeyConstraint("ended_ms", "call_id", name="pk_cdr_caller"),
        postgresql_partition_by="RANGE (ended_ms)",
    )
    op.execute("ALTER TABLE cdr_caller ATTACH PARTITION cdr_caller_default DEFAULT")
