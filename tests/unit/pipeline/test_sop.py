"""The demand review of a plant: what the records say becomes weeks, capacity and parts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from canonical.entities import ENTITIES, golden_schema
from canonical.errors import ConfigurationError
from canonical.plan import (
    Plan,
    PlanBomLine,
    PlanDemand,
    PlanItem,
    PlanningSnapshot,
    PlanStock,
    ScheduledReceipt,
)
from pipeline.demand import Expected
from pipeline.plan_desk import Desk
from pipeline.planning_settings import Planning
from pipeline.review_files import load_review
from pipeline.sop import asked, review_of
from planning.sop import ChangeCapacity, Resource, Review, feasible, review

AS_OF = date(2026, 12, 1)  # a Tuesday
MILLION = 1_000_000
DECEMBER, JANUARY = date(2026, 12, 1), date(2027, 1, 1)


def golden(entity: str, *rows: dict[str, Any]) -> pl.DataFrame:
    schema = golden_schema(ENTITIES[entity])
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)


def desk(*, stock: int = 0) -> Desk:
    """A truck takes a frame (an hour of welding) and two axles, which take 20 days; half an hour to assemble."""
    picture = PlanningSnapshot(
        AS_OF,
        (PlanItem("truck", "make", 2), PlanItem("frame", "make", 3), PlanItem("axle", "buy", 20)),
        (PlanBomLine("truck", "frame", 1), PlanBomLine("truck", "axle", 2)),
        (
            PlanDemand("late", "truck", 3 * MILLION, date(2026, 11, 20), "late"),
            PlanDemand("so", "truck", 17 * MILLION, date(2026, 12, 20), "so"),
        ),
        stock=(PlanStock("s", "axle", 60 * MILLION), PlanStock("t", "truck", stock * MILLION)),
        receipts=(ScheduledReceipt("po", "axle", 20 * MILLION, date(2026, 12, 10), "purchase_order"),),
    )
    centres = [
        {"golden_id": "WELD", "code": "weld", "hours_per_day": Decimal(2)},
        {"golden_id": "ASM", "code": "asm", "hours_per_day": Decimal(8), "calendar": "two"},
    ]
    steps = [
        {
            "golden_id": "o1",
            "routing": "r1",
            "sequence": 10,
            "item": "frame",
            "work_centre": "WELD",
            "run_minutes": Decimal(60),
        },
        {
            "golden_id": "o2",
            "routing": "r2",
            "sequence": 10,
            "item": "truck",
            "work_centre": "ASM",
            "run_minutes": Decimal(30),
        },
    ]
    routes = [{"golden_id": "r1", "code": "r1", "item": "frame"}, {"golden_id": "r2", "code": "r2", "item": "truck"}]
    frames = {
        "item": golden(
            "item", *({"golden_id": code, "code": code, "name": code} for code in ("truck", "frame", "axle"))
        ),
        "work_centre": golden("work_centre", *centres),
        "routing": golden("routing", *routes),
        "operation": golden("operation", *steps),
        "calendar_day": golden(
            "calendar_day", {"golden_id": "c", "calendar": "two", "day": date(2026, 12, 3), "hours": Decimal(2)}
        ),
    }
    return Desk(Plan(), picture, frames)


def likely(quantity: str, month: date = DECEMBER) -> Expected:
    return Expected("truck", month, Decimal(quantity), None, None, "smooth", "average", 0.1, 0.9)


def resource(of: Review, name: str) -> Resource:
    return next(one for one in of.resources if one.name == name)


def test_asked__orders_use_up_what_was_expected_and_overdue_ones_count_now() -> None:
    (one,) = asked(desk(), [likely("15")], 1)
    assert (one.month, one.ordered, one.expected, one.demand) == (DECEMBER, 20, 15, 20)
    assert asked(desk(), [likely("50")], 1)[0].demand == 50
    assert [row.month for row in asked(desk(), [likely("5", JANUARY)], 2)] == [DECEMBER, JANUARY]


def test_asked__what_was_delivered_is_expected_no_more() -> None:
    at = desk()
    line = {"golden_id": "x|1", "order": "x", "line": "1", "item": "truck", "quantity": Decimal(30),
            "due": date(2026, 12, 1)}  # fmt: skip
    sold = {
        "sales_order": golden("sales_order", {"golden_id": "x", "number": "x", "status": "closed"}),
        "sales_order_line": golden("sales_order_line", line),
    }
    (one,) = asked(replace(at, frames={**at.frames, **sold}), [likely("55")], 1)
    assert (one.ordered, one.expected, one.demand) == (20, 25, 25)


def test_review__what_a_site_delivers_is_made_at_home() -> None:
    at = desk()
    planning = Planning.model_validate({"sites": {"south": {"warehouses": ["WH3"]}}})
    sent = replace(
        at.picture, items=(*at.picture.items, PlanItem("truck@south", "transfer", 1)),
        demands=tuple(replace(row, item="truck@south") for row in at.picture.demands),
        stock=(*at.picture.stock, PlanStock("u", "truck@south", 2 * MILLION)),
    )  # fmt: skip
    there = replace(at, picture=sent, planning=planning)
    of, home = (review_of(one, asked(one, [likely("5")], 1), 1) for one in (there, at))
    assert resource(of, "WELD") == resource(home, "WELD")
    assert [(row.item, row.demand, row.opening) for row in of.products] == [("truck", {DECEMBER: 20.0}, 2.0)]


def test_review__weeks_begin_today_and_then_on_mondays() -> None:
    of = review_of(desk(), asked(desk(), [], 1), 1)
    assert of.weeks == (AS_OF, date(2026, 12, 7), date(2026, 12, 14), date(2026, 12, 21), date(2026, 12, 28))


def test_review__capacity_is_working_time_with_the_calendar_and_overtime() -> None:
    of = review_of(desk(), asked(desk(), [likely("50")], 1), 1, overtime=0.25)
    welding, assembly = resource(of, "WELD"), resource(of, "ASM")
    assert welding.limits[:2] == (4 * 120, 5 * 120)  # Tuesday to Friday, then a whole week
    assert assembly.limits[0] == (3 * 8 + 2) * 60  # maintenance leaves two hours of the third
    assert welding.stretched[1] == 5 * 120 * 1.25
    assert welding.uses == {"truck": 60}


def test_review__parts_limit_the_weeks_before_a_purchase_arrives() -> None:
    of = review_of(desk(), asked(desk(), [likely("50")], 1), 1)
    axles = resource(of, "axle")
    assert axles.limits == (60, 60, 80, float("inf"), float("inf"))
    assert axles.uses == {"truck": 2}
    assert "axle" not in {one.name for one in review_of(desk(), asked(desk(), [likely("30")], 1), 1).resources}


def test_review__of_the_records_says_what_is_feasible_and_what_it_takes() -> None:
    """Welding takes an hour a truck and has two a day: 23 working days make 46 trucks."""
    found = review(review_of(desk(), asked(desk(), [likely("60")], 1), 1))
    assert found.plan.total == 46
    (band,) = found.bands
    assert (band.stretched, band.plan.total, band.by) == ("WELD", 60, "overtime")
    assert sum(one.extra for one in band.takes) == pytest.approx(14 * 60)


def test_review__finished_stock_counts() -> None:
    assert feasible(review_of(desk(stock=5), asked(desk(), [likely("60")], 1), 1)).total == 51


def test_review_file__maintenance_and_scenarios(tmp_path: Path) -> None:
    file = tmp_path / "december.yaml"
    file.write_text(
        """\
