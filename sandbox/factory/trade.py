"""What customers ordered, what lies in the warehouses, what is under way."""

# ruff: noqa: PLR2004 - shares and sizes of a made-up plant need no names
from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Final, Literal

from sandbox.factory.model import (
    Material,
    OpenPurchase,
    OpenWork,
    Partner,
    SalesOrder,
    SalesOrderLine,
    StockLot,
    SupplierAgreement,
)
from sandbox.factory.structure import QUIET, SPARES, Structure

ORDERS: Final = 500
COVERED_SHARE: Final = 0.35  # of the order lines: their product lies finished in the warehouse
ADOPTED: Final = 20  # open work orders made for one sales order
UNPLEDGED: Final = 60  # open work orders for parts and assemblies, per unit of scale
PURCHASES: Final = 150
UNKNOWN_TO_SALES: Final = 3  # finished goods that stand in the CRM without drawing number


@dataclass(frozen=True, slots=True)
class Trade:
    """Orders and everything that may cover them."""

    orders: tuple[SalesOrder, ...]
    stock: tuple[StockLot, ...]
    purchases: tuple[OpenPurchase, ...]
    work: tuple[OpenWork, ...]


def trade(
    seed: int, scale: int, today: date, *, structure: Structure,
    customers: tuple[Partner, ...], agreements: tuple[SupplierAgreement, ...],
) -> Trade:  # fmt: skip
    """Orders first, then stock and supply so that a known share of the orders is covered."""
    orders = _orders(Random(f"{seed}:orders"), scale, today, structure, customers)
    covered = _covered(Random(f"{seed}:covered"), orders)
    stock = _stock(Random(f"{seed}:stock"), structure, orders, covered)
    work = _work(Random(f"{seed}:work"), scale, today, structure, orders=orders, covered=covered)
    return Trade(orders, stock, _purchases(Random(f"{seed}:purchases"), scale, today, structure, agreements), work)


def sold(structure: Structure) -> list[int]:
    """What may be ordered at will: finished goods and spares, without the quiet and the unnamed ones."""
    spares = structure.tiers["bought"][-QUIET - SPARES : -QUIET]
    return [*structure.tiers["finished"][: -QUIET - UNKNOWN_TO_SALES], *spares]


def unnamed(structure: Structure) -> list[int]:
    """The finished goods without drawing number in the CRM, each ordered exactly once."""
    return list(structure.tiers["finished"][-QUIET - UNKNOWN_TO_SALES : -QUIET])


def _orders(
    rng: Random, scale: int, today: date, structure: Structure, customers: tuple[Partner, ...]
) -> tuple[SalesOrder, ...]:
    pool, odd, count = sold(structure), unnamed(structure), ORDERS * scale
    buyers = customers[:-4]  # the last four have not ordered anything yet
    found: list[SalesOrder] = []
    for number in range(1, count + 1):
        left = count - number
        chosen = [odd[left]] if left < len(odd) else rng.sample(pool, rng.choice((1, 1, 1, 2, 2, 3)))
        lines = tuple(
            _line(rng, at, structure.materials[serial - 1], today) for at, serial in enumerate(chosen, start=1)
        )
        drawn = rng.random()
        ordered = today - timedelta(days=rng.randint(1, 30))
        buyer = rng.choice(buyers).serial
        found.append(SalesOrder(f"SO-26-{number:05d}", buyer, ordered, drawn < 0.08, drawn > 0.96, lines))
    return tuple(found)


def _line(rng: Random, line: int, material: Material, today: date) -> SalesOrderLine:
    if material.kind == "finished":
        quantity = rng.randint(1, 4) if material.standard_cost > 2000 else rng.randint(2, 12)
    else:
        quantity = (material.pieces_per_box or 1) * rng.randint(2, 10)
    price = (material.standard_cost * Decimal("1.35")).quantize(Decimal("0.01"))
    due = today + timedelta(days=rng.randint(5, 60))
    return SalesOrderLine(line, material.serial, Decimal(quantity), due, price)


def _by_product(orders: tuple[SalesOrder, ...]) -> dict[int, list[SalesOrderLine]]:
    found: dict[int, list[SalesOrderLine]] = {}
    for order in orders:
        for line in order.lines:
            found.setdefault(line.material, []).append(line)
    return found


def _covered(rng: Random, orders: tuple[SalesOrder, ...]) -> frozenset[int]:
    """Products whose every order line lies in stock: whoever is served first, the outcome is the same."""
    lines = _by_product(orders)
    wanted = COVERED_SHARE * sum(len(of) for of in lines.values())
    products = sorted(lines)
    rng.shuffle(products)
    chosen: set[int] = set()
    reached = 0
    for product in products:
        if reached >= wanted:
            break
        chosen.add(product)
        reached += len(lines[product])
    return frozenset(chosen)


