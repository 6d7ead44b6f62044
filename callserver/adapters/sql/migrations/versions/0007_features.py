"""[R2] Features: catalogue, activations, deductions and what was said about them."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_OPEN = sa.text("state IN ('active', 'suspended')")
_FIRST = sa.text("reverses IS NULL")
_APPEND_ONLY = ("feature_version", "feature_event", "deduction", "deduction_note")


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=null)


def _int(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=null, autoincrement=False)


def _small(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, autoincrement=False)


def _row_id() -> sa.Column[int]:
    return sa.Column("id", _ROW_ID, nullable=False, autoincrement=True)


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def _refers(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}")


def _unique(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=f"uq_{table}_{'_'.join(columns)}")


def upgrade() -> None:
    """New tables; those that hold what happened may not be changed afterwards."""
    _catalogue()
    _activations()
    _deductions()
    for table in _APPEND_ONLY:
        _guard(table)
    _guard_customers()


def _catalogue() -> None:
    op.create_table("feature", _text("id"), _text("name"), _text("cycle"), _key("feature", "id"))
    op.create_table(
        "feature_version",
        _text("feature"),
        _small("version"),
        _text("effective_from"),
        _int("fee_micros"),
        _text("actor"),
        _int("created_ms"),
        _key("feature_version", "feature", "version"),
        _refers("feature_version", "feature", "feature.id"),
        _unique("feature_version", "feature", "effective_from"),
        sa.CheckConstraint("fee_micros >= 0", name=op.f("ck_feature_version_fee_is_a_fee")),
    )


def _activations() -> None:
    table = "feature_activation"
    op.create_table(
        table,
        _row_id(),
        _text("did"),
        _text("customer"),
        _text("provider"),
        _text("feature"),
        _text("cycle"),
        _text("state"),
        _text("anchor_day"),
        _small("anchor_period"),
        _small("periods"),
        _text("next_day", null=True),
        _text("suspended_day", null=True),
        _text("operation_id"),
        _text("actor"),
        _int("created_ms"),
        _int("ended_ms", null=True),
        _key(table, "id"),
        _refers(table, "feature", "feature.id"),
        _unique(table, "operation_id"),
    )
    op.create_index(
        f"ix_{table}_open",
        table,
        ["did", "feature"],
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )
    op.create_index(
        f"ix_{table}_due", table, ["next_day"], sqlite_where=_OPEN, postgresql_where=_OPEN
    )
    op.create_index(f"ix_{table}_customer", table, ["customer"])
    op.create_table(
        "feature_event",
        _row_id(),
        _int("activation"),
        _text("event"),
        _text("detail"),
        _text("actor"),
        _text("operation_id"),
        _int("created_ms"),
        _key("feature_event", "id"),
        _refers("feature_event", "activation", "feature_activation.id"),
        _unique("feature_event", "operation_id"),
    )
    op.create_index("ix_feature_event_activation", "feature_event", ["activation"])


def _deductions() -> None:
    op.create_table(
        "deduction",
        _row_id(),
        _int("activation"),
        _text("provider"),
        _text("customer"),
        _text("did"),
        _text("feature"),
        _small("version"),
        _int("fee_micros"),
        _text("day"),
        _small("period"),
        _text("period_from"),
        _text("period_to", null=True),
        _int("entry"),
        _int("reverses", null=True),
        _text("actor"),
        _int("created_ms"),
        _key("deduction", "id"),
        _refers("deduction", "activation", "feature_activation.id"),
        _refers("deduction", "entry", "ledger_entry.id"),
        _refers("deduction", "reverses", "deduction.id"),
        _unique("deduction", "entry"),
        _unique("deduction", "reverses"),
    )
    op.create_index(
        "ix_deduction_period",
        "deduction",
        ["activation", "period"],
        unique=True,
        sqlite_where=_FIRST,
        postgresql_where=_FIRST,
    )
    op.create_index("ix_deduction_day", "deduction", ["day", "provider"])
    op.create_index("ix_deduction_provider", "deduction", ["provider", "id"])
    op.create_table(
        "deduction_note",
        _row_id(),
        _int("deduction"),
        _text("step"),
        _text("text"),
        _text("actor"),
        _text("operation_id"),
        _int("created_ms"),
        _key("deduction_note", "id"),
        _refers("deduction_note", "deduction", "deduction.id"),
        _unique("deduction_note", "operation_id"),
    )
    op.create_index("ix_deduction_note_deduction", "deduction_note", ["deduction"])


def _guard(table: str) -> None:
    """No update, no delete; on PostgreSQL by the function that guards the ledger."""
    if op.get_bind().dialect.name == "sqlite":
        for moment in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER tr_{table}_{moment.lower()} BEFORE {moment} ON {table}"
                f" BEGIN SELECT RAISE(ABORT, '{table}: kept for ever'); END"
            )
        return
    for moment, each in (("UPDATE", "ROW"), ("DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
        op.execute(
            f"CREATE TRIGGER tr_{table}_{moment.lower()} BEFORE {moment} ON {table}"
            f" FOR EACH {each} EXECUTE FUNCTION refuse_change()"
        )


def _guard_customers() -> None:
    """[R2] a feature fee is never the customer's: the database itself refuses it."""
    rule = "NEW.kind = 'feature_fee' AND NEW.account NOT LIKE 'provider:%'"
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f"CREATE TRIGGER tr_ledger_entry_feature BEFORE INSERT ON ledger_entry WHEN {rule}"
            " BEGIN SELECT RAISE(ABORT, 'feature fees are the provider''s to pay'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION refuse_customers_feature_fee() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN"
        " RAISE EXCEPTION 'feature fees are the provider''s to pay'"
        " USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute(
        "CREATE TRIGGER tr_ledger_entry_feature BEFORE INSERT ON ledger_entry FOR EACH ROW"
        f" WHEN ({rule}) EXECUTE FUNCTION refuse_customers_feature_fee()"
    )
