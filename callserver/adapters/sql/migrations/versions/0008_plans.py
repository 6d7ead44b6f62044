"""Plans: catalogue, subscriptions, what they grant, and what becomes of it."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_LIVE = "state IN ('scheduled', 'active', 'unpaid')"
# table → columns that may not be updated (empty: none of them)
_KEPT = {
    "plan_version": "",
    "plan_movement": "",
    "plan_event": "",
    "plan_grant": "subscription, customer, number, first_day, last_day, fee_micros, credit_micros,"
    " minutes, created_ms",
}


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


def _index(table: str, name: str, column: str, where: str = "", *, unique: bool = False) -> None:
    only = sa.text(where) if where else None
    op.create_index(
        f"ix_{table}_{name}",
        table,
        [column],
        unique=unique,
        sqlite_where=only,
        postgresql_where=only,
    )


def upgrade() -> None:
    """New tables; what was granted and what happened may not be changed afterwards."""
    _catalogue()
    _subscriptions()
    _grants()
    for table, columns in _KEPT.items():
        _guard(table, columns)


def _catalogue() -> None:
    op.create_table("plan", _text("id"), _text("name"), _key("plan", "id"))
    op.create_table(
        "plan_version",
        _text("plan"),
        _small("version"),
        _text("effective_from"),
        _int("annual_fee_micros"),
        _int("credit_micros"),
        _int("minutes"),
        _text("rhythm"),
        _text("tariff", null=True),
        _text("actor"),
        _int("created_ms"),
        _key("plan_version", "plan", "version"),
        _refers("plan_version", "plan", "plan.id"),
        _refers("plan_version", "tariff", "tariff.id"),
        _unique("plan_version", "plan", "effective_from"),
        sa.CheckConstraint(
            "annual_fee_micros >= 0 AND credit_micros >= 0 AND minutes >= 0",
            name=op.f("ck_plan_version_not_negative"),
        ),
    )


def _subscriptions() -> None:
    table = "plan_subscription"
    op.create_table(
        table,
        _row_id(),
        _text("customer"),
        _text("plan"),
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
        _int("follows", null=True),
        _text("tariff_before", null=True),
        _text("operation_id"),
        _text("actor"),
        _int("created_ms"),
        _key(table, "id"),
        _refers(table, "customer", "customer.id"),
        _refers(table, "plan", "plan.id"),
        _refers(table, "follows", "plan_subscription.id"),
        _unique(table, "operation_id"),
        _unique(table, "follows"),
    )
    _index(table, "running", "customer", "state IN ('active', 'unpaid')", unique=True)
    _index(table, "scheduled", "customer", "state = 'scheduled'", unique=True)
    _index(table, "due", "next_day", _LIVE)
    _index(table, "customer", "customer")
    op.create_table(
        "plan_event",
        _row_id(),
        _int("subscription"),
        _text("customer"),
        _text("event"),
        _text("detail"),
        _text("actor"),
        _text("operation_id"),
        _int("created_ms"),
        _key("plan_event", "id"),
        _refers("plan_event", "subscription", "plan_subscription.id"),
        _unique("plan_event", "operation_id"),
    )
    _index("plan_event", "customer", "customer")


def _grants() -> None:
    op.create_table(
        "plan_grant",
        _row_id(),
        _int("subscription"),
        _text("customer"),
        _small("number"),
        _text("first_day"),
        _text("last_day"),
        _int("fee_micros"),
        _int("credit_micros"),
        _int("minutes"),
        _int("created_ms"),
        _int("closed_ms", null=True),
        _key("plan_grant", "id"),
        _refers("plan_grant", "subscription", "plan_subscription.id"),
        _unique("plan_grant", "subscription", "number"),
    )
    _index("plan_grant", "open", "last_day", "closed_ms IS NULL")
    _index("plan_grant", "customer", "customer")
    op.create_table(
        "plan_movement",
        _row_id(),
        _int("plan_grant"),
        _text("customer"),
        _text("kind"),
        _int("amount_micros"),
        _int("minutes"),
        _int("used_micros"),
        _int("used_minutes"),
        _small("final"),
        _int("entry", null=True),
        _int("created_ms"),
        _key("plan_movement", "id"),
        _refers("plan_movement", "plan_grant", "plan_grant.id"),
        _refers("plan_movement", "entry", "ledger_entry.id"),
    )
    _index("plan_movement", "customer", "customer")
    _index("plan_movement", "grant", "plan_grant")


def _guard(table: str, columns: str) -> None:
    """No update of these, no delete; on PostgreSQL by the function that guards the ledger."""
    of = f" OF {columns}" if columns else ""
    if op.get_bind().dialect.name == "sqlite":
        for name, moment in (("update", f"UPDATE{of}"), ("delete", "DELETE")):
            op.execute(
                f"CREATE TRIGGER tr_{table}_{name} BEFORE {moment} ON {table}"
                f" BEGIN SELECT RAISE(ABORT, '{table}: kept for ever'); END"
            )
        return
    for name, moment, each in (
        ("update", f"UPDATE{of}", "ROW"),
        ("delete", "DELETE", "ROW"),
        ("truncate", "TRUNCATE", "STATEMENT"),
    ):
        op.execute(
            f"CREATE TRIGGER tr_{table}_{name} BEFORE {moment} ON {table}"
            f" FOR EACH {each} EXECUTE FUNCTION refuse_change()"
        )
