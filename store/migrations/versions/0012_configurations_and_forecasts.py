"""Configured items, and what sales expect instead of a forecast."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def upgrade() -> None:
    op.create_table(
        "configured_items",
        _text("code"),
        _text("template"),
        _text("model"),
        _text("content"),
        _moment("made_at"),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_configured_items")),
    )
    op.create_table(
        "forecast_overrides",
        sa.Column("position", POSITION, autoincrement=True, nullable=False),
        _text("item"),
        _text("month"),
        sa.Column("quantity", sa.Text(), nullable=True),
        _text("actor"),
        _text("reason"),
        _moment("at"),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_forecast_overrides")),
    )
    op.create_index(op.f("ix_forecast_overrides_item_month"), "forecast_overrides", ["item", "month"])


def downgrade() -> None:
    op.drop_index(op.f("ix_forecast_overrides_item_month"), table_name="forecast_overrides")
    op.drop_table("forecast_overrides")
    op.drop_table("configured_items")
