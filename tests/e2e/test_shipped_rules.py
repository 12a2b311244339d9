"""What people are told and asked by the shipped rulebooks, against what the plant itself knows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from operator import attrgetter
from typing import get_args

import pytest

from canonical.actors import Actor
from pipeline.hub import Hub
from pipeline.order_facts import REVIEW
from pipeline.steward_relations import relations
from pipeline.timers import fire_due
from sandbox.factory.model import OpenPurchase, SystemName
from sandbox.factory.views import dirt, material_views
from store import crosswalk, notices, quarantine, tasks
from store.tasks import Task, TaskState, Verdict
from tests.e2e.oracle import Expected
from tests.e2e.plant import Plant

pytestmark = pytest.mark.timeout(600)
LI = Actor("person", "li.wei")
SEEN_FIRST = 3
"""Orders that ask for the same thing before anybody is told."""


def told(hub: Hub, audience: str) -> dict[str, str]:
    """Key → English text of what an audience was told, the latest of each."""
    with hub.store.read() as tx:
        return {one.key: one.text["en"] for one in reversed(notices.listed(tx, audience, limit=None))}


def reviews(hub: Hub) -> dict[tuple[str, str], Task]:
    """(Order, reviewer) → its newest review."""
    with hub.store.read() as tx:
        found = sorted(tasks.listed(tx, get_args(TaskState), limit=None), key=attrgetter("number"))
    return {(task.key, task.owner): task for task in found if task.kind == REVIEW}


def settle(hub: Hub, order: str, owner: str, verdict: Verdict, note: str | None = None) -> None:
    number = reviews(hub)[order, owner].number
    assert number is not None
    with hub.store.begin() as tx:
        assert tasks.close(tx, number, verdict, LI, hub.now(), note=note)


def notes(plant: Plant) -> dict[str, str | None]:
    """Order → the note the customer desk reads last."""
    return {row["reference"]: row["content"].get("Note__c") for row in plant.ledger("crm")}


@pytest.fixture
def custom(expected: Expected) -> list[str]:
    return sorted(number for number, order in expected.orders.items() if order.custom)


@pytest.fixture
def hub(plant: Plant) -> Iterator[Hub]:
    opened = plant.hub()
    yield opened
    opened.close()


def test_what_lies_below_its_safety_stock_is_proposed(plant: Plant, expected: Expected, hub: Hub) -> None:
    proposals = {**told(hub, "purchasing"), **told(hub, "planner")}
    assert {key.removeprefix("low|") for key in proposals if key.startswith("low|")} == _below_safety(expected)


def test_golden_codes_stand_on_the_records_of_the_crm(plant: Plant, expected: Expected, hub: Hub) -> None:
    """By the CRM's own ledger: each once, the true drawing number of the product, and none where it is held back."""
    written: defaultdict[str, list[str]] = defaultdict(list)
    for row in plant.ledger("crm"):
        if "Golden_Code__c" in row["content"]:
            written[row["document"]].append(row["content"]["Golden_Code__c"])
    products = [record for page in hub.connector("crm").read("products") for record in page.records]
    true = {material.serial: material.drawing_number for material in expected.plant.materials}
    drawings = {view.code: true[view.serial] for view in material_views(expected.plant, "crm")}
    said = {record["ProductCode"]: written[record["Id"]] for record in products}
    with hub.store.read() as tx:
        held = {row.rejection.source_key.removeprefix("crm:") for row in quarantine.listed(tx, entity="item")}
    assert held & said.keys()
    assert said == {code: [] if code in held else [drawings[code]] for code in said}
    assert len(written) > len(products), "accounts too"


def test_parent_companies_of_the_crm_stand_between_golden_records(plant: Plant, hub: Hub) -> None:
    accounts = [record for page in hub.connector("crm").read("accounts") for record in page.records]
    with hub.store.read() as tx:
        walk = crosswalk.crosswalk_frame(tx, "partner").to_dicts()
    golden_of = {row["native_id"]: row["golden_id"] for row in walk if row["system"] == "crm"}
    ends = {(golden_of[one["Id"]], golden_of[one["ParentId"]]) for one in accounts if one["ParentId"]}
    (group,) = {parent for _, parent in ends}
    assert len(ends) > 1
    found = relations(hub, "partner", group)
    assert {(one.of, one.to) for one in found} == {(of, to) for of, to in ends if of != to}
    assert {(one.kind, one.origin, one.number) for one in found} == {("parent", "system:crm", None)}


