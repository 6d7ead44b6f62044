"""Ledger: reversals, corrections of calls, low-balance events, and keys of requests."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=null)


def _int(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=null, autoincrement=False)


def _row_id() -> sa.Column[int]:
    return sa.Column("id", _ROW_ID, nullable=False, autoincrement=True)


def upgrade() -> None:
    """Tables beside the ledger's own, and who may not change them."""
    # Written out: SQLite adds a reference only together with its column.
    op.execute(
        "ALTER TABLE ledger_entry ADD COLUMN reverses BIGINT"
        " CONSTRAINT fk_ledger_entry_reverses REFERENCES ledger_entry (id)"
    )
    op.add_column(
        "ledger_entry", sa.Column("forced", sa.Integer, nullable=False, server_default="0")
    )
    op.create_index("uq_ledger_entry_reverses", "ledger_entry", ["reverses"], unique=True)
    op.create_index("ix_ledger_entry_account", "ledger_entry", ["account", "created_ms", "id"])
    _tables()
    if op.get_bind().dialect.name == "sqlite":
        for statement in (*_sqlite_guards(), *_SQLITE_EVENTS):
            op.execute(statement)
    else:
        for statement in (*_postgres_guards(), *_POSTGRES_EVENTS):
            op.execute(statement)


def _tables() -> None:
    op.create_table(
        "idempotency_key",
        _text("bearer"),
        _text("key"),
        _text("digest"),
        _int("created_ms"),
        sa.PrimaryKeyConstraint("bearer", "key", name="pk_idempotency_key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "cdr_correction",
        _row_id(),
        _text("call_id"),
        _text("account"),
        _int("ended_ms"),
        _text("tariff"),
        sa.Column("tariff_version", sa.Integer, nullable=False),
        _int("before_micros"),
        _int("after_micros"),
        _int("before_minutes"),
        _int("after_minutes"),
        _text("fee_lines"),
        _text("operation_id"),
        _text("actor"),
        _text("reason"),
        _int("created_ms"),
        sa.PrimaryKeyConstraint("id", name="pk_cdr_correction"),
        sa.UniqueConstraint("operation_id", name="uq_cdr_correction_operation_id"),
    )
    op.create_index("ix_cdr_correction_call", "cdr_correction", ["call_id", "id"])
    op.create_table(
        "account_threshold",
        _text("account"),
        _int("low_micros"),
        _text("actor"),
        _int("set_ms"),
        sa.PrimaryKeyConstraint("account", name="pk_account_threshold"),
    )
    op.create_index("ix_account_threshold_low", "account_threshold", ["low_micros"])
    op.create_table(
        "account_event",
        _row_id(),
        _text("account"),
        _text("event"),
        _int("available_micros"),
        _int("threshold_micros"),
        _int("entry", null=True),
        _int("at_ms"),
        sa.PrimaryKeyConstraint("id", name="pk_account_event"),
    )
    op.create_index("ix_account_event_account", "account_event", ["account", "id"])
    op.create_table(
        "event_reader",
        _text("reader"),
        _int("last_id"),
        sa.PrimaryKeyConstraint("reader", name="pk_event_reader"),
    )


_GUARDED = ("cdr_correction", "account_event")
_WHY = "money rows are kept for ever: post a reversal instead"


def _sqlite_guards() -> list[str]:
    return [
        f"CREATE TRIGGER tr_{table}_{name} BEFORE {name.upper()} ON {table}"
        f" BEGIN SELECT RAISE(ABORT, '{table}: {_WHY}'); END"
        for table in _GUARDED
        for name in ("update", "delete")
    ]


def _postgres_guards() -> list[str]:
    return [
        f"CREATE TRIGGER tr_{table}_{name} BEFORE {name.upper()} ON {table}"
        f" FOR EACH {each} EXECUTE FUNCTION refuse_change()"
        for table in _GUARDED
        for name, each in (("update", "ROW"), ("delete", "ROW"), ("truncate", "STATEMENT"))
    ]


# An account that comes below its thresholds leaves an event in the transaction that takes it
# there, whoever writes: neither a restart nor another process can miss it. Available here is what
# has settled and the credit limit, without the holds of live calls, which come and go.
_FLOOR = "(SELECT CASE billing WHEN 'postpaid' THEN credit_limit_micros ELSE 0 END FROM customer"
_SQLITE_NOW = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
_POSTGRES_NOW = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"


def _crossings(account: str, before: str, after: str, now: str) -> str:
    """Insert an event for each threshold that lies between available money before and after."""
    at = "SELECT max(created_ms) FROM ledger_entry WHERE account = {account}"
    entry = (
        "SELECT id FROM ledger_entry WHERE account = {account}"
        " ORDER BY created_ms DESC, id DESC LIMIT 1"
    )
    low = (
        "coalesce((SELECT low_micros FROM account_threshold WHERE account = {account}),"
        " (SELECT low_micros FROM account_threshold WHERE account = ''), 0)"
    )
    told = "low_balance"
    return "".join(
        (
            "INSERT INTO account_event"
            " (account, event, available_micros, threshold_micros, entry, at_ms)"
            " SELECT {account}, line.event, line.after_micros, line.low,"
            f" ({entry}), coalesce(({at}), {now})",
            f" FROM (SELECT '{told}' AS event, {before} AS before_micros,"
            f" {after} AS after_micros, {low} AS low, {low} AS edge",
            f" UNION ALL SELECT 'zero_balance', {before}, {after}, 0, 1) AS line",
            " WHERE line.before_micros >= line.edge AND line.after_micros < line.edge",
            " AND line.edge > 0",
        )
    ).replace("{account}", account)


def _moved(now: str) -> str:
    floor = f"coalesce({_FLOOR} WHERE id = NEW.id), 0)"
    before, after = f"OLD.settled_micros + {floor}", f"NEW.settled_micros + {floor}"
    return _crossings("NEW.id", before, after, now)


def _limited(now: str) -> str:
    """The credit limit of a customer has changed."""
    settled = "coalesce((SELECT settled_micros FROM account WHERE id = NEW.id), 0)"
    limit = "CASE {row}.billing WHEN 'postpaid' THEN {row}.credit_limit_micros ELSE 0 END"
    before, after = (f"{settled} + {limit.replace('{row}', row)}" for row in ("OLD", "NEW"))
    return _crossings("NEW.id", before, after, now)


# Most calls leave their account above every threshold: for them it ends here. A credit limit only
# raises what is available, so that settled money above all thresholds crosses none.
_HIGHEST = "coalesce((SELECT max(low_micros) FROM account_threshold), 0)"

_SQLITE_EVENTS = (
    "CREATE TRIGGER tr_account_event AFTER UPDATE OF settled_micros ON account"
    " WHEN NEW.settled_micros < OLD.settled_micros"
    f" AND NEW.settled_micros < max(1, {_HIGHEST})"
    f" BEGIN {_moved(_SQLITE_NOW)}; END",
    "CREATE TRIGGER tr_customer_event AFTER UPDATE OF billing, credit_limit_micros ON customer"
    f" BEGIN {_limited(_SQLITE_NOW)}; END",
)
_POSTGRES_EVENTS = (
    "CREATE FUNCTION note_account_crossing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    f" IF NEW.settled_micros < greatest(1, {_HIGHEST}) THEN {_moved(_POSTGRES_NOW)}; END IF;"
    " RETURN NULL; END $$",
    "CREATE FUNCTION note_limit_crossing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    f" {_limited(_POSTGRES_NOW)}; RETURN NULL; END $$",
    "CREATE TRIGGER tr_account_event AFTER UPDATE OF settled_micros ON account FOR EACH ROW"
    " WHEN (NEW.settled_micros < OLD.settled_micros) EXECUTE FUNCTION note_account_crossing()",
    "CREATE TRIGGER tr_customer_event AFTER UPDATE OF billing, credit_limit_micros ON customer"
    " FOR EACH ROW EXECUTE FUNCTION note_limit_crossing()",
)
