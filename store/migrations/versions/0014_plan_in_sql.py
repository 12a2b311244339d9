"""The plan that stands in SQL: its rows in tables, and views of them in stocking units and hours."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

VIEWS = {
    "plan_orders": """
        SELECT o.key AS order_key, o.item, o.sourcing, (o.quantity + o.scrap) / 1000000.0 AS quantity,
               o.quantity / 1000000.0 AS good, o.scrap / 1000000.0 AS scrap, o.surplus / 1000000.0 AS surplus,
               o.due, o.release AS release_on, o.start AS start_on, o.expected AS expected_on, o.late,
               o.root AS sales_order_line, o.level, o.supplier
          FROM planned_orders o""",
    "plan_pegging": """
        SELECT p.supply, p.kind, p.consumer, p.root AS sales_order_line, p.item, p.quantity / 1000000.0 AS quantity,
               s.expected AS expected_on, c.start AS needed_on
          FROM plan_pegs p
          LEFT JOIN planned_orders s ON s.key = p.supply
          LEFT JOIN planned_orders c ON c.key = p.consumer""",
    "plan_shortages": """
        SELECT m.item, m.key AS consumer, m.quantity / 1000000.0 AS quantity, m.wanted AS wanted_on,
               m.current AS expected_on, s.reason
          FROM planned_messages m
          LEFT JOIN (SELECT consumer, item, min(reason) AS reason FROM planned_shortages GROUP BY consumer, item) s
            ON s.consumer = m.key AND s.item = m.item
         WHERE m.kind = 'shortage'""",
    "plan_advice": """
        SELECT m.kind, m.item, m.key, m.quantity / 1000000.0 AS quantity, m.current AS current_day,
               m.wanted AS wanted_day
          FROM planned_messages m""",
    "plan_problems": "SELECT p.kind, p.item, p.key, p.detail FROM planned_problems p",
    "plan_load": """
        SELECT l.work_centre, l.week, l.needed / 3600.0 AS needed_hours, l.available / 3600.0 AS available_hours,
               CASE WHEN l.needed > l.available THEN 1 ELSE 0 END AS overloaded
          FROM planned_loads l""",
}


def _number() -> sa.Column[int]:
    return sa.Column("number", sa.Integer(), autoincrement=False, nullable=False)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _amount(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "planned_orders", _number(), _text("key"), _text("item"), _text("sourcing"), _amount("quantity"),
        _amount("surplus"), _amount("scrap"),
        *(sa.Column(name, sa.Date(), nullable=False) for name in ("due", "release", "start", "expected")),
        sa.Column("late", sa.Boolean(), nullable=False), _text("root", nullable=True),
        sa.Column("level", sa.Integer(), nullable=False), _text("supplier", nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_planned_orders")),
    )  # fmt: skip
    op.create_index("ix_planned_orders_key", "planned_orders", ["key"], unique=True)
    op.create_index("ix_planned_orders_item", "planned_orders", ["item"])
    op.create_table(
        "planned_shortages", _number(), _text("consumer"), _text("root", nullable=True), _text("item"),
        _amount("quantity"), _text("reason"), sa.PrimaryKeyConstraint("number", name=op.f("pk_planned_shortages")),
    )  # fmt: skip
    op.create_table(
        "planned_messages", _number(), _text("kind"), _text("item"), _text("key"), _amount("quantity"),
        sa.Column("current", sa.Date()), sa.Column("wanted", sa.Date()),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_planned_messages")),
    )  # fmt: skip
    op.create_table(
        "planned_problems", _number(), _text("kind"), _text("item"), _text("key"), _text("detail"),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_planned_problems")),
    )  # fmt: skip
    op.create_table(
        "planned_loads", _number(), _text("work_centre"), sa.Column("week", sa.Date(), nullable=False),
        _amount("needed"), _amount("available", nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_planned_loads")),
    )  # fmt: skip
    for name, query in VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS {query}")


def downgrade() -> None:
    for name in VIEWS:
        op.execute(f"DROP VIEW {name}")
    for table in ("planned_loads", "planned_problems", "planned_messages", "planned_shortages", "planned_orders"):
        op.drop_table(table)
