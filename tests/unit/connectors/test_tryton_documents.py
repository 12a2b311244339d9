"""A mapped payload becomes a production with the moves of its bill, or a requisition."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from canonical.errors import UnmappableRecord
from connectors.tryton.documents import Documents, Plant, rounded_up

WAREHOUSE = {
    "id": 5, "code": "WH", "storage_location": 3, "production_location": 9,
    "production_picking_location": None, "production_output_location": None,
}  # fmt: skip
PLANT = Plant(1, 4, 2, {"u": 1, "oz": 8}, {"WH": WAREHOUSE}, {"Shop floor": 6})


def product(code: str = "BIKE", *, phantom: int | None = None) -> dict[str, Any]:
    line = {"product": 11, "phantom_bom": phantom, "quantity": Decimal("0.35"), "unit": {"id": 8, "rounding": 0.01}}
    outputs = [{"product": 10, "quantity": Decimal(2), "unit": 1}]
    return {"id": 10, "code": code, "boms": [{"routing": 7, "bom": {"id": 20, "inputs": [line], "outputs": outputs}}]}


def documents(*products: dict[str, Any]) -> Documents:
    def ask(method: str, params: list[Any]) -> Any:
        assert method == "model.product.product.search_read"
        return [found for found in products if found["code"] in params[0][0][2]]

    return Documents(ask, PLANT)


def payload(**changes: Any) -> dict[str, Any]:
    days = {"planned_start_date": "2026-11-23", "planned_date": "2026-11-27"}
    return {"reference": "MS-1", "product": "BIKE", "quantity": 5, "unit": "u", **days, **changes}


def test_production__plain_bill__takes_and_gives_what_the_bill_says() -> None:
    values = documents(product()).production(payload())
    ((_, inputs),), ((_, outputs),) = values["inputs"], values["outputs"]
    taken = {"product": 11, "quantity": 0.88, "unit": 8, "company": 1, "from_location": 3, "to_location": 9}
    assert inputs == [taken]  # 0.35 for two, five wanted, rounded up to the unit's hundredth
    assert outputs[0]["quantity"] == 5
    assert (outputs[0]["from_location"], outputs[0]["to_location"], outputs[0]["currency"]) == (9, 3, 2)
    assert (values["routing"], values["work_center"]) == (7, 6)


def test_production__phantom_in_the_bill__is_exploded_by_tryton() -> None:
    made = documents(product(phantom=30))
    move = {
        "product": {"id": 12},
        "quantity": 4.0,
        "unit": {"id": 1},
        "from_location": 3,
        "to_location": 9,
        "company": 1,
    }

    def ask(method: str, params: list[Any]) -> Any:
        if method == "model.production.on_change":
            return {"inputs": {"add": [[0, move]]}, "outputs": {"add": [[0, move]]}}
        return [product(phantom=30)]

    made.ask = ask
    ((_, inputs),) = made.production(payload())["inputs"]
    assert (inputs[0]["product"], inputs[0]["unit"], inputs[0]["quantity"]) == (12, 1, 4.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"product": "NOPE"}, "no product 'NOPE'"),
        ({"unit": "box"}, "no unit 'box'"),
        ({"warehouse": "W9"}, "no warehouse 'W9'"),
        ({"work_centre": "Moon"}, "no work centre 'Moon'"),
    ],
)
def test_production__unknown_code__is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UnmappableRecord, match=message):
        documents(product()).production(payload(**changes))


def test_production__item_without_a_bill__is_refused() -> None:
    bare = {"id": 10, "code": "BIKE", "boms": []}
    with pytest.raises(UnmappableRecord, match="has no BOM"):
        documents(bare).production(payload())


def test_requisition__lines__carry_ids_and_the_employee() -> None:
    line = {"product": "BIKE", "quantity": 12, "unit": "u"}
    values = documents(product()).requisition({"description": "MS-2", "supply_date": "2026-12-01", "lines": [line]})
    assert values["lines"] == [["create", [{"product": 10, "quantity": 12, "unit": 1}]]]
    assert (values["employee"], values["warehouse"], values["description"]) == (4, 5, "MS-2")


@pytest.mark.parametrize(
    ("quantity", "rounding", "expected"),
    [("0.875", 0.01, 0.88), ("3", 1, 3), ("2.0000001", 1, 3), ("0.3", 0.1, 0.3), ("7.00", 0.01, 7)],
)
def test_rounded_up__to_the_unit(quantity: str, rounding: float, expected: float) -> None:
    assert rounded_up(Decimal(quantity), rounding) == expected
