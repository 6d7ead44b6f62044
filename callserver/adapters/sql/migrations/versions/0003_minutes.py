"""Included minutes beside the money: in entries, in accounts' sums, in CDRs; and calls' cost."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _int(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default="0")


def upgrade() -> None:
    """Add the columns; sum and guard them like those of money."""
    op.add_column("ledger_entry", _int("minutes"))
    op.add_column("account", _int("settled_minutes"))
    op.add_column("cdr", _int("included_minutes"))
    op.add_column("cdr", sa.Column("cost_micros", sa.BigInteger, nullable=True))
    on_postgres = op.get_bind().dialect.name == "postgresql"
    for statement in _POSTGRES if on_postgres else _SQLITE:
        op.execute(statement)


_KEPT = (
    "ended_ms, token_hash, call_id, account, arrived_ms, rang_ms, answered_ms, billsec, billed_s,"
    " tariff, tariff_version, fee_micros, charged_micros, written_off_micros, fee_lines,"
    " included_minutes, cost_micros"
)
_WHY = "cdr: money rows are kept for ever: post a reversal instead"

_SQLITE = (
    "DROP TRIGGER tr_ledger_entry_sum",
    "CREATE TRIGGER tr_ledger_entry_sum AFTER INSERT ON ledger_entry BEGIN"
    " UPDATE account SET settled_micros = settled_micros + NEW.amount_micros,"
    " settled_minutes = settled_minutes + NEW.minutes WHERE id = NEW.account; END",
    "DROP TRIGGER tr_cdr_update",
    f"CREATE TRIGGER tr_cdr_update BEFORE UPDATE OF {_KEPT} ON cdr"
    f" BEGIN SELECT RAISE(ABORT, '{_WHY}'); END",
)
# NO KEY: the entries' references hold FOR KEY SHARE by now, and two that want to be stronger than
# the other's share would wait for each other.
_POSTGRES = (
    "CREATE OR REPLACE FUNCTION add_to_sums() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " PERFORM 1 FROM account WHERE id IN (SELECT account FROM added) ORDER BY id FOR NO KEY UPDATE;"
    " UPDATE account SET settled_micros = settled_micros + sums.micros,"
    " settled_minutes = settled_minutes + sums.minutes FROM"
    " (SELECT account, sum(amount_micros)::bigint AS micros, sum(minutes)::bigint AS minutes"
    " FROM added GROUP BY account) AS sums"
    " WHERE account.id = sums.account; RETURN NULL; END $$",
    "DROP TRIGGER tr_cdr_update ON cdr",
    f"CREATE TRIGGER tr_cdr_update BEFORE UPDATE OF {_KEPT} ON cdr"
    " FOR EACH ROW EXECUTE FUNCTION refuse_change()",
)
