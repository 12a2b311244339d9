"""The plant that is loaded into Tryton, as plain values.

No wire, no clock, no randomness beyond the seed. AdventureWorks is read where its CSV files
are; otherwise a bicycle-like plant is generated.
"""

from __future__ import annotations

import csv
import dataclasses
import json
import random
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

PIECE, OUNCE, INCH = "u", "oz", "in"
SHIP_IN_DAYS = (56, 63, 70, 77, 84)  # late enough for the longest chain of lead times
UNIT_OF_CODE = {"EA": PIECE, "OZ": OUNCE, "IN": INCH}


@dataclass(frozen=True, slots=True)
class Item:
    """A product. `lead_days` is the production lead time and 0 for bought parts."""

    code: str
    name: str
    unit: str
    made: bool
    sold: bool
    cost: Decimal
    list_price: Decimal
    lead_days: int = 0
    safety_stock: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class BomLine:
    """`quantity` of `component`, in `unit`, for one piece of the assembly."""

    assembly: str
    component: str
    quantity: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """What a supplier asks for an item: price per stocking unit and days to deliver."""

    supplier: str
    item: str
    lead_days: int
    price: Decimal


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One item of a sales order: pieces, and the price of one."""

    item: str
    quantity: Decimal
    price: Decimal


@dataclass(frozen=True, slots=True)
class SalesOrder:
    """A confirmed order; `ship_in_days` counts from the day the plant is loaded."""

    reference: str
    customer: str
    ship_in_days: int
    lines: tuple[OrderLine, ...]


@dataclass(frozen=True, slots=True)
class Factory:
    """Everything that is loaded. `steps` names the operations of each assembly in order."""

    origin: str
    items: tuple[Item, ...]
    bom_lines: tuple[BomLine, ...]
    steps: dict[str, tuple[str, ...]]
    suppliers: dict[str, str]
    agreements: tuple[Agreement, ...]
    customers: dict[str, str]
    stock: dict[str, Decimal]
    orders: tuple[SalesOrder, ...]
    horizon_days: int = field(default=120)

    def as_json(self) -> str:
        """Return a canonical JSON text; equal plants have equal texts."""
        return json.dumps(dataclasses.asdict(self), default=str, sort_keys=True, indent=1)


def rows(folder: Path, table: str) -> list[dict[str, str]]:
    """Read one AdventureWorks table."""
    with (folder / f"{table}.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def from_adventureworks(folder: Path, *, bikes: int = 4, orders: int = 32, seed: int = 7) -> Factory:
    """Return the part of AdventureWorks that `bikes` bicycles of different models need.

    Bills in force only. Stock is a fifth of what the tables say, so that every level has
    something left to plan, and a third of it is the safety stock. Sales are not in AdventureWorks:
    they are drawn from `seed`.
    """
    products = {row["ProductID"]: row for row in rows(folder, "Product")}
    bills: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in rows(folder, "BillOfMaterials"):
        if not row["EndDate"] and row["ProductAssemblyID"]:
            bills[row["ProductAssemblyID"]].append(row)
    tops = _one_bike_per_model(products, bills, bikes)
    wanted = _with_components(tops, bills)
    code_of = {key: products[key]["ProductNumber"] for key in wanted}
    lines = tuple(
        BomLine(
            code_of[key],
            code_of[row["ComponentID"]],
            Decimal(row["PerAssemblyQty"]),
            UNIT_OF_CODE[row["UnitMeasureCode"]],
        )
        for key in wanted
        for row in bills.get(key, ())
    )
    used_in = {line.component: line.unit for line in lines}
    items = tuple(_aw_item(products[key], used_in, made=key in bills, sold=key in tops) for key in wanted)
    agreements, suppliers = _aw_agreements(folder, wanted, bills, code_of)
    counted: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows(folder, "ProductInventory"):
        if row["ProductID"] in code_of:
            counted[code_of[row["ProductID"]]] += Decimal(row["Quantity"])
    stock = {code: quantity // 5 for code, quantity in sorted(counted.items())}
    customers = {f"C{row['BusinessEntityID']}": row["Name"] for row in rows(folder, "Store")[:30]}
    return Factory(
        origin="adventureworks",
        items=_with_safety_stock(items, stock),
        bom_lines=lines,
        steps={item.code: _steps(item) for item in items if item.made},
        suppliers=suppliers,
        agreements=agreements,
        customers=customers,
        stock=stock,
        orders=_orders(items, customers, orders, seed),
    )


def generated(*, orders: int = 32, seed: int = 7) -> Factory:
    """Return a made-up bicycle maker: 5 bikes, shared assemblies, four levels, bought parts."""
    rng = random.Random(seed)
    levels = {"WHEEL": 10, "FRAME": 10, "BRAKE": 8, "HUB": 8, "TUBE": 8, "FORK": 4, "CRANK": 4}
    parts = [f"PART-{number:03d}" for number in range(1, 66)]
    metal = [f"BAR-{number:02d}" for number in range(1, 6)]
    lines = _generated_bills(rng, levels, parts, metal)
    assemblies = {line.assembly for line in lines}
    codes = sorted(assemblies | {line.component for line in lines})
    items = tuple(_generated_item(rng, code, assemblies) for code in codes)
    suppliers = {f"V{number:03d}": f"Supplier {number:03d}" for number in range(1, 21)}
    agreements = tuple(
        Agreement(supplier, item.code, rng.randint(3, 12), item.cost + place)
        for item in items
        if not item.made
        for place, supplier in enumerate(rng.sample(sorted(suppliers), 2))
    )
    customers = {f"C{number:03d}": f"Cycle shop {number:03d}" for number in range(1, 31)}
    stock = {item.code: Decimal(rng.randint(0, 90)) for item in items}
    return Factory(
        origin="generated",
        items=_with_safety_stock(items, stock),
        bom_lines=tuple(lines),
        steps={item.code: _steps(item) for item in items if item.made},
        suppliers=suppliers,
        agreements=agreements,
        customers=customers,
        stock=stock,
        orders=_orders(items, customers, orders, seed),
    )


def read_factory(adventureworks: Path | None) -> Factory:
    """Return AdventureWorks where its tables are, otherwise the generated plant."""
    if adventureworks is not None and (adventureworks / "BillOfMaterials.csv").exists():
        return from_adventureworks(adventureworks)
    return generated()


def _one_bike_per_model(products: dict[str, dict[str, str]], bills: dict[str, Any], count: int) -> dict[str, None]:
    seen: dict[str, str] = {}
    for key, row in products.items():
        if row["ProductNumber"].startswith("BK-") and key in bills:
            seen.setdefault(row["ProductModelID"], key)
    return dict.fromkeys(list(seen.values())[:count])


def _with_components(tops: dict[str, None], bills: dict[str, list[dict[str, str]]]) -> list[str]:
    found = dict(tops)
    waiting = list(tops)
    while waiting:
        for row in bills.get(waiting.pop(), ()):
            if row["ComponentID"] not in found:
                found[row["ComponentID"]] = None
                waiting.append(row["ComponentID"])
    return list(found)


def _aw_item(row: dict[str, str], used_in: dict[str, str], *, made: bool, sold: bool) -> Item:
    code = row["ProductNumber"]
    return Item(
        code=code,
        name=row["Name"],
        unit=used_in.get(code, PIECE),
        made=made,
        sold=sold,
        cost=Decimal(row["StandardCost"] or 0),
        list_price=Decimal(row["ListPrice"] or 0),
        lead_days=int(row["DaysToManufacture"]) if made else 0,
    )


def _aw_agreements(
    folder: Path, wanted: list[str], bills: dict[str, Any], code_of: dict[str, str]
) -> tuple[tuple[Agreement, ...], dict[str, str]]:
    names = {row["BusinessEntityID"]: row["Name"] for row in rows(folder, "Vendor")}
    bought = {key for key in wanted if key not in bills}
    taken = [row for row in rows(folder, "ProductVendor") if row["ProductID"] in bought]
    agreements = tuple(
        Agreement(
            f"V{row['BusinessEntityID']}",
            code_of[row["ProductID"]],
            int(row["AverageLeadTime"]),
            Decimal(row["StandardPrice"]),
        )
        for row in taken
    )
    suppliers = {f"V{row['BusinessEntityID']}": names[row["BusinessEntityID"]] for row in taken}
    return agreements, suppliers


def _generated_bills(rng: random.Random, levels: dict[str, int], parts: list[str], metal: list[str]) -> list[BomLine]:
    def pick(family: str) -> str:
        return f"{family}-{rng.randint(1, levels[family]):02d}"

    def bill(assembly: str, assemblies: list[tuple[str, int]], bought: int) -> list[BomLine]:
        made = [BomLine(assembly, pick(name), Decimal(n), PIECE) for name, n in assemblies]
        some = rng.sample(parts, bought)
        return made + [BomLine(assembly, part, Decimal(rng.randint(1, 6)), PIECE) for part in some]

    structure: dict[str, tuple[list[tuple[str, int]], int]] = {
        "WHEEL": ([("HUB", 1)], 4),
        "FRAME": ([("TUBE", 3), ("FORK", 1)], 2),
        "BRAKE": ([], 5),
        "HUB": ([], 4),
        "FORK": ([("TUBE", 1)], 2),
        "CRANK": ([], 4),
    }
    lines = [
        line
        for family, (below, bought) in structure.items()
        for number in range(1, levels[family] + 1)
        for line in bill(f"{family}-{number:02d}", below, bought)
    ]
    for number in range(1, levels["TUBE"] + 1):
        length = Decimal(rng.randint(40, 120)) / 4
        lines.append(BomLine(f"TUBE-{number:02d}", rng.choice(metal), length, INCH))
    whole = [("FRAME", 1), ("WHEEL", 2), ("BRAKE", 2), ("CRANK", 1)]
    for number in range(1, 6):
        lines += bill(f"BIKE-{number:02d}", whole, 6)
    return lines


def _generated_item(rng: random.Random, code: str, assemblies: set[str]) -> Item:
    made = code in assemblies
    cost = Decimal(rng.randint(50, 9000)) / 100
    return Item(
        code=code,
        name=code.replace("-", " ").title(),
        unit=INCH if code.startswith("BAR-") else PIECE,
        made=made,
        sold=code.startswith("BIKE-"),
        cost=cost,
        list_price=cost * 3,
        lead_days=rng.randint(1, 3) if made else 0,
    )


def _with_safety_stock(items: tuple[Item, ...], stock: dict[str, Decimal]) -> tuple[Item, ...]:
    """A third of what lies there is to be kept there.

    Never more than lies there: what is short today would be made of parts due before today, which Tryton leaves out.
    """
    return tuple(dataclasses.replace(item, safety_stock=stock.get(item.code, Decimal(0)) // 3) for item in items)


def _steps(item: Item) -> tuple[str, ...]:
    return ("Prepare", "Assemble", "Test") if item.sold else ("Prepare", "Assemble")


def _orders(items: tuple[Item, ...], customers: dict[str, str], count: int, seed: int) -> tuple[SalesOrder, ...]:
    rng = random.Random(seed)
    sold = [item for item in items if item.sold]

    def order(number: int) -> SalesOrder:
        chosen = rng.sample(sold, 1)
        lines = tuple(OrderLine(item.code, Decimal(rng.randint(2, 25)), item.list_price) for item in chosen)
        customer = rng.choice(sorted(customers))
        return SalesOrder(f"PO-{number:05d}", customer, rng.choice(SHIP_IN_DAYS), lines)

    return tuple(order(number) for number in range(1, count + 1))
