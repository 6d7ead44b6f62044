"""Months: minimums and their history, the close of months, what it fixed, and notices."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_USAGE = ("calls", "answered", "talk_s", "billed_s", "fee_micros", "charged_micros", "minutes")


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=null)


def _int(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=null, autoincrement=False)


def _usage() -> list[sa.Column[int]]:
    return [_int(name) for name in _USAGE]


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def upgrade() -> None:
    """Create the tables and guard them."""
    _minimums()
    _months()
    _bills()
    # So that what was corrected of a month's calls is found without reading all corrections.
    op.create_index("ix_cdr_correction_month", "cdr_correction", ["ended_ms"])
    on_postgres = op.get_bind().dialect.name == "postgresql"
    for statement in _postgres_guards() if on_postgres else _sqlite_guards():
        op.execute(statement)


def _minimums() -> None:
    op.create_table(
        "minimum_version",
        _text("did"),
        _int("seq"),
        _text("from_month"),
        _int("amount_micros"),
        _int("rate_micros"),
        _int("based_micros"),
        _int("based_rate_micros"),
        _text("change"),
        sa.Column("in_use", sa.Integer, nullable=False),
        _text("operation_id"),
        _text("actor"),
        _text("reason"),
        _int("created_ms"),
        _key("minimum_version", "did", "seq"),
        sa.UniqueConstraint("operation_id", name="uq_minimum_version_operation_id"),
        sqlite_with_rowid=False,
    )


def _months() -> None:
    op.create_table(
        "month_close",
        _text("month"),
        _text("phase"),
        _text("cursor"),
        _text("actor"),
        _int("started_ms"),
        _int("closed_ms", null=True),
        _key("month_close", "month"),
    )
    op.create_table(
        "month_line",
        _text("month"),
        _text("customer"),
        _text("did"),
        _text("provider"),
        *_usage(),
        _int("minimum_micros"),
        _text("standing"),
        _int("shortfall_micros"),
        _key("month_line", "month", "customer", "did"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "month_correction",
        _text("month"),
        _text("customer"),
        _text("did"),
        _int("number"),
        _text("posted_in"),
        _text("provider"),
        *_usage(),
        _int("shortfall_micros"),
        _text("actor"),
        _int("created_ms"),
        _key("month_correction", "month", "customer", "did", "number"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_month_correction_posted_in", "month_correction", ["posted_in", "customer"])


def _bills() -> None:
    op.create_table(
        "bill",
        _text("month"),
        _text("customer"),
        _text("provider"),
        _int("calls_micros"),
        _text("document"),
        _int("created_ms"),
        _key("bill", "month", "customer"),
    )
    op.create_index("ix_bill_customer", "bill", ["customer", "month"])
    op.create_table(
        "notice",
        sa.Column("id", _ROW_ID, nullable=False, autoincrement=True),
        _text("kind"),
        _text("customer"),
        _text("month"),
        _int("fee_micros"),
        _int("mean_micros"),
        _int("factor"),
        _int("raised_ms"),
        _key("notice", "id"),
        sa.UniqueConstraint("kind", "customer", "month", name="uq_notice_kind_customer_month"),
    )


_KEPT = ("minimum_version", "month_line", "month_correction", "bill", "notice")
_SEALED = ("month_line", "bill")
_WHY = "money rows are kept for ever: post a reversal instead"
_CLOSED = "a closed month never reopens"
_WHEN_CLOSED = (
    "WHEN EXISTS (SELECT 1 FROM month_close WHERE month = NEW.month AND phase = 'closed')"
)


def _sqlite_guards() -> list[str]:
    return [
        *(
            f"CREATE TRIGGER tr_{table}_{moment.lower()} BEFORE {moment} ON {table}"
            f" BEGIN SELECT RAISE(ABORT, '{table}: {_WHY}'); END"
            for table in _KEPT
            for moment in ("UPDATE", "DELETE")
        ),
        *(
            f"CREATE TRIGGER tr_{table}_insert BEFORE INSERT ON {table} {_WHEN_CLOSED}"
            f" BEGIN SELECT RAISE(ABORT, '{table}: {_CLOSED}'); END"
            for table in _SEALED
        ),
        "CREATE TRIGGER tr_month_close_update BEFORE UPDATE ON month_close"
        " WHEN OLD.phase = 'closed' OR NEW.month <> OLD.month"
        f" BEGIN SELECT RAISE(ABORT, 'month_close: {_CLOSED}'); END",
        "CREATE TRIGGER tr_month_close_delete BEFORE DELETE ON month_close"
        f" BEGIN SELECT RAISE(ABORT, 'month_close: {_CLOSED}'); END",
    ]


def _postgres_guards() -> list[str]:
    refuse = (
        "LANGUAGE plpgsql AS $$ BEGIN {when}RAISE EXCEPTION '%: {why}', TG_TABLE_NAME"
        " USING ERRCODE = 'integrity_constraint_violation'; {end}RETURN NEW; END $$"
    )
    is_closed = (
        "IF EXISTS (SELECT 1 FROM month_close WHERE month = NEW.month AND phase = 'closed') THEN "
    )
    sealed = refuse.format(when=is_closed, why=_CLOSED, end="END IF; ")
    return [
        "CREATE FUNCTION refuse_reopening() RETURNS trigger "
        + refuse.format(when="", why=_CLOSED, end=""),
        f"CREATE FUNCTION refuse_when_closed() RETURNS trigger {sealed}",
        *(
            f"CREATE TRIGGER tr_{table}_{moment.lower()} BEFORE {moment} ON {table}"
            f" FOR EACH {each} EXECUTE FUNCTION refuse_change()"
            for table in _KEPT
            for moment, each in (("UPDATE", "ROW"), ("DELETE", "ROW"), ("TRUNCATE", "STATEMENT"))
        ),
        *(
            f"CREATE TRIGGER tr_{table}_insert BEFORE INSERT ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_when_closed()"
            for table in _SEALED
        ),
        "CREATE TRIGGER tr_month_close_update BEFORE UPDATE ON month_close FOR EACH ROW"
        " WHEN (OLD.phase = 'closed' OR NEW.month <> OLD.month)"
        " EXECUTE FUNCTION refuse_reopening()",
        "CREATE TRIGGER tr_month_close_delete BEFORE DELETE ON month_close"
        " FOR EACH ROW EXECUTE FUNCTION refuse_reopening()",
        "CREATE TRIGGER tr_month_close_truncate BEFORE TRUNCATE ON month_close"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_reopening()",
    ]
