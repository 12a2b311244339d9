"""The plan that stands as Parquet files, quantities in stocking units, for tools that read files and not databases."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import polars as pl

from canonical.plan import PlanMessage, PlannedOrder, PlanProblem
from pipeline.plan_desk import Desk
from pipeline.snapshot import unscaled
from planning.answers import ShortLine, shortages
from store import durable
from store.plan_rows import LoadRow

AMOUNT = pl.Decimal(38, 9)
_TYPES: dict[str, pl.DataType] = {
    "date": pl.Date(), "date | None": pl.Date(), "int": pl.Int64(), "int | None": pl.Int64(), "bool": pl.Boolean(),
    "tuple[str, ...]": pl.List(pl.String()),
}  # fmt: skip
AMOUNTS = frozenset({"quantity", "surplus", "scrap"})


def export_plan(desk: Desk, folder: Path) -> dict[Path, int]:
    """Write `orders`, `pegs`, `shortages`, `advice`, `problems` and `load`; gives the rows of each file."""
    plan = desk.standing
    frames = {
        "orders": _frame(PlannedOrder, plan.planned_orders),
        "pegs": _pegs(desk),
        "shortages": _frame(ShortLine, shortages(plan)),
        "advice": _frame(PlanMessage, plan.messages),
        "problems": _frame(PlanProblem, plan.problems),
        "load": _frame(LoadRow, desk.loads()),
    }
    folder.mkdir(parents=True, exist_ok=True)
    written: dict[Path, int] = {}
    for name, frame in frames.items():
        path = folder / f"{name}.parquet"
        with durable.temporary(folder) as (unnamed, stream):
            frame.write_parquet(stream)
            durable.sync(stream)
            durable.replace(unnamed, path)
        written[path] = frame.height
    return written


def _frame(model: type, found: Iterable[Any]) -> pl.DataFrame:
    schema = {
        field.name: AMOUNT if field.name in AMOUNTS else _TYPES.get(str(field.type), pl.String())
        for field in fields(model)
    }
    return pl.DataFrame([_row(one) for one in found], schema=schema, orient="row")


def _row(one: Any) -> dict[str, Any]:  # noqa: ANN401 - a row of the plan
    return {name: unscaled(value) if name in AMOUNTS else value for name, value in asdict(one).items()}


def _pegs(desk: Desk) -> pl.DataFrame:
    schema = {name: pl.String() for name in ("supply", "kind", "consumer", "root", "item")} | {"quantity": AMOUNT}
    rows = [
        (peg.supply, peg.kind, peg.consumer, peg.root, peg.item, unscaled(peg.quantity)) for peg in desk.standing.pegs
    ]
    return pl.DataFrame(rows, schema=schema, orient="row")
