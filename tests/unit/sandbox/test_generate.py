"""The factory: the same plant everywhere, large and true to what the reference promises."""

import subprocess
import sys
import time
from collections import Counter, defaultdict
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from sandbox.factory.generate import generate, structure
from sandbox.factory.model import Plant
from sandbox.factory.structure import cycle

ROOT = Path(__file__).parents[3]
PRINT = """
import hashlib
from sandbox.factory.generate import generate
print(hashlib.sha256(repr(generate(7, 1)).encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def plant() -> Plant:
    return generate(7, 1)


def _components(plant: Plant) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for line in plant.bom:
        found[line.parent].append(line.component)
    return found


def _path(plant: Plant) -> set[int]:
    """Every material some ordered product needs."""
    components = _components(plant)
    open_ = [line.material for order in plant.orders for line in order.lines]
    seen: set[int] = set()
    while open_:
        serial = open_.pop()
        if serial not in seen:
            seen.add(serial)
            open_ += components.get(serial, [])
    return seen


def test_generate__same_plant_in_another_process_whatever_the_hash_seed() -> None:
    prints = [
        subprocess.run(
            [sys.executable, "-c", PRINT], cwd=ROOT, env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    ]
    assert prints[0] == prints[1]


def test_generate__sizes_and_kinds(plant: Plant) -> None:
    assert len(plant.materials) >= 2000
    assert (len(plant.customers), len(plant.suppliers), len(plant.orders)) == (300, 80, 500)
    assert {lot.warehouse for lot in plant.stock} == {"WH1", "WH2", "WH3"}
    sourcing = Counter(material.sourcing for material in plant.materials)
    assert min(sourcing[kind] for kind in ("make", "buy", "subcontract", "phantom")) >= 20
    assert [material.serial for material in plant.materials] == list(range(1, len(plant.materials) + 1))
    assert len({material.name_zh for material in plant.materials}) == len(plant.materials)
    taxes = [partner.tax_number for partner in (*plant.customers, *plant.suppliers)]
    assert len(set(taxes)) == len(taxes)
    assert {len(tax) for tax in taxes} == {18}
    assert all(1 <= len(order.lines) <= 3 for order in plant.orders)
    assert 20 <= sum(order.urgent for order in plant.orders) <= 70
    assert sum(order.custom for order in plant.orders) >= 5
    first, last = plant.today + timedelta(days=5), plant.today + timedelta(days=60)
    assert all(first <= line.due <= last for order in plant.orders for line in order.lines)


def test_generate__boms_have_three_to_five_levels_and_shared_parts(plant: Plant) -> None:
    components = _components(plant)

    def levels(serial: int) -> int:
        return 1 + max((levels(component) for component in components.get(serial, [])), default=0)

    kinds = {material.serial: material.kind for material in plant.materials}
    ordered = {line.material for order in plant.orders for line in order.lines}
    depths = {levels(serial) for serial in ordered if kinds[serial] == "finished"}
    assert depths == {3, 4, 5}
    uses = Counter(line.component for line in plant.bom)
    assert max(uses.values()) > 10


def test_generate__cycle_and_obsolete_component_touch_no_ordered_product(plant: Plant) -> None:
    path = _path(plant)
    assert not path & set(cycle(structure(7, 1).tiers))
    obsolete = {material.serial for material in plant.materials if material.obsolete}
    users = {line.parent for line in plant.bom if line.component in obsolete}
    assert len(users) == 1
    assert not path & (obsolete | users)
    assert not path & {lot.material for lot in plant.stock if lot.quantity < 0}


def test_generate__about_a_third_of_the_lines_is_covered_whoever_is_first(plant: Plant) -> None:
    stock: Counter[int] = Counter()
    for lot in plant.stock:
        if lot.status == "available":
            stock[lot.material] += int(lot.quantity)
    need: Counter[int] = Counter()
    lines = [line for order in plant.orders for line in order.lines]
    for line in lines:
        need[line.material] += int(line.quantity)
    covered = [line for line in lines if stock[line.material] >= need[line.material]]
    assert 0.30 <= len(covered) / len(lines) <= 0.40
    assert all(stock[line.material] == 0 for line in lines if line not in covered)


def test_generate__adopted_work_orders_match_their_order_line(plant: Plant) -> None:
    orders = {order.number: order for order in plant.orders}
    adopted = [work for work in plant.work if work.sales_order is not None]
    assert len(adopted) == 20
    for work in adopted:
        assert work.sales_order is not None
        (line,) = orders[work.sales_order].lines
        assert (work.material, work.quantity) == (line.material, line.quantity)
        assert work.due < line.due


def test_generate__everything_bought_or_subcontracted_has_a_supplier(plant: Plant) -> None:
    first = {agreed.material for agreed in plant.agreements if agreed.priority == 1}
    assert first == {m.serial for m in plant.materials if m.sourcing in ("buy", "subcontract")}


def test_generate__boxes_stay_whole(plant: Plant) -> None:
    boxed = {m.serial: m.pieces_per_box for m in plant.materials if m.pieces_per_box}
    quantities = [(lot.material, lot.quantity) for lot in plant.stock]
    quantities += [(line.material, line.quantity) for order in plant.orders for line in order.lines]
    quantities += [(purchase.material, purchase.quantity) for purchase in plant.purchases]
    assert all(quantity % Decimal(boxed[m]) == 0 for m, quantity in quantities if m in boxed)


def test_generate__scale_ten_is_ten_times_as_large_and_quick() -> None:
    started = time.monotonic()
    large = generate(7, 10)
    assert time.monotonic() - started < 15
    assert (len(large.orders), len(large.customers)) == (5000, 3000)
    assert len(large.materials) >= 20_000
