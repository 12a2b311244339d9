"""From a mapped payload to Tryton's own values: codes become ids, a production gets the moves of its bill.

Tryton accepts a production without moves and then consumes nothing, so its bill is exploded here: plainly
where it has one output and no phantom, by Tryton itself where it has more to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_CEILING, Decimal
from typing import Any

from canonical.errors import UnmappableRecord
from connectors.tryton.typed import typed

Ask = Callable[[str, list[Any]], Any]
"""Calls a method with these parameters and gives its plain result."""
Values = dict[str, Any]

PRODUCT_FIELDS = [
    "code", "default_uom", "boms.bom", "boms.routing", "boms.bom.outputs.product", "boms.bom.outputs.quantity",
    "boms.bom.outputs.unit", "boms.bom.inputs.product", "boms.bom.inputs.phantom_bom", "boms.bom.inputs.quantity",
    "boms.bom.inputs.unit", "boms.bom.inputs.unit.rounding",
]  # fmt: skip
WAREHOUSE_FIELDS = [
    "code", "storage_location", "production_location", "production_picking_location", "production_output_location",
]  # fmt: skip
MOVE_FIELDS = ("product", "quantity", "unit", "from_location", "to_location", "company")


@dataclass(frozen=True, slots=True)
class Plant:
    """What seldom changes in a Tryton: units by symbol, warehouses by code, work centres by name, the company."""

    company: int
    employee: int | None
    currency: int
    units: Mapping[str, int]
    warehouses: Mapping[str, Values]
    work_centres: Mapping[str, int]

    def unit(self, symbol: str) -> int:
        """A unit's id; raise `UnmappableRecord` for an unknown symbol."""
        return int(_named(self.units, symbol, "unit"))

    def warehouse(self, code: str | None) -> Values:
        """A warehouse by code, or the only one."""
        if code is None and len(self.warehouses) == 1:
            return next(iter(self.warehouses.values()))
        return dict(_named(self.warehouses, code or "", "warehouse"))

    def work_centre(self, name: str | None) -> int | None:
        """A work centre by name, or the first one; None where there is none."""
        if name is None:
            return next(iter(self.work_centres.values()), None)
        return int(_named(self.work_centres, name, "work centre"))


def _named(known: Mapping[str, Any], name: str, what: str) -> Any:  # noqa: ANN401 - an id or a record
    if name not in known:
        raise UnmappableRecord(f"Tryton has no {what} {name!r}", hint=f"known: {', '.join(sorted(known))}")
    return known[name]


def read_plant(ask: Ask, preferences: Mapping[str, Any]) -> Plant:
    """Ask for the plant's fixed points; raise `UnmappableRecord` where the user belongs to no company."""
    if not preferences.get("company"):
        raise UnmappableRecord("the Tryton user belongs to no company")
    company = int(preferences["company"])

    def all_of(model: str, domain: list[Any], fields: list[str]) -> list[Values]:
        return list(ask(f"model.{model}.search_read", [domain, 0, None, [["id", "ASC"]], fields]))

    places = all_of("stock.location", [["type", "=", "warehouse"]], WAREHOUSE_FIELDS)
    return Plant(
        company=company,
        employee=preferences.get("employee"),
        currency=all_of("company.company", [["id", "=", company]], ["currency"])[0]["currency"],
        units={row["symbol"]: row["id"] for row in all_of("product.uom", [], ["symbol"])},
        warehouses={row["code"] or str(row["id"]): row for row in places},
        work_centres={row["name"]: row["id"] for row in all_of("production.work.center", [], ["name"])},
    )


