"""The seeded plant can make what is ordered from it: no work centre is asked for a multiple of what it has."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import pytest

from sandbox.factory.generate import generate
from sandbox.factory.model import BomLine, Operation, Plant

WEEKS, DAYS = 8, 5  # orders are due within sixty days
LOT = 4  # pieces an order makes of an item, about
OUTSIDE = "OUT"


def _loads(plant: Plant) -> dict[str, float]:
    """Work centre → what all orders take of it, by the share of its hours; what lies in stock is not made."""
    lines: defaultdict[int, list[BomLine]] = defaultdict(list)
    steps: defaultdict[int, list[Operation]] = defaultdict(list)
    for line in plant.bom:
        lines[line.parent] += [line] if line.valid_from is None else []
    for step in plant.operations:
        steps[step.material].append(step)
    needed, there = _ordered(plant), _in_stock(plant)
    minutes: defaultdict[str, Decimal] = defaultdict(Decimal)
    for material in sorted(plant.materials, key=lambda one: -one.serial):  # parts come after what is made of them
        made = Decimal(0) if material.sourcing == "buy" else needed[material.serial] - there[material.serial]
        if made <= 0:
            continue
        for step in steps[material.serial]:
            minutes[step.work_centre] += step.setup_minutes * max(1, int(made) // LOT) + step.run_minutes * made
        for part in lines[material.serial]:
            needed[part.component] += part.quantity * made
    hours = {centre.code: centre.hours_per_day * DAYS * WEEKS for centre in plant.work_centres}
    return {code: float(found) / 60 / hours[code] for code, found in minutes.items() if code != OUTSIDE}


def _ordered(plant: Plant) -> defaultdict[int, Decimal]:
    found: defaultdict[int, Decimal] = defaultdict(Decimal)
    for order in plant.orders:
        for line in order.lines:
            found[line.material] += line.quantity
    return found


def _in_stock(plant: Plant) -> defaultdict[int, Decimal]:
    found: defaultdict[int, Decimal] = defaultdict(Decimal)
    for lot in plant.stock:
        if lot.status == "available":
            found[lot.material] += lot.quantity
    return found


@pytest.mark.parametrize("seed", [1, 7, 42])
def test_generate__work_centres_have_enough_hours_and_final_assembly_just_so(seed: int) -> None:
    loads = _loads(generate(seed))
    busiest = max(loads, key=loads.__getitem__)
    assert busiest == "ASM2"
    assert 0.8 < loads[busiest] < 1.3
    assert all(0.4 < share < 1.1 for code, share in loads.items() if code != busiest), loads
