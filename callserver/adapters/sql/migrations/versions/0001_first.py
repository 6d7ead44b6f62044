"""The first tables: business data, ledger, CDRs, API tokens.

Frozen: a later change is a later migration. There is no way down, because money rows are never
deleted; restore a backup instead.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_NUMBERED = sa.text("seq IS NOT NULL")


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=null)


def _int(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=null, autoincrement=False)


def _small(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=null, autoincrement=False)


def _row_id() -> sa.Column[int]:
    return sa.Column("id", _ROW_ID, nullable=False, autoincrement=True)


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def _refers(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}")


def upgrade() -> None:
    """Create everything on an empty database."""
    _business()
    _numbers()
    _ledger()
    _cdrs()
    op.create_table(
        "api_token",
        _row_id(),
        _text("digest"),
        _text("scope"),
        _text("subject"),
        _text("label"),
        _int("created_ms"),
        _int("revoked_ms", null=True),
        _key("api_token", "id"),
        sa.UniqueConstraint("digest", name="uq_api_token_digest"),
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute(_SQLITE_SUM)
        _sqlite_guards()
    else:
        for statement in _POSTGRES_SUM:
            op.execute(statement)
        _postgres_guards()


def _business() -> None:
    op.create_table(
        "catalogue_version",
        _small("id"),
        _int("version"),
        _key("catalogue_version", "id"),
        sa.CheckConstraint("id = 1", name=op.f("ck_catalogue_version_one_row")),
    )
    op.execute("INSERT INTO catalogue_version (id, version) VALUES (1, 0)")
    op.create_table(
        "provider",
        _text("id"),
        _text("name"),
        _text("parent", null=True),
        _key("provider", "id"),
        _refers("provider", "parent", "provider.id"),
    )
    op.create_table("tariff", _text("id"), _key("tariff", "id"))
    op.create_table(
        "tariff_version",
        _text("tariff"),
        _small("version"),
        _int("effective_from_ms"),
        _int("rate_micros"),
        _int("increment_first_s"),
        _int("increment_next_s"),
        _int("connection_fee_micros"),
        _int("minimum_charge_micros"),
        _int("free_s"),
        _int("precision_micros"),
        _key("tariff_version", "tariff", "version"),
        _refers("tariff_version", "tariff", "tariff.id"),
        sa.UniqueConstraint(
            "tariff", "effective_from_ms", name="uq_tariff_version_tariff_effective_from_ms"
        ),
    )
    op.create_table(
        "customer",
        _text("id"),
        _text("name"),
        _text("provider"),
        _text("tariff"),
        _text("billing"),
        _int("credit_limit_micros"),
        _int("local_allowance_micros"),
        _key("customer", "id"),
        _refers("customer", "provider", "provider.id"),
        _refers("customer", "tariff", "tariff.id"),
    )


def _numbers() -> None:
    op.create_table(
        "did",
        _text("number"),
        _text("customer"),
        _text("state"),
        _small("calls_max"),
        _text("tariff", null=True),
        _key("did", "number"),
        _refers("did", "customer", "customer.id"),
        _refers("did", "tariff", "tariff.id"),
    )
    op.create_table(
        "destination",
        _text("did"),
        _small("position"),
        _text("number"),
        _text("trunk"),
        _small("ring_s"),
        _small("calls_max"),
        _key("destination", "did", "position"),
        _refers("destination", "did", "did.number"),
    )
    op.create_table(
        "blacklist",
        _text("customer"),
        _text("did"),
        _text("kind"),
        _text("value"),
        _key("blacklist", "customer", "did", "kind", "value"),
        _refers("blacklist", "customer", "customer.id"),
    )


def _ledger() -> None:
    op.create_table(
        "account", _text("id"), _int("seq"), _int("settled_micros"), _key("account", "id")
    )
    op.create_table(
        "ledger_entry",
        _row_id(),
        _text("account"),
        _text("kind"),
        _int("amount_micros"),
        _int("seq", null=True),
        _text("operation_id"),
        _text("call_id", null=True),
        _text("actor"),
        _text("reason"),
        _int("created_ms"),
        _key("ledger_entry", "id"),
        _refers("ledger_entry", "account", "account.id"),
        sa.UniqueConstraint("operation_id", name="uq_ledger_entry_operation_id"),
        sa.CheckConstraint(
            "(kind = 'call') = (seq IS NULL)", name=op.f("ck_ledger_entry_calls_have_no_seq")
        ),
    )
    op.create_index(
        "ix_ledger_entry_seq",
        "ledger_entry",
        ["account", "seq"],
        unique=True,
        sqlite_where=_NUMBERED,
        postgresql_where=_NUMBERED,
    )
    op.create_index(
        "ix_ledger_entry_feed",
        "ledger_entry",
        ["id"],
        sqlite_where=_NUMBERED,
        postgresql_where=_NUMBERED,
    )


def _cdrs() -> None:
    op.create_table(
        "cdr_key",
        _text("token_hash"),
        _int("ended_ms"),
        _key("cdr_key", "token_hash"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "cdr",
        _int("ended_ms"),
        _text("token_hash"),
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
        _small("tariff_version", null=True),
        _int("fee_micros"),
        _int("charged_micros"),
        _int("written_off_micros"),
        _text("fee_lines"),
        _text("disposition"),
        _text("refusal", null=True),
        _small("hangup_cause"),
        _text("hung_up_by"),
        _text("end_source"),
        _key("cdr", "ended_ms", "token_hash"),
        postgresql_partition_by="RANGE (ended_ms)",
    )
    op.create_index("ix_cdr_customer", "cdr", ["customer", "ended_ms"])
    op.create_index("ix_cdr_did", "cdr", ["did", "ended_ms"])
    op.create_table(
        "cdr_caller",
        _int("ended_ms"),
        _text("call_id"),
        _text("number"),
        _text("kind"),
        _text("province", null=True),
        _text("city", null=True),
        _text("area_code", null=True),
        _key("cdr_caller", "ended_ms", "call_id"),
        sqlite_with_rowid=False,
    )


# An account's sum moves with its entries, whoever inserts them: it can't be forgotten.
_SQLITE_SUM = (
    "CREATE TRIGGER tr_ledger_entry_sum AFTER INSERT ON ledger_entry BEGIN"
    " UPDATE account SET settled_micros = settled_micros + NEW.amount_micros"
    " WHERE id = NEW.account; END"
)
# Once per statement, so that a batch updates each account once; the rows are locked in order
# first, or two processes writing for the same accounts could deadlock.
_POSTGRES_SUM = (
    "CREATE FUNCTION add_to_sums() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " PERFORM 1 FROM account WHERE id IN (SELECT account FROM added) ORDER BY id FOR UPDATE;"
    " UPDATE account SET settled_micros = settled_micros + sums.micros FROM"
    " (SELECT account, sum(amount_micros)::bigint AS micros FROM added GROUP BY account) AS sums"
    " WHERE account.id = sums.account; RETURN NULL; END $$",
    "CREATE TRIGGER tr_ledger_entry_sum AFTER INSERT ON ledger_entry"
    " REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION add_to_sums()",
)

# What may never change: table → columns that may not be updated (empty: none of them).
_KEPT = {
    "ledger_entry": "",
    "cdr_key": "",
    "cdr": "ended_ms, token_hash, call_id, account, arrived_ms, rang_ms, answered_ms, billsec,"
    " billed_s, tariff, tariff_version, fee_micros, charged_micros, written_off_micros, fee_lines",
}
_WHY = "money rows are kept for ever: post a reversal instead"


def _sqlite_guards() -> None:
    for table, columns in _KEPT.items():
        of = f" OF {columns}" if columns else ""
        for name, moment in (("update", f"UPDATE{of}"), ("delete", "DELETE")):
            op.execute(
                f"CREATE TRIGGER tr_{table}_{name} BEFORE {moment} ON {table}"
                f" BEGIN SELECT RAISE(ABORT, '{table}: {_WHY}'); END"
            )


def _postgres_guards() -> None:
    op.execute("CREATE TABLE cdr_default PARTITION OF cdr DEFAULT")
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" RAISE EXCEPTION '%: {_WHY}', TG_TABLE_NAME"
        " USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    for table, columns in _KEPT.items():
        of = f" OF {columns}" if columns else ""
        for name, moment, each in (
            ("update", f"UPDATE{of}", "ROW"),
            ("delete", "DELETE", "ROW"),
            ("truncate", "TRUNCATE", "STATEMENT"),
        ):
            op.execute(
                f"CREATE TRIGGER tr_{table}_{name} BEFORE {moment} ON {table}"
                f" FOR EACH {each} EXECUTE FUNCTION refuse_change()"
            )
