"""A day at the factory, seen from outside: what the systems' own ledgers must hold after every pass."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from canonical.actors import Actor
from pipeline.decide import decide
from pipeline.deliver import deliver
from pipeline.plan import load_plan
from pipeline.plan import plan as plan_stage
from pipeline.route import Passed, begin
from store import notices
from tests.e2e.conftest import FirstPass
from tests.e2e.feedback import (
    arrived,
    asked_to_inspect,
    audited_reports,
    failed_work_orders,
    handed_over,
    over_standard,
    production_reports,
    receipts,
    reported,
    rework_ordered,
    rework_to_order,
    reworked,
    roots_written,
    tasks,
    to_hand_over,
    to_inspect,
    to_rework,
)
from tests.e2e.oracle import Expected, Found, Made, differences, planned_key, report
from tests.e2e.plant import SYSTEMS, Plant, Row

pytestmark = pytest.mark.timeout(900)
QUIET = Counter(dict.fromkeys(SYSTEMS, 0))
SETTLING_PASSES = 3


def test_the_first_pass_writes_what_the_seed_demands(first_pass: FirstPass, expected: Expected) -> None:
    told = differences(expected.documents(), Found(first_pass.ledgers))
    assert not told, report(told)
    _nothing_left(first_pass.passed)


def test_a_day_at_the_factory(plant: Plant, expected: Expected) -> None:
    first = plant.written()
    _nothing_left(plant.run_pass())
    assert plant.written() == first, "a pass with nothing new has written"

    urgent = _order_being_made(expected)
    plant.edit(urgent, urgent=True)
    sales = plant.work(1, ("crm",))["crm"]
    before = plant.written()
    _nothing_left(plant.run_pass())
    _urgent_order_is_hurried(plant, expected, urgent, before)
    _only_pegged_documents(plant, expected, before, changed=sales["changed"], urgent={urgent, sales["urgent"]})

    rejected = _the_shop_floor_works(plant, expected, 1)
    done = {order["external_ref"] for order in plant.work(2, SYSTEMS_THAT_WORK)["mes"]["completed"]}
    assert {f"rework|{inspection}" for inspection in rejected} <= done, "rework comes out good in the next round"
    _the_shop_floor_works(plant, expected, 2)
    _paired(plant)
    quiet = plant.written()
    _nothing_left(plant.run_pass())
    assert plant.written() == quiet, "a pass with nothing new has written"
    _progress_is_told(plant, expected)


def _nothing_left(passed: Passed) -> None:
    assert passed.delivered is not None
    assert [landed for landed in passed.landed if landed.halted] == []
    assert passed.delivered.open == 0
    endings = {ending for counted in passed.delivered.outcomes.values() for ending in counted}
    assert endings <= {"applied", "unchanged"}, passed.delivered.outcomes


def _order_being_made(expected: Expected) -> str:
    """The calm order with the most work orders inside the fence."""
    making = Counter(
        made.owner.split("|")[0]
        for made in expected.released()
        if expected.forecast.materials[made.item].sourcing == "make" and made.owner.startswith("SO-")
    )
    calm = {number: count for number, count in making.items() if not expected.orders[number].urgent}
    return max(sorted(calm), key=calm.__getitem__)


def _urgent_order_is_hurried(plant: Plant, expected: Expected, order: str, before: Mapping[str, int]) -> None:
    """One priority task for each of its work orders, and the supervisor knows."""
    found = Found(plant.ledgers())
    own = {key[2] for key in found.documents if key[0] == order and key[1] == "work order"}
    told = {key[2] for key in found.documents if key[0] == order and key[1] == "priority task"}
    assert len(own) > 1
    assert told == own
    assert tasks(plant.since(before)["mes"], "priority").total() >= len(own)
    assert f"urgent|{order}" in _told(plant, "production_supervisor")


def _told(plant: Plant, audience: str) -> set[str]:
    """The keys of what an audience was told, each once."""
    hub = plant.hub()
    with hub.store.read() as tx:
        keys = Counter(notice.key for notice in notices.listed(tx, audience, limit=None))
    hub.close()
    assert set(keys.values()) <= {1}
    return set(keys)


def _only_pegged_documents(
    plant: Plant, expected: Expected, before: Mapping[str, int], *, changed: Mapping[str, Any], urgent: set[str]
) -> None:
    """Beside the urgent orders' tasks, only documents pegged to the changed line before or after are written."""
    root = f"{changed['order']}|{changed['line']}"
    pegged = {expected.forecast.name(made) for made in expected.forecast.serves(root)} | _pegged_now(plant, root)
    rows = plant.since(before)
    stray = {
        document
        for document, owner in roots_written(rows)
        if owner != root and document not in pegged and owner.split("|")[0] not in urgent
    }
    assert stray == set()
    ordered = {row["content"]["orderReference"] for row in rows["wms"] if row["operation"] == "CreateShipment"}
    assert ordered <= {changed["order"], *urgent}
    assert {row["reference"] for row in rows["crm"]} <= {changed["order"], *urgent}


