"""The few records an event brings stand in their manifest row: no file to write, sync and name for each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("landings", sa.Column("content", sa.Text(), nullable=True))


def downgrade() -> None:
    """Landings without a file would be lost: what they hold comes again with a pull of everything."""
    op.execute("DELETE FROM landings WHERE content IS NOT NULL")
    op.execute("UPDATE watermarks SET value = NULL")
    with op.batch_alter_table("landings") as table:
        table.drop_column("content")
