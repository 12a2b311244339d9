"""What command of ours an event follows from, and how long the chain of such events is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("change_events") as batch:
        batch.add_column(sa.Column("cause", sa.Text()))
        batch.add_column(sa.Column("hops", sa.Integer(), nullable=False, server_default=sa.text("0")))


def downgrade() -> None:
    with op.batch_alter_table("change_events") as batch:
        batch.drop_column("hops")
        batch.drop_column("cause")