def _pegged_now(plant: Plant, root: str) -> set[str]:
    """Planned orders that serve a root by the hub's plan, through all levels."""
    hub = plant.hub()
    planned = load_plan(hub)
    hub.close()
    return {order.key for order in planned.planned_orders if root in planned.roots_of(order.key)}


def _the_shop_floor_works(plant: Plant, expected: Expected, round_number: int) -> list[str]:
    """Each report of good pieces becomes one production report and one receipt, failed parts a task and rework.

    Gives the inspections that failed.
    """
    worked = plant.work(round_number, ("mes", "wms") if round_number == 1 else SYSTEMS_THAT_WORK)
    before, told = plant.written(), _told(plant, "production_supervisor")
    _nothing_left(plant.run_pass())
    rows = plant.since(before)
    assert production_reports(rows["erp"]) == reported(worked)
    assert len(audited_reports(rows["erp"])) == reported(worked).total()
    assert receipts(rows["wms"], expected) == arrived(worked)
    assert tasks(rows["mes"], "rework") == Counter(dict.fromkeys(failed_work_orders(worked), 1))
    assert reworked(rows["mes"]) == to_rework(worked, expected)
    assert rework_ordered(rows) == rework_to_order(worked)
    assert asked_to_inspect(rows["mes"]) == to_inspect(worked)
    assert handed_over(rows["mes"]) == to_hand_over(worked, expected)
    slow = {f"hours|{order}" for order in over_standard(worked, expected)}
    assert {key for key in _told(plant, "production_supervisor") - told if key.startswith("hours|")} == slow
    assert any(report["quantity_good"] == 0 for report in worked["mes"]["reports"]) == (round_number == 1)
    for _ in range(SETTLING_PASSES):  # what was received is seen in the next pull, and may be shipped
        standing = plant.written()
        _nothing_left(plant.run_pass())
        if plant.written() == standing:
            break
    else:
        pytest.fail("the passes do not come to rest")
    assert production_reports(plant.since(before)["erp"]) == reported(worked)
    assert receipts(plant.since(before)["wms"], expected) == arrived(worked)
    failed: list[str] = worked["mes"]["failed_inspections"]
    return failed


SYSTEMS_THAT_WORK = ("mes", "crm", "wms")


def _paired(plant: Plant) -> None:
    """Every production order of ours has its one work order, alive or cancelled together."""
    found = Found(plant.ledgers())
    assert found.doubled == []
    production = {key[::2]: key in found.cancelled for key in found.documents if key[1] == "production order"}
    work = {key[::2]: key in found.cancelled for key in found.documents if key[1] == "work order"}
    assert production == work


