"""The plan that stands in SQL, row by row, for whoever asks the database; the hub itself reads frames and pegs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl
from sqlalchemy import Connection, Table, bindparam, delete, func, select

from canonical.plan import Plan, PlannedOrder
from store.bulk import fill, frame_of
from store.tables import planned_loads, planned_messages, planned_orders, planned_problems, planned_shortages


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
    found = _rows_of(plan)
    stand = {} if before is None else _rows_of(before)
    for table, rows in found.items():
        if stand.get(table) != rows:
            _refill(tx, table, rows)
    _refill(tx, planned_loads, loads)


def _rows_of(plan: Plan) -> dict[Table, Sequence[object]]:
    return {
        planned_orders: plan.planned_orders,
        planned_shortages: plan.shortages,
        planned_messages: plan.messages,
        planned_problems: plan.problems,
    }


def _refill(tx: Connection, table: Table, found: Iterable[object]) -> None:
    tx.execute(delete(table))
    fill(tx, table, frame_of(table, found))


def replace_orders(tx: Connection, orders: pl.DataFrame) -> None:
    """Make a frame of planned orders, in the plan's order, the ones that stand (see `planning.order_columns`)."""
    tx.execute(delete(planned_orders))
    fill(tx, planned_orders, orders)


def exchange_orders(tx: Connection, gone: Iterable[str], come: Sequence[PlannedOrder]) -> None:
    """Take the orders with these keys out and put others in, behind those that stand; a key stands once."""
    keys = {*gone, *(order.key for order in come)}
    if keys:
        statement = delete(planned_orders).where(planned_orders.c.key == bindparam("gone"))
        tx.execute(statement, [{"gone": key} for key in sorted(keys)])
    first = 1 + (tx.execute(select(func.max(planned_orders.c.number))).scalar() or 0)
    fill(tx, planned_orders, frame_of(planned_orders, come, first))
