"""Frames of a plan in tables have the rows of the plan."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, timedelta
from operator import attrgetter

import polars as pl

from benchmarks.plants import model_a
from canonical.plan import PlannedOrder, PlanningSnapshot
from planning.encoding import encode
from planning.kernels.solving import solve
from planning.mrp import plan
from planning.plan_frames import Planned, key_frame, order_frame, peg_frame
from planning.preparation import prepare

FIELDS = ("supply", "kind", "consumer", "root", "item", "quantity")


def _planned(snapshot: PlanningSnapshot) -> Planned:
    prepared = prepare(snapshot)
    columns, names = encode(prepared)
    return Planned(prepared, columns, names, solve(columns))


def test_frames__are_the_plan_row_by_row() -> None:
    snapshot = model_a(300)
    planned, expected = _planned(snapshot), plan(snapshot, compiled=False)
    rows = order_frame(planned).drop("number").to_dicts()
    assert [PlannedOrder(**row) for row in rows] == list(expected.planned_orders)
    assert asdict(expected.planned_orders[0]).keys() == rows[0].keys()
    pegs = _pegs(planned)
    assert sorted(pegs, key=repr) == sorted(map(attrgetter(*FIELDS), expected.pegs), key=repr)
    assert {peg[1] for peg in pegs} == {"on_hand", "receipt", "planned", "by_product"}


def test_frames__of_an_empty_plan() -> None:
    planned = _planned(PlanningSnapshot(date(2026, 3, 2) + timedelta(1)))
    assert order_frame(planned).is_empty()
    assert peg_frame(planned).is_empty()


def _pegs(planned: Planned) -> list[tuple[object, ...]]:
    keys = key_frame(planned, order_frame(planned)).select("number", "key", "root")
    named = peg_frame(planned).with_columns(pl.col("kind", "item").cast(pl.String))
    giving = named.join(keys.rename({"number": "supply", "key": "giver"}).drop("root"), on="supply", validate="m:1")
    both = giving.join(keys.rename({"number": "consumer", "key": "taker"}), on="consumer", validate="m:1")
    return both.select("giver", "kind", "taker", "root", "item", "quantity").rows()
