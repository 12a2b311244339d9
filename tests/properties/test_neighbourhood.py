"""Planning a changed order in its neighbourhood gives the very plan that planning everything again gives."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from canonical.entities import ENTITIES, golden_schema
from canonical.plan import Plan
from pipeline.neighbourhood import Places, Standing, components, neighbourhood, put_back
from pipeline.settings import Planning
from pipeline.snapshot import Frames, snapshot
from planning.mrp import plan

AS_OF = date(2026, 11, 2)
ITEMS = ("A", "B", "C", "D", "E", "F")
PLANNING = Planning()
SMALL = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def golden(entity: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    schema = golden_schema(ENTITIES[entity])
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)


@st.composite
def structures(draw: st.DrawFn) -> dict[str, pl.DataFrame]:
    """Items, BOMs that point downwards only, stock, purchases of others and what they have under way."""
    amounts = st.integers(0, 30).map(Decimal)
    items, bom, lines, stock, bought, moved = [], [], [], [], [], []
    for place, code in enumerate(ITEMS):
        made = place < 4 and draw(st.booleans())
        items.append(
            {
                "golden_id": code, "code": code, "name": code, "drawing_number": code, "unit": "pcs",
                "sourcing": "make" if made else "buy", "lead_time_days": draw(st.integers(0, 6)),
                "safety_stock": draw(st.sampled_from([Decimal(0), Decimal(0), Decimal(3)])),
                "lot_minimum": draw(st.sampled_from([Decimal(0), Decimal(4)])),
                "lot_multiple": draw(st.sampled_from([Decimal(0), Decimal(5)])), "obsolete": False,
                "safety_time_days": draw(st.sampled_from([0, 0, 2])), "frozen_days": draw(st.sampled_from([0, 0, 4])),
                "scrap_rate": draw(st.sampled_from([None, None, Decimal("0.05")])),
            }
        )  # fmt: skip
        if made:
            bom.append({"golden_id": f"bom-{code}", "code": f"bom-{code}", "item": code, "in_force": True})
            lines += [
                {
                    "golden_id": f"{code}>{part}", "bom": f"bom-{code}", "parent": code, "component": part,
                    "line": part, "quantity": Decimal(draw(st.integers(1, 3))), "per": Decimal(1),
                    "scrap_rate": draw(st.sampled_from([Decimal(0), Decimal("0.1")])),
                    "valid_to": draw(st.sampled_from([None, None, AS_OF + timedelta(days=6)])),
                }
                for part in sorted(draw(st.sets(st.sampled_from(ITEMS[place + 1 :]), min_size=1, max_size=2)))
            ]  # fmt: skip
        if held := draw(amounts):
            stock.append({"golden_id": f"s-{code}", "item": code, "quantity": held, "status": "available"})
        if draw(st.booleans()):
            due = AS_OF + timedelta(days=draw(st.integers(0, 15)))
            bought.append(
                {
                    "golden_id": f"po-{code}", "number": code, "line": "1", "item": code, "status": "open",
                    "quantity": draw(amounts), "received": Decimal(0), "due": due,
                }
            )  # fmt: skip
        if draw(st.booleans()):
            moved.append(
                {
                    "golden_id": f"t-{code}", "number": code, "item": code, "quantity": draw(amounts),
                    "due": AS_OF + timedelta(days=draw(st.integers(0, 15))),
                    "status": draw(st.sampled_from(["requested", "in_transit"])),
                }
            )  # fmt: skip
    return {
        "item": golden("item", items), "bom": golden("bom", bom), "bom_line": golden("bom_line", lines),
        "stock": golden("stock", stock), "purchase_order": golden("purchase_order", bought),
        "transfer_order": golden("transfer_order", moved),
    }  # fmt: skip


Line = tuple[str, str, int, int, bool]
"""Order, item, quantity, days until it is due, urgent."""
lines_of_orders = st.lists(
    st.tuples(
        st.sampled_from(["O1", "O2", "O3", "O4"]), st.sampled_from(ITEMS), st.integers(1, 12), st.integers(0, 20),
        st.booleans(),
    ),
    min_size=1, max_size=5,
)  # fmt: skip


def with_orders(frames: Frames, wanted: list[Line]) -> Frames:
    lines = [
        {
            "golden_id": f"{order}|{number}", "order": order, "line": str(number), "item": item, "unit": "pcs",
            "quantity": Decimal(quantity), "due": AS_OF + timedelta(days=days),
        }
        for number, (order, item, quantity, days, _) in enumerate(wanted)
    ]  # fmt: skip
    urgent = {order: urgent for order, _, _, _, urgent in wanted}
    orders = [
        {"golden_id": order, "number": order, "status": "open", "urgent": hurried, "custom": False}
        for order, hurried in urgent.items()
    ]
    return {
        **frames, "sales_order": golden("sales_order", orders), "sales_order_line": golden("sales_order_line", lines)
    }  # fmt: skip


def content(made: Plan | Standing) -> tuple[set[Any], set[Any]]:
    if isinstance(made, Plan):
        return set(made.planned_orders), set(made.pegs)
    return set(made.orders.values()), {peg for pegs in made.drawn.values() for peg in pegs}


@SMALL
@given(structures(), lines_of_orders, lines_of_orders)
def test_neighbourhood__of_new_orders_plans_as_planning_everything_does(
    structure: Frames, first: list[Line], later: list[Line]
) -> None:
    before = with_orders(structure, first)
    picture = snapshot(before, PLANNING, AS_OF, ())
    standing, places = Standing.of(plan(picture), picture), Places()
    for number in range(len(later)):  # one order after the other, each in its own neighbourhood
        wanted = [*first, *((f"N{place}", *rest) for place, (_, *rest) in enumerate(later[: number + 1]))]
        frames = with_orders(structure, wanted)  # type: ignore[arg-type]
        prior = tuple(peg for pegs in standing.drawn.values() for peg in pegs)
        whole = plan(snapshot(frames, PLANNING, AS_OF, prior))
        order = f"N{number}"
        line = f"{order}|{len(first) + number}"
        near = neighbourhood(
            frames, standing, components(frames), places, PLANNING,
            orders=frozenset({order}), lines=frozenset({line}),
        )  # fmt: skip
        if near is None:
            return  # it says so itself: everything is planned again
        here = near.picture
        supplied = [row.item for rows in (here.stock, here.receipts, here.firm_orders) for row in rows]
        assert {*supplied} <= {row.code for row in here.items}
        put_back(standing, near, plan(near.picture))
        assert content(standing) == content(whole)
