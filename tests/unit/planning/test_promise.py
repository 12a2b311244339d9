from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

import pytest

from canonical.plan import (
    LotPolicy,
    PlanBomLine,
    PlanDemand,
    PlanItem,
    PlanningSnapshot,
    PlanOperation,
    PlanStock,
    PlanSubstitute,
    PlanSupplier,
    ScheduledReceipt,
)
from planning.feasible import Feasible
from planning.load import MINUTE
from planning.mrp import plan
from planning.promise import accepting
from planning.promise.accepting import accept, with_promises
from planning.promise.asking import Asked, Promise
from planning.promise.atp import discrete_atp
from planning.promise.opening import opening
from planning.promise.plain import PlainBook
from planning.rush import rush

TODAY = date(2026, 3, 2)
HOUR = 60 * MINUTE


def day(offset: int) -> date:
    return TODAY + timedelta(offset)


SNAPSHOT = PlanningSnapshot(
    TODAY,
    (
        PlanItem("truck", "make", 2, scale=1),
        PlanItem("axle", "make", 3, scale=1),
        PlanItem("bar", "buy", suppliers=(PlanSupplier("near", 4), PlanSupplier("far", 9, 1)), scale=1),
    ),
    (PlanBomLine("truck", "axle", 2), PlanBomLine("axle", "bar", 1)),
    (PlanDemand("so1", "truck", 3, day(20), "so1"), PlanDemand("so2", "truck", 1, day(3), "so2")),
    stock=(PlanStock("s", "axle", 2),),
    receipts=(ScheduledReceipt("po", "bar", 4, day(6), "purchase_order"),),
)
PLAN = plan(SNAPSHOT)
WELD = (PlanOperation("truck", 10, "weld", Fraction(0), Fraction(480)),)


def ask(asked: Asked, snapshot: PlanningSnapshot = SNAPSHOT, **work: object) -> Promise:
    return PlainBook(opening(plan(snapshot), snapshot, **work)).promise(asked)  # type: ignore[arg-type]


def test_discrete_atp__a_negative_bucket_is_taken_from_earlier_ones() -> None:
    answer = discrete_atp(56, [30, 35, 0, 24, 0, 25, 44, 28], [41, 19, 39, 11, 25, 20, 10, 0])
    assert answer.raw == (45, -23, 0, -12, 0, 5, 34, 28)
    assert answer.look_back == (10, 0, 0, 0, 0, 5, 34, 28)
    assert answer.cumulative == (10, 10, 10, 10, 10, 15, 49, 77)


def test_discrete_atp__what_nothing_covers_stays_negative() -> None:
    assert discrete_atp(1, [0, 0], [2, 3]).look_back == (-4, 0)


def test_promise__waits_for_material_through_all_levels_and_says_for_what() -> None:
    found = ask(Asked("truck", 1, day(1)))
    # The stock of axles is so2's: bars on day 4 from the nearer supplier, 3 days of axle, 2 of truck.
    assert found.promised == day(9)
    assert [(link.kind, link.item, link.by, link.day) for link in found.chain] == [
        ("order", "truck", "", day(9)),
        ("order", "axle", "", day(7)),
        ("order", "bar", "near", day(4)),
    ]
    assert (found.to_make, found.in_time, found.kept) == (1, 0, False)


def test_promise__a_day_that_can_be_kept_has_no_chain() -> None:
    found = ask(Asked("truck", 1, day(30)))
    assert (found.promised, found.chain, found.kept) == (day(30), (), True)


def test_promise__part_of_it_is_there_before() -> None:
    snapshot = replace(SNAPSHOT, stock=(PlanStock("s", "truck", 6),), receipts=())
    found = ask(Asked("truck", 5, day(2)), snapshot)
    assert (found.from_stock, found.to_make, found.in_time) == (2, 3, 2)
    assert found.deliveries == ((day(2), 2), (day(9), 3))


def test_promise__waits_for_what_is_on_order_where_that_is_no_later_than_new() -> None:
    policies = replace(SNAPSHOT.policies, late_receipts="when_not_later_than_new")
    snapshot = replace(
        SNAPSHOT, demands=(), stock=(), receipts=(ScheduledReceipt("po", "bar", 9, day(3), "purchase_order"),),
        policies=policies,
    )  # fmt: skip
    found = ask(Asked("truck", 1, day(1)), snapshot)
    assert found.promised == day(8)
    assert (found.chain[-1].kind, found.chain[-1].by, found.chain[-1].day) == ("receipt", "po", day(3))


def test_promise__a_substitute_stands_in() -> None:
    snapshot = replace(
        SNAPSHOT,
        items=(*SNAPSHOT.items, PlanItem("rod", "buy", 50, scale=1)),
        stock=(*SNAPSHOT.stock, PlanStock("r", "rod", 4)),
        substitutes=(PlanSubstitute("bar", "rod"),),
    )
    assert ask(Asked("truck", 1, day(1)), snapshot).promised == day(5)


