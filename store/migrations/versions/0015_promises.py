"""Promises that were accepted, and what they hold."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.columns import StrictJson, UtcDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "promises",
        sa.Column("position", POSITION, autoincrement=True, nullable=False),
        _text("key"),
        _text("item"),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("wanted", sa.Date(), nullable=False),
        sa.Column("promised", sa.Date(), nullable=False),
        _text("customer", nullable=True),
        sa.Column("held", StrictJson(), nullable=False),
        _text("state"),
        _text("accepted_by"),
        sa.Column("accepted_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", UtcDateTime(timezone=True), nullable=True),
        _text("ended_by", nullable=True),
        sa.Column("ended_at", UtcDateTime(timezone=True), nullable=True),
        _text("note", nullable=True),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_promises")),
    )
    op.create_index("ix_promises_open_key", "promises", ["key"], unique=True, sqlite_where=sa.text("state = 'open'"),
                    postgresql_where=sa.text("state = 'open'"))  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_promises_open_key", table_name="promises")
    op.drop_table("promises")
