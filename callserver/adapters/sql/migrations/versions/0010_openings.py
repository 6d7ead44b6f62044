"""What was chosen with a number, and what has become of it since the number opened.

Numbers that are open already get no rows: nobody is charged today for what was noted long ago.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "opening_item",
        sa.Column("application", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("application", "kind", "name", name="pk_opening_item"),
        sa.ForeignKeyConstraint(
            ["application"], ["number_application.id"], name="fk_opening_item_application"
        ),
    )
    op.create_index("ix_opening_item_state", "opening_item", ["state", "application"])
