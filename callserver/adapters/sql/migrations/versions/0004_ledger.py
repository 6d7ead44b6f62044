"""Ledger: keys of requests."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Tables beside the ledger's own."""
    op.create_table(
        "idempotency_key",
        sa.Column("bearer", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("bearer", "key", name="pk_idempotency_key"),
        sqlite_with_rowid=False,
    )
