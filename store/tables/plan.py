"""The plan that stands, as it was made; the views `plan_orders`, `plan_pegging`, `plan_load` and so on read it.

Quantities are whole millionths of the stocking unit, loads whole seconds; the views give units and hours.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, Index, Integer, Table

from store.tables.base import metadata, text_column


def _number() -> Column[int]:
    """The row's place in the plan's own order."""
    return Column("number", Integer, primary_key=True, autoincrement=False)


planned_items = Table(
    "planned_items",
    metadata,
    _number(),
    text_column("code"),
    text_column("sourcing"),
    Column("level", Integer, nullable=False),
    Index("ix_planned_items_code", "code", unique=True),
)
planned_names = Table("planned_names", metadata, _number(), text_column("name"), Index("ix_planned_names_name", "name"))
planned_orders = Table(
    "planned_orders",
    metadata,
    _number(),
    text_column("key"),
    Column("item", Integer, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("surplus", BigInteger, nullable=False),
    Column("scrap", BigInteger, nullable=False),
    Column("due", Date, nullable=False),
    Column("release", Date, nullable=False),
    Column("start", Date, nullable=False),
    Column("expected", Date, nullable=False),
    Column("root", Integer),
    Column("supplier", Integer),
    Index("ix_planned_orders_key", "key", unique=True),
    Index("ix_planned_orders_item", "item"),
)
"""`item` is a number of `planned_items`, `root` and `supplier` are numbers of `planned_names`: a plan has a million
orders and a tenth of the texts, and a database takes numbers twice as fast."""
planned_shortages = Table(
    "planned_shortages",
    metadata,
    _number(),
    text_column("consumer"),
    text_column("root", nullable=True),
    text_column("item"),
    Column("quantity", BigInteger, nullable=False),
    text_column("reason"),
)
planned_messages = Table(
    "planned_messages",
    metadata,
    _number(),
    text_column("kind"),
    text_column("item"),
    text_column("key"),
    Column("quantity", BigInteger, nullable=False),
    Column("current", Date),
    Column("wanted", Date),
)
planned_problems = Table(
    "planned_problems",
    metadata,
    _number(),
    text_column("kind"),
    text_column("item"),
    text_column("key"),
    text_column("detail"),
)
planned_loads = Table(
    "planned_loads",
    metadata,
    _number(),
    text_column("work_centre"),
    Column("week", Date, nullable=False),
    Column("needed", BigInteger, nullable=False),
    Column("available", BigInteger),
)
