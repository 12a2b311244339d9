"""The plan that stands in SQL, row by row, for whoever asks the database; the hub itself reads frames and pegs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl
from sqlalchemy import Column, Connection, Table, bindparam, delete, func, insert, select

from canonical.plan import Plan, PlannedOrder
from store.bulk import fill, frame_of, schema_of
from store.prepared import Prepared
from store.statements import Keyed
from store.tables import (
    planned_items,
    planned_loads,
    planned_messages,
    planned_names,
    planned_orders,
    planned_problems,
    planned_shortages,
)

_ITEM = ("item", "sourcing", "level")
_ORDER = schema_of(planned_orders) | {
    "item": pl.String(), "sourcing": pl.String(), "level": pl.Int64(), "root": pl.String(), "supplier": pl.String(),
}  # fmt: skip
"""A frame of planned orders, as far as it is kept; `start` and `expected` tell what is late."""
_KNOWN_ITEMS = Keyed(select(planned_items.c.code, planned_items.c.number), planned_items.c.code)
_KNOWN_NAMES = Keyed(select(planned_names.c.name, planned_names.c.number), planned_names.c.name)
_NAMED = ("root", "supplier")
"""Columns that hold the number of a name."""
_PLAIN = tuple(column.name for column in planned_orders.columns if column.name not in {"number", "item", *_NAMED})
_TAKE_OUT = Prepared(delete(planned_orders).where(planned_orders.c.key == bindparam("gone")))
_NUMBERED = (planned_orders, planned_items, planned_names)
_PUT_INTO = {table: Prepared(insert(table)) for table in _NUMBERED}
_LAST_NUMBER = {table: Prepared(select(func.max(table.c.number))) for table in _NUMBERED}


@dataclass(frozen=True, slots=True)
class LoadRow:
    """Seconds a work centre is needed in a week (its Monday), beside what it has; None where that is not known."""

    work_centre: str
    week: date
    needed: int
    available: int | None

    @property
    def over(self) -> bool:
        """Whether that is more than there is."""
        return self.available is not None and self.needed > self.available


def replace(tx: Connection, plan: Plan, loads: Iterable[LoadRow], before: Plan | None = None) -> None:
    """Make `plan` and its loads the ones that stand; `before` is the plan that stands, where the caller knows it."""
    if before is None or before.planned_orders != plan.planned_orders:
        replace_orders(tx, frame_of(_ORDER, plan.planned_orders))
    found, stand = _rows_of(plan), {} if before is None else _rows_of(before)
    for table, rows in found.items():
        if stand.get(table) != rows:
            _refill(tx, table, frame_of(schema_of(table), rows))
    _refill(tx, planned_loads, frame_of(schema_of(planned_loads), loads))


def _rows_of(plan: Plan) -> dict[Table, Sequence[object]]:
    return {planned_shortages: plan.shortages, planned_messages: plan.messages, planned_problems: plan.problems}


def _refill(tx: Connection, table: Table, found: pl.DataFrame) -> None:
    tx.execute(delete(table))
    fill(tx, table, found)


def replace_orders(tx: Connection, orders: pl.DataFrame) -> None:
    """Make a frame of planned orders, numbered in the plan's order, the ones that stand.

    It has the fields of `PlannedOrder` and `number`, as `planning.plan_frames.order_frame` gives them.
    """
    items = orders.select(_ITEM).unique("item", maintain_order=True).cast({"item": pl.String})
    names = pl.concat([orders[name].cast(pl.String) for name in ("root", "supplier")]).drop_nulls().unique().sort()
    _refill(tx, planned_items, items.rename({"item": "code"}).with_row_index("number"))
    _refill(tx, planned_names, pl.DataFrame({"name": names}).with_row_index("number"))
    known = {"item": items["item"], "root": names, "supplier": names}
    _refill(tx, planned_orders, orders.with_columns(_numbered(orders[name], texts) for name, texts in known.items()))


def _numbered(column: pl.Series, texts: pl.Series) -> pl.Series:
    """The place of each text among these; null stays null."""
    return column.cast(pl.Enum(texts)).to_physical().cast(pl.Int64)


def exchange_orders(tx: Connection, gone: Iterable[str], come: Sequence[PlannedOrder]) -> None:
    """Take the orders with these keys out and put others in, behind those that stand; a key stands once."""
    keys = {*gone, *(order.key for order in come)}
    _TAKE_OUT.write(tx, *({"gone": key} for key in sorted(keys)))
    if not come:
        return
    items = _numbers(tx, _KNOWN_ITEMS, planned_items.c.code, {one.item: _of_item(one) for one in come})
    names = {text: {"name": text} for one in come for name in _NAMED if (text := getattr(one, name)) is not None}
    named = _numbers(tx, _KNOWN_NAMES, planned_names.c.name, names)
    _PUT_INTO[planned_orders].write(tx, *(
        {**{name: getattr(one, name) for name in _PLAIN}, "number": number, "item": items[one.item],
         **{name: None if (text := getattr(one, name)) is None else named[text] for name in _NAMED}}
        for number, one in enumerate(come, _next(tx, planned_orders))
    ))  # fmt: skip


def _of_item(order: PlannedOrder) -> dict[str, object]:
    return {"code": order.item, "sourcing": order.sourcing, "level": order.level}


def _numbers(
    tx: Connection, known: Keyed, column: Column[str], asked: Mapping[str, Mapping[str, object]]
) -> dict[str, int]:
    """The number of each text; texts that have none get one, with what else is told of them."""
    found: dict[str, int] = dict(tuple(row) for row in known.rows(tx, asked))
    new = sorted(asked.keys() - found.keys())
    if new:
        first = _next(tx, column.table)
        found |= {text: number for number, text in enumerate(new, first)}
        _PUT_INTO[column.table].write(tx, *({**asked[text], "number": found[text]} for text in new))
    return found


def _next(tx: Connection, table: Table) -> int:
    return 1 + (_LAST_NUMBER[table].value(tx) or 0)
