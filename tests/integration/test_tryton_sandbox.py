"""A real Tryton: it builds, copies, starts, plans and takes productions and requisitions."""

from __future__ import annotations

import datetime as dt
import stat
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sandbox.tryton import server, supply
from sandbox.tryton.rpc import Session, TrytonRefused
from sandbox.tryton.server import Plant

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    if reason := server.not_ready():
        pytest.skip(reason)
    return server.build(tmp_path_factory.mktemp("tryton"))


@pytest.fixture(scope="module")
def session(plant: Plant) -> Iterator[Session]:
    with server.served(plant) as url:
        yield plant.session(url)


def test_build__secrets__are_readable_by_the_owner_alone(plant: Plant) -> None:
    for name in ("password", "plant.json"):
        assert stat.S_IMODE((plant.folder / name).stat().st_mode) == 0o600


def test_supply__on_a_copy__proposes_and_leaves_the_original_alone(plant: Plant, session: Session) -> None:
    totals = supply.supply_totals(plant)
    assert totals["documents"]["productions"] >= len(totals["productions"]) > 10
    assert all(quantity > 0 for quantity in (*totals["productions"].values(), *totals["purchases"].values()))
    assert not totals["productions"].keys() & totals["purchases"].keys()
    assert supply.proposals(session)["documents"] == {"productions": 0, "purchases": 0}
    assert not plant.databases.exists(f"{plant.database}_supply")


def test_production__with_moves__waits_and_is_found_by_reference(session: Session) -> None:
    made = session.create("production", [production(session, "MS-1", 3.0)])
    session.call("model.production.wait", made)
    (found,) = [row for row in supply.productions(session) if row["reference"] == "MS-1"]
    assert found["state"] == "waiting"
    assert found["outputs"] == {found["item"]: Decimal(3)}
    assert found["inputs"]
    with pytest.raises(TrytonRefused, match="not allowed to modify"):
        session.call("model.production.write", made, {"quantity": 9.0})


def test_requisition__waiting__is_found_by_description(session: Session) -> None:
    (part,) = session.search_read("product.product", [["purchasable", "=", True]], ["code", "default_uom"])[:1]
    line = {"product": part["id"], "quantity": 12.0, "unit": part["default_uom"]}
    values = {
        "description": "MS-2",
        "employee": session.context["employee"],
        "company": session.context["company"],
        "warehouse": warehouse(session)["id"],
        "supply_date": dt.date(2030, 1, 2),
        "lines": [["create", [line]]],
    }
    made = session.create("purchase.requisition", [values])
    session.call("model.purchase.requisition.wait", made)
    (found,) = [row for row in supply.requisitions(session) if row["description"] == "MS-2"]
    assert (found["state"], found["lines"]) == ("waiting", {part["code"]: Decimal(12)})


def warehouse(session: Session) -> dict[str, Any]:
    fields = ["storage_location", "production_location"]
    (found,) = session.search_read("stock.location", [["type", "=", "warehouse"]], fields)
    return found


def production(session: Session, reference: str, quantity: float) -> dict[str, Any]:
    """A production of the first made item, with the moves of its bill."""
    inputs = ["boms.bom.inputs.product", "boms.bom.inputs.quantity", "boms.bom.inputs.unit"]
    product = session.search_read("product.product", [["producible", "=", True]], ["default_uom", "boms.bom", *inputs])[
        0
    ]
    place, company = warehouse(session), session.context["company"]
    storage, floor = place["storage_location"], place["production_location"]
    bill = product["boms."][0]
    taken = [
        {
            "product": line["product"],
            "quantity": line["quantity"] * quantity,
            "unit": line["unit"],
            "from_location": storage,
            "to_location": floor,
            "company": company,
        }
        for line in bill["bom."]["inputs."]
    ]
    given = {
        "product": product["id"],
        "quantity": quantity,
        "unit": product["default_uom"],
        "from_location": floor,
        "to_location": storage,
        "company": company,
        "currency": session.search_read("currency.currency", [], ["code"])[0]["id"],
        "unit_price": Decimal(0),
    }
    return {
        "reference": reference,
        "product": product["id"],
        "bom": bill["bom"],
        "quantity": quantity,
        "unit": product["default_uom"],
        "company": company,
        "warehouse": place["id"],
        "location": floor,
        "planned_start_date": dt.date(2030, 1, 2),
        "planned_date": dt.date(2030, 1, 5),
        "inputs": [["create", taken]],
        "outputs": [["create", [given]]],
    }


def test_opened__no_plant__says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        server.opened(tmp_path)