def _stock(
    rng: Random, structure: Structure, orders: tuple[SalesOrder, ...], covered: frozenset[int]
) -> tuple[StockLot, ...]:
    lots: list[StockLot] = []
    for product, lines in sorted(_by_product(orders).items()):
        if product in covered:
            lots += _finished_lots(rng, product, lines)
    sellable = {*sold(structure), *unnamed(structure)}
    for material in structure.materials:
        if material.serial not in sellable and material.sourcing != "phantom" and rng.random() < 0.55:
            lots += _component_lots(rng, material)
    return tuple(lots + _negative_lots(structure))


def _finished_lots(rng: Random, product: int, lines: list[SalesOrderLine]) -> list[StockLot]:
    """Exactly what is ordered, in one lot a line, now and then beside a lot that must not be used."""
    lots = [
        StockLot(product, "WH3", f"L{product:05d}-{at}", line.quantity, "available")
        for at, line in enumerate(lines, start=1)
    ]
    if rng.random() < 0.15:
        lots.append(StockLot(product, "WH3", f"L{product:05d}-B", lines[0].quantity, "blocked"))
    return lots


def _component_lots(rng: Random, material: Material) -> list[StockLot]:
    step = Decimal(material.pieces_per_box or 1)
    warehouse: Literal["WH1", "WH2"] = "WH1" if material.sourcing == "buy" else "WH2"
    most = {"finished": 2, "assembly": 6, "part": 40}.get(material.kind, 400)
    lots = [
        StockLot(material.serial, warehouse, f"L{material.serial:05d}-{at}", step * rng.randint(1, most), "available")
        for at in range(1, rng.choice((2, 2, 3)))
    ]
    drawn = rng.random()
    if drawn < 0.08:
        status: Literal["blocked", "inspection"] = "blocked" if drawn < 0.04 else "inspection"
        lots.append(StockLot(material.serial, warehouse, f"L{material.serial:05d}-X", step * 3, status))
    return lots


def _negative_lots(structure: Structure) -> list[StockLot]:
    quiet = structure.tiers["bought"][-QUIET + 1 : -QUIET + 4]
    return [StockLot(serial, "WH1", f"L{serial:05d}-N", Decimal(-12 * at), "available")
            for at, serial in enumerate(quiet, start=1)]  # fmt: skip


def _work(
    rng: Random, scale: int, today: date, structure: Structure, *,
    orders: tuple[SalesOrder, ...], covered: frozenset[int],
) -> tuple[OpenWork, ...]:  # fmt: skip
    found: list[OpenWork] = []
    named = set(unnamed(structure))
    for order in orders:
        line, product = order.lines[0], structure.materials[order.lines[0].material - 1]
        fits = len(order.lines) == 1 and product.sourcing == "make" and product.serial not in covered | named
        if fits and len(found) < ADOPTED * scale:
            start = line.due - timedelta(days=product.lead_time_days + 1)
            due = line.due - timedelta(days=1)
            found.append(
                _work_order(
                    len(found), product.serial,
                    quantity=line.quantity, start=start, due=due, sales_order=order.number,
                )
            )  # fmt: skip
    tiers = structure.tiers
    parts = [serial for tier in ("made", "lower", "upper") for serial in tiers[tier][:-QUIET]]
    makeable = [serial for serial in parts if structure.materials[serial - 1].sourcing == "make"]
    for serial in rng.sample(makeable, UNPLEDGED * scale):
        start = today + timedelta(days=rng.randint(0, 10))
        due = start + timedelta(days=rng.randint(2, 6))
        quantity = Decimal(rng.randint(4, 30))
        found.append(_work_order(len(found), serial, quantity=quantity, start=start, due=due, sales_order=None))
    return tuple(found)


def _work_order(
    before: int, material: int, *, quantity: Decimal, start: date, due: date, sales_order: str | None
) -> OpenWork:
    return OpenWork(f"MO-26-{before + 1:05d}", material, quantity, start, due, sales_order)


def _purchases(
    rng: Random, scale: int, today: date, structure: Structure, agreements: tuple[SupplierAgreement, ...]
) -> tuple[OpenPurchase, ...]:
    usable = {*structure.tiers["raw"][:-QUIET], *structure.tiers["bought"][: -QUIET - SPARES]}
    first = [agreed for agreed in agreements if agreed.priority == 1 and agreed.material in usable]
    found: list[OpenPurchase] = []
    for number, agreed in enumerate(rng.sample(first, PURCHASES * scale), start=1):
        step = Decimal(structure.materials[agreed.material - 1].pieces_per_box or 1)
        due = today + timedelta(days=rng.randint(1, 25))
        quantity = step * rng.randint(2, 60)
        found.append(OpenPurchase(f"PO-26-{number:05d}", agreed.supplier, agreed.material, quantity, due))
    return tuple(found)