@dataclass(slots=True)
class Documents:
    """Builds values for one batch of requests; products are read once for all of them."""

    ask: Ask
    plant: Plant
    products: dict[str, Values] = field(default_factory=dict)

    def fetch_products(self, codes: Sequence[str]) -> None:
        """Read products and their bills by code, those not read yet in one call."""
        wanted = sorted(set(codes) - self.products.keys())
        if wanted:
            domain = [["code", "in", wanted]]
            found = self.ask("model.product.product.search_read", [domain, 0, None, [["id", "ASC"]], PRODUCT_FIELDS])
            self.products.update({row["code"]: row for row in reversed(found)})

    def product(self, code: str) -> Values:
        """A product by code; raise `UnmappableRecord` for an unknown one."""
        self.fetch_products([code])
        return dict(_named(self.products, code, "product"))

    def requisition(self, payload: Mapping[str, Any]) -> Values:
        """A requisition with its lines."""
        if self.plant.employee is None:
            raise UnmappableRecord("the Tryton user is no employee", hint="a requisition needs one")
        lines = [
            {
                "product": self.product(line["product"])["id"],
                "quantity": line["quantity"],
                "unit": self.plant.unit(line["unit"]),
            }
            for line in payload["lines"]
        ]
        return {
            "description": payload["description"],
            "company": self.plant.company,
            "employee": self.plant.employee,
            "warehouse": self.plant.warehouse(payload.get("warehouse"))["id"],
            "supply_date": _day(payload["supply_date"]),
            "lines": [["create", lines]],
        }

    def production(self, payload: Mapping[str, Any]) -> Values:
        """A production with the moves of its bill."""
        product, place = self.product(payload["product"]), self.plant.warehouse(payload.get("warehouse"))
        chosen = next(iter(product["boms"]), None)
        if chosen is None:
            raise UnmappableRecord(f"product {payload['product']!r} has no BOM in Tryton")
        head = {
            "product": product["id"],
            "bom": chosen["bom"]["id"],
            "quantity": payload["quantity"],
            "unit": self.plant.unit(payload["unit"]),
            "company": self.plant.company,
            "warehouse": place["id"],
            "location": place["production_location"],
            "planned_start_date": _day(payload["planned_start_date"]),
            "planned_date": _day(payload["planned_date"]),
        }
        inputs, outputs = self._moves(head, product, chosen["bom"], place)
        works = {"routing": chosen["routing"], "work_center": self.plant.work_centre(payload.get("work_centre"))}
        return {
            "reference": payload["reference"],
            **head,
            **(works if chosen["routing"] else {}),
            "inputs": [["create", inputs]],
            "outputs": [["create", outputs]],
        }

    def _moves(self, head: Values, product: Values, bom: Values, place: Values) -> tuple[list[Values], list[Values]]:
        outputs = bom["outputs"]
        simple = len(outputs) == 1 and outputs[0]["product"] == product["id"] and outputs[0]["unit"] == head["unit"]
        if not simple or any(line["phantom_bom"] for line in bom["inputs"]):
            return self._exploded(head)
        storage, floor = place["storage_location"], head["location"]
        taken = {"from_location": place["production_picking_location"] or storage, "to_location": floor}
        given = {"from_location": floor, "to_location": place["production_output_location"] or storage}
        factor = _number(head["quantity"]) / _number(outputs[0]["quantity"])
        inputs = [
            {
                "product": line["product"],
                "quantity": rounded_up(factor * _number(line["quantity"]), line["unit"]["rounding"]),
                "unit": line["unit"]["id"],
                "company": head["company"],
                **taken,
            }
            for line in bom["inputs"]
        ]
        made = {"product": product["id"], "quantity": head["quantity"], "unit": head["unit"], **given}
        return inputs, [{**made, "company": head["company"], **self._price()}]

    def _exploded(self, head: Values) -> tuple[list[Values], list[Values]]:
        """Tryton's own explosion, which knows phantoms, by-products and units."""
        asked = {**head, "type": "assembly", "state": "draft", "inputs": [], "outputs": []}
        found = self.ask("model.production.on_change", [asked, ["bom"]])
        inputs, outputs = (
            [{name: _id(move[name]) for name in MOVE_FIELDS} for _, move in found.get(side, {}).get("add", [])]
            for side in ("inputs", "outputs")
        )
        return inputs, [{**move, **self._price()} for move in outputs]

    def _price(self) -> Values:
        """What Tryton wants of an output; it works the price out when the production is done."""
        return {"currency": self.plant.currency, "unit_price": typed(Decimal(0))}


def _id(value: Any) -> Any:  # noqa: ANN401 - an id, a quantity, or a related record with its id
    return value["id"] if isinstance(value, dict) else value


def rounded_up(quantity: Decimal, rounding: object) -> int | float:
    """A quantity as Tryton explodes it: up to the next whole step of the unit, as a JSON number."""
    step = _number(rounding)
    steps = (quantity / step).to_integral_value(rounding=ROUND_CEILING)
    exact = steps * step
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def _number(value: object) -> Decimal:
    return Decimal(str(value))


def _day(text: str) -> Values:
    return typed(date.fromisoformat(text))