def _progress_is_told(plant: Plant, expected: Expected) -> None:
    """The stage of every order in the CRM is what the other systems' ledgers and floors say."""
    rounds = [plant.work(number) for number in (1, 2)]  # asked again, a round answers what it did
    ledgers = plant.ledgers()
    found = Found(ledgers)
    shipped = {reference for worked in rounds for reference in worked["wms"]["shipped"]}
    requested = {f"{key[0]}|{key[2]}" for key in found.documents if key[1] == "shipment" and key not in found.cancelled}
    making = _making(found, ledgers["erp"], rounds, expected)
    wrong = {}
    for number, order in expected.orders.items():
        roots = {f"{number}|{line.line}" for line in order.lines}
        stage = _stage(roots, shipped, requested, making.get(number)) if number not in expected.held else ("held", 0)
        told = found.documents[number, "progress", number]
        if (told["stage"], told["percent"]) != stage:
            wrong[number] = {"expected": stage, "told": told}
    assert wrong == {}


def _making(
    found: Found, rows: list[Row], rounds: list[dict[str, Any]], expected: Expected
) -> dict[str, tuple[Fraction, Fraction]]:
    """Sales order → good pieces, and those that were to come out good, of all that is made for it."""
    serials = {name: serial for serial, name in expected.forecast.names.items()}
    done: defaultdict[str, Fraction] = defaultdict(Fraction)
    for one in (one for worked in rounds for one in worked["mes"]["reports"]):
        if one["finishes"]:
            done[one["erp_order_no"]] += Fraction(str(one["quantity_good"]))
    making: dict[str, tuple[Fraction, Fraction]] = {}
    for row in rows:
        if (row["operation"], row["effect"]) == ("PRD_MO.Save", "created"):
            key = planned_key(row["reference"], "production order")
            if key not in found.cancelled and not row["reference"].startswith("rework|"):
                started = found.documents[key]["quantity"]
                quantity = expected.forecast.good(serials[row["reference"].split("|")[1]], started)
                good, total = making.get(key[0], (Fraction(0), Fraction(0)))
                making[key[0]] = (good + min(done[row["document"]], quantity), total + quantity)
    return making


def _stage(
    roots: set[str], shipped: set[str], requested: set[str], made: tuple[Fraction, Fraction] | None
) -> tuple[str, int]:
    good, total = made or (Fraction(0), Fraction(1))
    if roots <= shipped:
        return "shipped", 100
    if roots - shipped <= requested:
        return "shipping", 90
    return ("in_production", 20 + int(60 * good / total)) if good else ("planned", 10)


# -- one order at a time -------------------------------------------------------------------------------------------


def _product_order(expected: Expected, *, skip: int = 0) -> Made:
    """A planned order inside the fence that makes what a calm customer ordered, for nobody else."""
    found = [
        made
        for made in expected.released()
        if expected.forecast.materials[made.item].sourcing == "make"
        and {want.consumer for want, _ in made.wants} == {made.owner}
        and not expected.orders[made.owner.split("|")[0]].urgent
    ]
    return sorted(found, key=lambda made: made.owner)[skip]


def test_an_order_that_goes_100_120_100_ends_at_100(plant: Plant, expected: Expected) -> None:
    made = _product_order(expected)
    order, line = made.owner.split("|")
    about = f"{expected.forecast.names[made.item]} for {made.owner}"
    for quantity in (100, 120, 100):
        plant.edit(order, line=int(line), quantity=str(quantity))
        _nothing_left(plant.run_pass())
        found = Found(plant.ledgers())
        assert found.doubled == []
        for kind in ("production order", "work order"):
            assert found.documents[order, kind, about]["quantity"] == quantity
        assert found.documents[order, "production order", about]["audited"]
    before = plant.written()
    plant.run_pass()
    assert plant.written() == before


def test_an_order_in_stock_that_is_raised_beyond_it_and_lowered_again_is_shipped_once(
    plant: Plant, expected: Expected
) -> None:
    root = next(root for root in sorted(expected.shipping) if root.endswith("|1"))
    order, line = root.split("|")
    wanted = next(one.quantity for one in expected.orders[order].lines if str(one.line) == line)
    asked = expected.documents()[order, "shipment", line]["quantity"]
    for factor in (1, 50, 1):
        plant.edit(order, line=int(line), quantity=str(wanted * factor))
        _nothing_left(plant.run_pass())
        found = Found(plant.ledgers())
        assert found.doubled == []
        alive = [
            document
            for key, document in found.documents.items()
            if key[:2] == (order, "shipment") and key not in found.cancelled and key[2].split("|")[0] == line
        ]
        assert [document["quantity"] for document in alive] == ([asked] if factor == 1 else [])


