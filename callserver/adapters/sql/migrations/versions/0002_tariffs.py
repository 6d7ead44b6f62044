"""Tariffs: increments by the names the trade uses."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Rename the increments."""
    op.alter_column("tariff_version", "increment_first_s", new_column_name="initial_increment_s")
    op.alter_column("tariff_version", "increment_next_s", new_column_name="increment_s")
