"""One frozen picture for the planner, built from golden records and from what the hub has already written.

Our own documents that nobody has started are planned anew under their old keys, so they are not supply
here; what the shop floor has begun is firm; what was reported but has not been seen arriving in the
warehouse counts as a receipt. So replanning at any moment orders nothing twice.
"""

from __future__ import annotations

from datetime import date

from canonical.plan import Peg, PlanningSnapshot
from pipeline.golden_rows import Frames, Row, rows, scaled, unscaled
from pipeline.open_documents import (
    OpenLine,
    OwnOrder,
    closed_references,
    finishing_reports,
    open_lines,
    own_orders,
    plan_key,
    shipment_reference,
    shipped_line,
)
from pipeline.plan_calendars import plan_calendars
from pipeline.plan_items import ItemRows
from pipeline.plan_needs import demands, forecasts
from pipeline.plan_sites import at_sites
from pipeline.plan_structure import bom_versions, operations, routings, structure
from pipeline.plan_supplies import Supplies, stock
from pipeline.planning_settings import Planning


def snapshot(frames: Frames, planning: Planning, as_of: date, prior_pegs: tuple[Peg, ...]) -> PlanningSnapshot:
    """Everything the planner needs, as of one day."""
    versions, routes = bom_versions(frames, as_of), routings(frames)
    gathered = ItemRows(frames, planning, as_of, versions, routes)
    items = tuple(gathered.items())
    known = {item.code: item for item in items}
    made_of = structure(frames, versions, as_of)
    lines = open_lines(frames)
    supplies = Supplies(frames, planning, as_of, known, lines, made_of.by_products)
    picture = PlanningSnapshot(
        as_of=as_of,
        items=items,
        bom=made_of.lines,
        demands=tuple(demands(frames, lines, made_of, routes, planning, as_of)),
        stock=tuple(stock(frames, planning)),
        receipts=tuple(supplies.receipts()),
        firm_orders=tuple(supplies.firm_orders()),
        prior_pegs=prior_pegs,
        closed_orders=frozenset(plan_key(reference) for reference in closed_references(frames)),
        policies=planning.policies.for_planner(),
        forecasts=tuple(forecasts(frames, lines, planning, as_of)),
        calendars=plan_calendars(frames, planning),
        operations=tuple(one for one in operations(routes) if one.item in known),
        substitutes=made_of.substitutes,
        by_products=made_of.by_products,
        problems=(*gathered.problems, *made_of.problems),
    )
    return at_sites(picture, planning) if planning.sites else picture


__all__ = [
    "Frames",
    "OpenLine",
    "OwnOrder",
    "Row",
    "closed_references",
    "finishing_reports",
    "open_lines",
    "own_orders",
    "plan_key",
    "routings",
    "rows",
    "scaled",
    "shipment_reference",
    "shipped_line",
    "snapshot",
    "unscaled",
]