maintenance:
  - {work_centre: weld, from: 2026-12-09, to: 2026-12-09, hours: 4}
scenarios:
  more:
    - {change: capacity, work_centre: WELD, from: 2026-12-07, to: 2026-12-20, hours: 3}
    - {change: demand, item: truck, month: 2026-12, quantity: 40}
    - {change: part, item: axle, weeks: 1}
""",
        encoding="utf-8",
    )
    of = review_of(desk(), asked(desk(), [likely("60")], 1), 1)
    always, scenarios = load_review(file, of, {"weld": "WELD"}.get)
    assert always == (ChangeCapacity("WELD", date(2026, 12, 3), date(2026, 12, 9), -240.0),)
    assert len(scenarios["more"]) == 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            "{change: capacity, work_centre: WELT, from: 2026-12-07, to: 2026-12-20, hours: 3}",
            r":3:26 the plan is not limited by 'WELT'. Did you mean 'WELD'\?",
        ),
        ("{change: demand, item: bus, month: 2026-12, quantity: 4}", r":3:24 nothing is asked for of 'bus'"),
        ("{change: demand, item: truck, month: December, quantity: 4}", r":3:"),
        ("{change: dance}", r":3:"),
    ],
)
def test_review_file__every_fault_has_its_place(tmp_path: Path, change: str, said: str) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(f"scenarios:\n  one:\n    - {change}\n", encoding="utf-8")
    of = review_of(desk(), asked(desk(), [likely("60")], 1), 1)
    with pytest.raises(ConfigurationError, match=said):
        load_review(file, of, {}.get)
