"""Tariffs: increments by the names the trade uses, caps, bands, defaults of providers, holidays.

A version of a tariff and its bands are one row, which the database never lets change.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_WHY = "tariff versions are kept for ever: import a new version instead"


def upgrade() -> None:
    """Change the tables, then guard the versions."""
    op.alter_column("tariff_version", "increment_first_s", new_column_name="initial_increment_s")
    op.alter_column("tariff_version", "increment_next_s", new_column_name="increment_s")
    op.add_column("tariff_version", sa.Column("cap_micros", sa.BigInteger, nullable=True))
    op.add_column(
        "tariff_version", sa.Column("bands", sa.Text, nullable=False, server_default="[]")
    )
    op.add_column("customer", sa.Column("precision_micros", sa.BigInteger, nullable=True))
    op.create_table(
        "holiday",
        sa.Column("day", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("day", name="pk_holiday"),
    )
    if op.get_bind().dialect.name == "sqlite":
        _sqlite()
    else:
        _postgres()


def _sqlite() -> None:
    for column in ("tariff", "cost_tariff"):
        name = f"fk_provider_{column}"
        op.execute(
            f"ALTER TABLE provider ADD COLUMN {column} TEXT CONSTRAINT {name} REFERENCES tariff(id)"
        )
    _let_customers_do_without()
    for name, moment in (("update", "UPDATE"), ("delete", "DELETE")):
        op.execute(
            f"CREATE TRIGGER tr_tariff_version_{name} BEFORE {moment} ON tariff_version"
            f" BEGIN SELECT RAISE(ABORT, 'tariff_version: {_WHY}'); END"
        )


def _let_customers_do_without() -> None:
    """Drop a NOT NULL as SQLite's manual has it ("Making Other Kinds Of Table Schema Changes").

    Copying the table would break the foreign keys that point at it, inside a transaction.
    """
    version = op.get_bind().scalar(sa.text("PRAGMA schema_version"))
    op.execute("PRAGMA writable_schema = ON")
    op.execute(
        "UPDATE sqlite_schema SET sql = replace(sql, 'tariff TEXT NOT NULL', 'tariff TEXT')"
        " WHERE type = 'table' AND name = 'customer'"
    )
    op.execute(f"PRAGMA schema_version = {version + 1}")
    op.execute("PRAGMA writable_schema = OFF")


def _postgres() -> None:
    for column in ("tariff", "cost_tariff"):
        op.add_column("provider", sa.Column(column, sa.Text, nullable=True))
        op.create_foreign_key(f"fk_provider_{column}", "provider", "tariff", [column], ["id"])
    op.alter_column("customer", "tariff", nullable=True)
    op.execute(
        "CREATE FUNCTION refuse_tariff_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" RAISE EXCEPTION '%: {_WHY}', TG_TABLE_NAME"
        " USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    for name, moment, each in (
        ("update", "UPDATE", "ROW"),
        ("delete", "DELETE", "ROW"),
        ("truncate", "TRUNCATE", "STATEMENT"),
    ):
        op.execute(
            f"CREATE TRIGGER tr_tariff_version_{name} BEFORE {moment} ON tariff_version"
            f" FOR EACH {each} EXECUTE FUNCTION refuse_tariff_change()"
        )
