"""What somebody wants of the plan: open sales order lines, parts that orders of others still draw, forecasts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from fractions import Fraction
from math import ceil

from canonical.plan import PlanBomLine, PlanDemand, PlanForecast
from canonical.plan_lines import lines_of
from pipeline.golden_rows import MILLION, Frames, Row, ppm, rows, scaled
from pipeline.open_documents import OpenLine, delivered, foreign_work, has_begun
from pipeline.plan_structure import Structure
from pipeline.plan_supplies import lacking
from pipeline.planning_settings import Planning
from planning.forecast import remaining

ORDER_FIRST, URGENT_FIRST = 1, 0


def demands(  # noqa: PLR0917 - the parts of one picture
    frames: Frames,
    lines: list[OpenLine],
    made_of: Structure,
    routes: Mapping[str, list[Row]],
    planning: Planning,
    as_of: date,
) -> Iterator[PlanDemand]:
    """Sales order lines, what work orders of others draw, and what requested transfers of others wait for."""
    for line in lines:
        first = URGENT_FIRST if line.urgent else ORDER_FIRST
        item = planning.at_warehouse(line.item, line.warehouse)
        yield PlanDemand(line.key, item, scaled(line.quantity), line.due, line.key, first, line.customer)
    yield from _work_demands(frames, made_of, routes, planning, as_of)
    for row, origin, quantity in lacking(frames, planning):
        key, target = f"transfer_order|{row['golden_id']}", planning.site_of_warehouse.get(row["to_warehouse"] or "")
        travels = timedelta(planning.sites[target].transfer_days if target else 0)
        leaves = as_of if row["due"] is None else max(row["due"] - travels, as_of)
        yield PlanDemand(f"{key}|out", origin, scaled(quantity), leaves, key, ORDER_FIRST)


def _work_demands(
    frames: Frames, made_of: Structure, routes: Mapping[str, list[Row]], planning: Planning, as_of: date
) -> Iterator[PlanDemand]:
    """Components that work orders of others still have to draw; what runs or was reported on has drawn its kit."""
    waiting = [row for row in foreign_work(frames) if not has_begun(row)]
    parents: defaultdict[str, list[PlanBomLine]] = defaultdict(list)
    for line in lines_of(made_of.lines, "parent", {row["item"] for row in waiting}) if waiting else ():
        parents[line.parent].append(line)
    divided = planning.policies.component_scrap == "divide"
    for row in waiting:
        key = f"work_order|{row['golden_id']}"
        start = max(row["start"] or as_of, as_of)
        for number, line in enumerate(parents[row["item"]]):
            if _counts(line, start):
                drawn = Fraction(scaled(row["quantity"])) * _per_unit(
                    line, routes.get(row["item"], []), divided=divided
                )
                yield PlanDemand(f"{key}|{number}", line.component, ceil(drawn), start, key, ORDER_FIRST)


def _counts(line: PlanBomLine, start: date) -> bool:
    first, until = line.effective_from, line.effective_until
    return (first is None or first <= start) and (until is None or start < until)


def _per_unit(line: PlanBomLine, steps: list[Row], *, divided: bool) -> Fraction:
    """What one unit of the parent draws, with what the line and the steps from its own on are expected to lose."""
    scrap = line.scrap_ppm
    factor = Fraction(MILLION, max(1, MILLION - scrap)) if divided else Fraction(MILLION + scrap, MILLION)
    for step in steps if line.operation is not None else ():
        lost = ppm(step["scrap_rate"])
        if line.operation is not None and step["sequence"] >= line.operation and lost < MILLION:
            factor *= Fraction(MILLION, MILLION - lost)
    return Fraction(line.numerator, line.denominator) * factor


def forecasts(frames: Frames, lines: list[OpenLine], planning: Planning, as_of: date) -> list[PlanForecast]:
    """What open forecasts still expect: neither what has been delivered nor what is over.

    What a system tells stands for its month, whatever day of it is named; a share of our own for its own day. Orders
    delivered from other sites use forecasts up here, as they ask for another item there; the planner does the others.
    """
    month = as_of.replace(day=1)
    told = [row for row in rows(frames, "forecast") if row["status"] == "open" and row["quantity"] > 0]
    found = [
        PlanForecast(f"forecast|{row['golden_id']}", row["item"], scaled(row["quantity"]), row["due"], FORECAST)
        for row in told
    ]
    over = {f"forecast|{row['golden_id']}" for row in told if row["due"] < (as_of if _is_ours(row) else month)}
    if len(over) == len(found):
        return []
    left = remaining(found, _used(frames, lines, planning, month), planning.policies.for_planner())
    return [one for one in left if one.key not in over]


def _used(frames: Frames, lines: list[OpenLine], planning: Planning, month: date) -> Iterator[PlanDemand]:
    """What uses forecasts up and is no demand for their item any more, or none for it here."""
    since = month - timedelta(planning.policies.forecast_forward_days)
    for row, gone in delivered(frames, since):
        yield PlanDemand(row["golden_id"], row["item"], scaled(gone), row["due"], row["golden_id"])
    for line in lines:
        if planning.at_warehouse(line.item, line.warehouse) != line.item:
            yield PlanDemand(line.key, line.item, scaled(line.quantity), line.due, line.key)


def _is_ours(row: Row) -> bool:
    return bool(row["golden_id"].startswith(OURS))


OURS = "statistical|"
"""How the golden ids of forecasts begin that no system told."""
FORECAST = 2
"""Forecasts are served after orders."""