def test_a_cancelled_order_that_comes_back_is_made_again(plant: Plant, expected: Expected) -> None:
    made = _product_order(expected, skip=4)
    order = made.owner.split("|")[0]
    needed_elsewhere = _serving_others(expected, {order})
    for status in ("Cancelled", "Activated"):
        plant.edit(order, status=status)
        _nothing_left(plant.run_pass())
        found = Found(plant.ledgers())
        assert found.doubled == []
        alive = {
            key
            for key in found.documents
            if key[:2] == (order, "production order") and key not in found.cancelled and key[2] not in needed_elsewhere
        }
        assert bool(alive) == (status == "Activated")
        assert found.documents[order, "progress", order]["stage"] == {"Cancelled": "cancelled"}.get(status, "planned")
    _paired(plant)


def test_replanning_between_deliver_and_the_next_pull_orders_nothing_twice(plant: Plant, expected: Expected) -> None:
    made = _product_order(expected, skip=1)
    order, line = made.owner.split("|")
    before = plant.written()
    _replan(plant)
    assert plant.written() == before, "right after the first pass"
    plant.edit(order, line=int(line), quantity=str(Decimal(int(made.used)) + 7))
    plant.run_pass()
    assert plant.written() != before
    before = plant.written()
    _replan(plant)
    _replan(plant)
    assert plant.written() == before, "right after a change was delivered"
    assert Found(plant.ledgers()).doubled == []


def _replan(plant: Plant) -> None:
    """Plan, decide and deliver again on what was landed before."""
    hub = plant.hub()
    run = hub.new_run(Actor("run", "again"))
    begin(hub, run)
    made, _ = plan_stage(hub, run)
    decide(hub, run, made)
    deliver(hub, run)
    hub.close()


def test_changing_one_order_writes_only_what_is_pegged_to_it(plant: Plant, expected: Expected) -> None:
    made = _product_order(expected, skip=2)
    order, line = made.owner.split("|")
    for quantity in (int(made.used) + 5, 1):
        before = plant.written()
        plant.edit(order, line=int(line), quantity=str(quantity))
        _nothing_left(plant.run_pass())
        assert plant.written() != before
        change = {"order": order, "line": line}
        _only_pegged_documents(plant, expected, before, changed=change, urgent=set())


def test_a_cancelled_order_takes_its_documents_with_it(plant: Plant, expected: Expected) -> None:
    made = _product_order(expected, skip=3)
    order = made.owner.split("|")[0]
    shipping = next(number for number in sorted(expected.orders) if f"{number}|1" in expected.shipping)
    for number in (order, shipping):
        plant.edit(number, status="Cancelled")
    _nothing_left(plant.run_pass())
    found = Found(plant.ledgers())
    needed_elsewhere = _serving_others(expected, {order, shipping})
    left = {
        key
        for key in found.documents
        if key[0] in {order, shipping} and key not in found.cancelled and key[1] not in {"progress", "expedite"}
    }
    assert {key for key in left if key[2] not in needed_elsewhere} == set()
    for number in (order, shipping):
        assert found.documents[number, "progress", number]["stage"] == "cancelled"
    _paired(plant)


def _serving_others(expected: Expected, orders: set[str]) -> set[str]:
    """Planned orders made for these sales orders that others draw on as well, through any level."""
    others = {f"{order.number}|{line.line}" for order in expected.plant.orders for line in order.lines}
    others |= {f"work_order|{work.number}|{part}" for work in expected.plant.work for part in expected.forecast.names}
    others |= {f"safety_stock|{name}" for name in expected.forecast.names.values()}
    roots = {root for root in others if root.split("|")[0] not in orders}
    return {
        f"{expected.forecast.names[made.item]} for {made.owner}"
        for root in roots
        for made in expected.forecast.serves(root)
        if made.owner.split("|")[0] in orders
    }