def _below_safety(expected: Expected) -> set[str]:
    """Drawing numbers of what is not there and not on its way as much as it should be, by the plant's own books."""
    there: defaultdict[int, Decimal] = defaultdict(Decimal)
    shelved, mastered = _known(expected, "wms"), _known(expected, "erp")
    for lot in expected.plant.stock:
        if lot.status == "available" and lot.quantity > 0 and lot.material in shelved:
            there[lot.material] += lot.quantity
    for bought in expected.plant.purchases:
        there[bought.material] += bought.quantity
    for work in expected.plant.work:
        there[work.material] += work.quantity
    return {
        one.drawing_number
        for one in expected.plant.materials
        if there[one.serial] < one.safety_stock and not one.obsolete and one.serial in mastered
    }


def _known(expected: Expected, system: SystemName) -> set[int]:
    """The materials whose record in a system can be told to be of them."""
    return {view.serial for view in material_views(expected.plant, system) if view.spoilt in {None, "duplicate"}}


def test_people_settle_and_suppliers_let_down(plant: Plant, expected: Expected, custom: list[str], hub: Hub) -> None:
    agreed, refused, half, *waiting = custom
    assert set(reviews(hub)) == {(order, owner) for order in custom for owner in ("production", "supply")}
    assert all("in review" in str(notes(plant)[order]) for order in custom)
    for order in (agreed, refused):
        settle(hub, order, "supply", "done")
    settle(hub, half, "production", "done")
    settle(hub, agreed, "production", "done")
    settle(hub, refused, "production", "refused", "no such steel")
    late, rejected = _risky(expected)
    plant.control(
        "erp", "edit", {"purchase": late.number, "due": (expected.plant.today - timedelta(days=1)).isoformat()}
    )
    plant.control("erp", "edit", {"purchase": rejected.number, "refused": True})
    asked = _asked_in_vain(plant, expected)

    plant.run_pass()

    sales = told(hub, "sales")
    assert set(sales) == {f"review|{agreed}", f"review|{refused}"}
    assert "no such steel" in sales[f"review|{refused}"]
    written = notes(plant)
    assert written[agreed] is None
    assert "no such steel" in str(written[refused])
    assert "in review" in str(written[half])
    purchasing = told(hub, "purchasing")
    risks = {key.split("|")[0]: text for key, text in purchasing.items() if key.split("|")[0] in {"late", "rejected"}}
    assert set(risks) == {"late", "rejected"}
    for bought, text in ((late, risks["late"]), (rejected, risks["rejected"])):
        assert bought.number in text
        assert f"Alternate: {_alternate(expected, bought)} " in text
    assert [text.split()[4] for text in told(hub, "product_owner").values()] == [f"crm:{asked},"]

    _nobody_is_late_twice(plant, expected, {half, *waiting}, set(waiting))


def _risky(expected: Expected) -> tuple[OpenPurchase, OpenPurchase]:
    """Two purchases of things somebody else delivers as well."""
    found = [one for one in expected.plant.purchases if _offers(expected, one.material)[1:]]
    return found[0], found[1]


def _offers(expected: Expected, material: int) -> list[int]:
    """Suppliers of a material, the one tried first in front."""
    agreed = [one for one in expected.plant.agreements if one.material == material]
    return [one.supplier for one in sorted(agreed, key=lambda one: one.priority)]


def _alternate(expected: Expected, bought: OpenPurchase) -> str:
    """The tax number of the first supplier who is not the one that let us down: the golden id of a partner."""
    serial = next(serial for serial in _offers(expected, bought.material) if serial != bought.supplier)
    return next(one.tax_number for one in expected.plant.suppliers if one.serial == serial)


def _asked_in_vain(plant: Plant, expected: Expected) -> str:
    """Two more customers want what stands in the CRM and nowhere else; answers its code there."""
    number, line = dirt(expected.plant).held_lines[0]
    material = next(row.material for row in expected.orders[number].lines if row.line == line)
    code = expected.views["crm"][material].code
    calm = [order for order in sorted(expected.orders) if order not in expected.held][: SEEN_FIRST - 1]
    for order in calm:
        plant.control("crm", "edit", {"order": order, "line": 1, "product": code})
    return code


def _nobody_is_late_twice(plant: Plant, expected: Expected, by_supply: set[str], by_production: set[str]) -> None:
    """Ten days on, whoever has not reviewed is reported to their own manager, once."""
    later = plant.hub(MILLSTREAM_AS_OF=(expected.plant.today + timedelta(days=10)).isoformat())
    run = later.new_run(Actor("run", "later"))
    fired = fire_due(later, run)
    assert fired.rules["review-by-supply"] == len(by_supply)
    assert fired.rules["review-by-production"] == len(by_production)
    assert {key for key in told(later, "supply_manager") if key.startswith("review|")} == {
        f"review|{order}" for order in by_supply
    }
    assert {key for key in told(later, "production_manager") if key.startswith("review|")} == {
        f"review|{order}" for order in by_production
    }
    assert fire_due(later, run).timers == 0
    later.close()
