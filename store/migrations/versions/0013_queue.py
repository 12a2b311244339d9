"""The stewards' queue, kept in the order in which it is worked through."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def upgrade() -> None:
    op.create_table(
        "queue_items",
        _text("item"),
        _text("entity"),
        _text("kind"),
        _text("place"),
        sa.Column("documents", sa.Integer(), nullable=False),
        sa.Column("stock_value", sa.BigInteger(), nullable=False),
        _text("searched"),
        _text("content"),
        sa.PrimaryKeyConstraint("item", name=op.f("pk_queue_items")),
    )
    op.create_index("ix_queue_items_place", "queue_items", ["place"], unique=False)
    op.create_index("ix_queue_items_kind", "queue_items", ["entity", "kind", "place"], unique=False)
    op.create_table(
        "queue_places",
        _text("entity"),
        _text("golden_id"),
        _text("item"),
        sa.PrimaryKeyConstraint("entity", "golden_id", "item", name=op.f("pk_queue_places")),
    )
    op.create_index("ix_queue_places_item", "queue_places", ["item"], unique=False)
    marks = op.create_table(
        "queue_marks",
        sa.Column("position", POSITION, autoincrement=True, nullable=False),
        _text("entity"),
        _text("about"),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_queue_marks")),
    )
    op.bulk_insert(marks, [{"entity": "*", "about": "*"}])  # whatever waits already is found when the queue is read


def downgrade() -> None:
    for table in ("queue_marks", "queue_places", "queue_items"):
        op.drop_table(table)
