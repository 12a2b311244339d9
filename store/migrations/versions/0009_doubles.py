"""Documents that stand twice in a target, and how far each target has been read back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.columns import StrictJson, UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "doubles",
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("business_key", sa.Text(), nullable=False),
        sa.Column("native_ids", StrictJson(), nullable=False),
        sa.Column("found_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("gone_at", UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("system", "kind", "business_key", name=op.f("pk_doubles")),
    )
    op.create_table(
        "read_backs",
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("until", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("system", name=op.f("pk_read_backs")),
    )
    op.create_index(op.f("ix_outbox_updated"), "outbox", ["system", "updated_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_outbox_updated"), table_name="outbox")
    op.drop_table("read_backs")
    op.drop_table("doubles")
