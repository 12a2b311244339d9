from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

from canonical.plan import FirmOrder, PlanDemand, PlanItem, PlanningSnapshot, PlanOperation, ScheduledReceipt
from planning.load import MINUTE, Slot, Step, free_time, lay, load_lines, loads, steps_of
from planning.mrp import plan
from planning.promise.accepting import Held
from planning.promise.asking import Slot as HeldSlot

TODAY = date(2026, 3, 2)  # a Monday
HOUR = 60 * MINUTE
EIGHT = tuple([8 * HOUR] * 5 + [0, 0]) * 4
ITEMS = (PlanItem("truck", "make", 3, scale=1), PlanItem("bar", "buy", 3, scale=1))
STEPS = steps_of(
    (
        PlanOperation("truck", 20, "paint", Fraction(30), Fraction(60)),
        PlanOperation("truck", 10, "weld", Fraction(0), Fraction(240)),
        PlanOperation("truck", 30, None, Fraction(30)),
        PlanOperation("bar", 10, "weld", Fraction(30)),
    ),
    {item.code: item for item in ITEMS},
)


def test_steps_of__only_what_is_made_here_and_takes_time() -> None:
    assert {"truck": (Step("weld", 0, 240 * MINUTE, 1), Step("paint", 30 * MINUTE, 60 * MINUTE, 1))} == STEPS


def test_lay__backwards_from_the_last_day_and_no_more_than_a_day_has() -> None:
    slots = list(lay(STEPS["truck"], [3], 3, {"weld": EIGHT, "paint": EIGHT}))
    assert slots == [Slot("paint", 3, 210 * MINUTE), Slot("weld", 3, 8 * HOUR), Slot("weld", 2, 4 * HOUR)]


def test_lay__over_a_weekend_and_what_is_past_stands_on_the_planning_day() -> None:
    slots = list(lay(STEPS["truck"][:1], [12], 7, {"weld": EIGHT}))
    assert [(slot.day, slot.time // HOUR) for slot in slots] == [(7, 8), (4, 8), (3, 8), (2, 8), (1, 8), (0, 8)]
    late = list(lay(STEPS["truck"][:1], [12], 0, {"weld": EIGHT}))
    assert late == [Slot("weld", 0, 48 * HOUR)]


def test_lay__a_centre_nobody_knows_the_hours_of_has_no_limit() -> None:
    assert list(lay(STEPS["truck"][:1], [12], 7, {})) == [Slot("weld", 7, 48 * HOUR)]


def _snapshot() -> PlanningSnapshot:
    return PlanningSnapshot(
        TODAY,
        ITEMS,
        demands=(PlanDemand("so", "truck", 4, TODAY + timedelta(8), "so"),),
        receipts=(ScheduledReceipt("mo", "truck", 1, TODAY + timedelta(1), "work_order", "other"),),
        firm_orders=(FirmOrder("running", "truck", 1, TODAY, "make", root="another"),),
    )


def test_load_lines__name_the_orders_and_leave_maintenance_out() -> None:
    snapshot = _snapshot()
    capacity = {"weld": (4 * HOUR, *EIGHT[1:]), "paint": EIGHT}
    lines = load_lines(loads(plan(snapshot), snapshot, STEPS, capacity), capacity, TODAY)
    weld = [line for line in lines if line.work_centre == "weld"]
    assert [(line.bucket, line.needed, line.available) for line in weld] == [
        (TODAY, 480, 36 * 60),
        (TODAY + timedelta(7), 480, 40 * 60),
    ]
    assert [key for line in weld for key, _ in line.orders] == ["mo", "running", "truck|so|1"]
    by_day = load_lines(loads(plan(snapshot), snapshot, STEPS, capacity), capacity, TODAY, "day")
    assert [(line.work_centre, line.bucket) for line in by_day if line.over] == [("weld", TODAY)]


def test_loads__a_promise_keeps_its_time_where_it_holds_it() -> None:
    snapshot, capacity = _snapshot(), {"weld": EIGHT, "paint": EIGHT}
    held = Held("so", "truck", 2, TODAY + timedelta(8), slots=(HeldSlot("truck", "weld", TODAY + timedelta(2), HOUR),))
    found = loads(plan(snapshot), snapshot, STEPS, capacity, [held])
    assert [(place, orders) for place, orders in found.items() if "truck|so|1" in orders] == [
        (("weld", 2), {"truck|so|1": HOUR})
    ]


def test_free_time__what_a_day_cannot_hold_is_worked_off_on_the_next() -> None:
    assert free_time({("weld", 0): {"a": 10, "b": 3}}, {"weld": (8, 4, 8)}) == {"weld": [0, 0, 7]}
