"""Notices go out over channels."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("notices", sa.Column("urgent", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_table(
        "notice_deliveries",
        sa.Column("notice", POSITION, nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("escalated_from", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["notice"], ["notices.position"], name=op.f("fk_notice_deliveries_notice")),
        sa.PrimaryKeyConstraint("notice", "audience", "channel", name=op.f("pk_notice_deliveries")),
    )
    op.create_index("ix_notice_deliveries_state", "notice_deliveries", ["state", "channel", "notice"], unique=False)
    op.create_index("ix_notice_deliveries_sent", "notice_deliveries", ["channel", "sent_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_notice_deliveries_sent", table_name="notice_deliveries")
    op.drop_index("ix_notice_deliveries_state", table_name="notice_deliveries")
    op.drop_table("notice_deliveries")
    op.drop_column("notices", "urgent")