def test_promise__waits_for_a_work_centre_that_has_no_time() -> None:
    capacity = {"weld": tuple([8 * HOUR] * 60)}
    book = PlainBook(opening(PLAN, SNAPSHOT, WELD, capacity))
    days = [book.promise(Asked("truck", 1, day(30))) for _ in range(4)]
    assert [one.promised for one in days] == [day(30), day(30), day(31), day(32)]
    assert [(link.kind, link.item, link.by) for link in days[2].chain] == [
        ("order", "truck", ""),
        ("work_centre", "truck", "weld"),
    ]
    assert [slot.day for one in days for slot in one.slots] == [day(29), day(28), day(30), day(31)]


def test_promise__maintenance_takes_the_time_away() -> None:
    capacity = {"weld": (*[8 * HOUR] * 20, *[0] * 20, *[8 * HOUR] * 20)}
    assert ask(Asked("truck", 1, day(30)), operations=WELD, capacity=capacity).promised == day(41)


def test_promise__a_lead_time_too_short_for_its_work_reaches_back_to_its_parts() -> None:
    capacity = {"weld": tuple([8 * HOUR] * 60)}
    found = ask(Asked("truck", 6, day(14)), operations=WELD, capacity=capacity)
    # Parts on day 7, six days of welding in a lead time of two, beside the welding of so1 on days 17 to 19.
    assert found.promised == day(14)
    assert sorted(slot.day for slot in found.slots) == [day(offset) for offset in range(8, 14)]


def test_promise__never_names_what_is_missing() -> None:
    snapshot = replace(
        SNAPSHOT,
        bom=(*SNAPSHOT.bom, PlanBomLine("bar", "axle", 1)),
        items=(PlanItem("truck", "make", 2), PlanItem("axle", "make", 3), PlanItem("bar", "make", 1)),
    )
    found = ask(Asked("truck", 9, day(30)), snapshot)
    assert (found.promised, found.missing) == (None, ("axle",))


def test_promise__never_where_a_work_centre_never_works() -> None:
    found = ask(Asked("truck", 1, day(30)), operations=WELD, capacity={"weld": (0,) * 60})
    assert found.promised is None
    assert found.chain[-1].by == "weld"


def test_promise__what_a_lot_has_over_serves_the_next() -> None:
    items = tuple(replace(item, lot=LotPolicy(minimum=10)) if item.code == "axle" else item for item in SNAPSHOT.items)
    snapshot = replace(SNAPSHOT, items=items, demands=())
    book = PlainBook(opening(plan(snapshot), snapshot))
    first, second = (book.promise(Asked("truck", 2, day(12))) for _ in range(2))
    assert (first.promised, second.promised) == (day(12), day(12))
    assert sum(lot.quantity for lot in book.opening.over["axle"]) == 4


def test_accept__the_plan_keeps_it_and_a_later_promise_does_not_take_it() -> None:
    base = PLAN, SNAPSHOT
    asked = Asked("bar", 1, day(6))
    found = accept(base, asked, "p", ask(asked))
    assert found.held is not None
    assert found.held.promised == day(6)
    fresh = replace(with_promises(SNAPSHOT, [found.held]), prior_pegs=())
    assert Feasible(plan(fresh), fresh).covered("p") == day(6)
    again = accept((found.plan, found.snapshot), asked, "q", ask(asked, found.snapshot))
    assert again.held is not None
    assert not {peg.supply for peg in again.held.pegs} & {peg.supply for peg in found.held.pegs}


def test_accept__a_day_that_was_never_planned_is_not_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked("truck", 1, day(1))
    hasty = replace(ask(asked), promised=day(1))
    found = accept((PLAN, SNAPSHOT), asked, "p", hasty)
    assert found.held is not None
    assert found.held.promised == day(9)
    assert found.plan == plan(replace(with_promises(SNAPSHOT, [found.held]), prior_pegs=PLAN.pegs))
    monkeypatch.setattr(accepting, "MOST_TRIES", 1)
    found = accept((PLAN, SNAPSHOT), asked, "p", hasty)
    assert (found.held, found.hurt, found.plan) == (None, (), PLAN)


def test_with_promises__a_line_that_is_there_is_due_on_the_day_promised() -> None:
    held = accept((PLAN, SNAPSHOT), Asked("truck", 1, day(1)), "p", ask(Asked("truck", 1, day(1)))).held
    assert held is not None
    known = replace(held, key="so2")
    demands = {row.key: (row.due, row.quantity) for row in with_promises(SNAPSHOT, [known]).demands}
    assert demands == {"so1": (day(20), 3), "so2": (held.promised, 1)}
    assert with_promises(SNAPSHOT, [held], settled={"p"}) == SNAPSHOT


def test_accept__never_cannot_be_promised() -> None:
    never = replace(ask(Asked("truck", 1, day(1))), promised=None)
    with pytest.raises(ValueError, match="never"):
        accept((PLAN, SNAPSHOT), Asked("truck", 1, day(1)), "p", never)


def test_rush__names_whom_it_moves_and_its_own_day() -> None:
    found = rush((PLAN, SNAPSHOT), [Asked("truck", 1, day(2), priority=-1)])
    assert found.days == (day(2),)
    assert [(row.key, row.days) for row in found.moved] == [("so2", 6)]
