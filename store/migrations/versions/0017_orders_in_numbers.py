"""Planned orders name their item, root and supplier by number, which a million rows are written twice as fast with."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

AMOUNTS = ("quantity", "surplus", "scrap")
DAYS = ("due", "release", "start", "expected")
PEGGING = """
    SELECT p.supply, p.kind, p.consumer, p.root AS sales_order_line, p.item, p.quantity / 1000000.0 AS quantity,
           s.expected AS expected_on, c.start AS needed_on
      FROM plan_pegs p
      LEFT JOIN planned_orders s ON s.key = p.supply
      LEFT JOIN planned_orders c ON c.key = p.consumer"""
IN_NUMBERS = """
    SELECT o.key AS order_key, i.code AS item, i.sourcing, (o.quantity + o.scrap) / 1000000.0 AS quantity,
           o.quantity / 1000000.0 AS good, o.scrap / 1000000.0 AS scrap, o.surplus / 1000000.0 AS surplus,
           o.due, o.release AS release_on, o.start AS start_on, o.expected AS expected_on, o.expected > o.due AS late,
           r.name AS sales_order_line, i.level, s.name AS supplier
      FROM planned_orders o
      JOIN planned_items i ON i.number = o.item
      LEFT JOIN planned_names r ON r.number = o.root
      LEFT JOIN planned_names s ON s.number = o.supplier"""
IN_TEXTS = """
    SELECT o.key AS order_key, o.item, o.sourcing, (o.quantity + o.scrap) / 1000000.0 AS quantity,
           o.quantity / 1000000.0 AS good, o.scrap / 1000000.0 AS scrap, o.surplus / 1000000.0 AS surplus,
           o.due, o.release AS release_on, o.start AS start_on, o.expected AS expected_on, o.late,
           o.root AS sales_order_line, o.level, o.supplier
      FROM planned_orders o"""
BESIDE = "planned_orders_beside"


def _number() -> sa.Column[int]:
    return sa.Column("number", sa.Integer(), autoincrement=False, nullable=False)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _whole(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=nullable)


def _amounts_and_days() -> list[sa.Column[Any]]:
    amounts: list[sa.Column[Any]] = [sa.Column(name, sa.BigInteger(), nullable=False) for name in AMOUNTS]
    return [*amounts, *(sa.Column(name, sa.Date(), nullable=False) for name in DAYS)]


def _put_aside(query: str) -> None:
    """Keep the orders that stand beside, and take out their table and the views that read it."""
    for view in ("plan_pegging", "plan_orders"):
        op.execute(f"DROP VIEW {view}")
    op.execute(f"CREATE TABLE {BESIDE} AS {query}")
    op.drop_table("planned_orders")


def _put_back(columns: str, query: str, view: str) -> None:
    op.execute(f"INSERT INTO planned_orders ({columns}) {query}")
    op.drop_table(BESIDE)
    op.create_index("ix_planned_orders_key", "planned_orders", ["key"], unique=True)
    op.create_index("ix_planned_orders_item", "planned_orders", ["item"])
    op.execute(f"CREATE VIEW plan_orders AS {view}")
    op.execute(f"CREATE VIEW plan_pegging AS {PEGGING}")


def upgrade() -> None:
    _put_aside("SELECT * FROM planned_orders")
    op.create_table(
        "planned_items", _number(), _text("code"), _text("sourcing"), _whole("level"),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_planned_items")),
    )  # fmt: skip
    op.create_index("ix_planned_items_code", "planned_items", ["code"], unique=True)
    op.create_table(
        "planned_names", _number(), _text("name"), sa.PrimaryKeyConstraint("number", name=op.f("pk_planned_names"))
    )
    op.create_index("ix_planned_names_name", "planned_names", ["name"])
    op.create_table(
        "planned_orders", _number(), _text("key"), _whole("item"), *_amounts_and_days(), _whole("root", nullable=True),
        _whole("supplier", nullable=True), sa.PrimaryKeyConstraint("number", name=op.f("pk_planned_orders")),
    )  # fmt: skip
    op.execute(f"""
        INSERT INTO planned_items (number, code, sourcing, level)
        SELECT row_number() OVER (ORDER BY item), item, min(sourcing), max(level) FROM {BESIDE} GROUP BY item""")  # noqa: S608 - our own name
    op.execute(f"""
        INSERT INTO planned_names (number, name)
        SELECT row_number() OVER (ORDER BY name), name
          FROM (SELECT root AS name FROM {BESIDE} UNION SELECT supplier FROM {BESIDE}) named
         WHERE name IS NOT NULL""")  # noqa: S608 - our own name
    same = ", ".join(f"o.{name}" for name in ("number", "key", *AMOUNTS, *DAYS))
    _put_back(
        same.replace("o.", "") + ", item, root, supplier",
        f"""SELECT {same}, i.number, r.number, s.number
              FROM {BESIDE} o JOIN planned_items i ON i.code = o.item
              LEFT JOIN planned_names r ON r.name = o.root LEFT JOIN planned_names s ON s.name = o.supplier""",  # noqa: S608 - our own names
        IN_NUMBERS,
    )


def downgrade() -> None:
    texts = """
        SELECT o.*, i.code, i.sourcing, i.level, o.expected > o.due AS late, r.name AS root_name,
               s.name AS supplier_name
          FROM planned_orders o JOIN planned_items i ON i.number = o.item
          LEFT JOIN planned_names r ON r.number = o.root LEFT JOIN planned_names s ON s.number = o.supplier"""
    _put_aside(texts)
    op.drop_table("planned_names")
    op.drop_table("planned_items")
    op.create_table(
        "planned_orders", _number(), _text("key"), _text("item"), _text("sourcing"), *_amounts_and_days(),
        sa.Column("late", sa.Boolean(), nullable=False), _text("root", nullable=True),
        sa.Column("level", sa.Integer(), nullable=False), _text("supplier", nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_planned_orders")),
    )  # fmt: skip
    same = ", ".join(("number", "key", *AMOUNTS, *DAYS, "sourcing", "late", "level"))
    _put_back(
        f"{same}, item, root, supplier",
        f"SELECT {same}, code, root_name, supplier_name FROM {BESIDE}",  # noqa: S608 - our own name
        IN_TEXTS,
    )
