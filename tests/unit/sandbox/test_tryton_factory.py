"""The plant that is loaded into Tryton."""

from __future__ import annotations

from collections import defaultdict

import pytest

from sandbox.tryton.factory import Factory, from_adventureworks, generated
from sandbox.tryton.server import adventureworks


def depth(factory: Factory, code: str) -> int:
    parts: dict[str, list[str]] = defaultdict(list)
    for line in factory.bom_lines:
        parts[line.assembly].append(line.component)

    def below(item: str) -> int:
        return 1 + max((below(part) for part in parts[item]), default=-1)

    return below(code)


@pytest.fixture(params=["generated", "adventureworks"])
def factory(request: pytest.FixtureRequest) -> Factory:
    if request.param == "generated":
        return generated()
    folder = adventureworks()
    if folder is None:
        pytest.skip("AdventureWorks is absent; set MILLSTREAM_ADVENTUREWORKS to its folder")
    return from_adventureworks(folder)


def test_factory__same_seed__is_the_same_plant() -> None:
    assert generated().as_json() == generated().as_json()
    assert generated().as_json() != generated(seed=8).as_json()


def test_factory__bikes__are_several_levels_deep(factory: Factory) -> None:
    sold = [item.code for item in factory.items if item.sold]
    assert sold
    assert all(2 <= depth(factory, code) <= 4 for code in sold)


def test_factory__references__all_resolve(factory: Factory) -> None:
    codes = {item.code for item in factory.items}
    used = {line.component for line in factory.bom_lines} | {line.assembly for line in factory.bom_lines}
    assert used <= codes
    assert {line.item for order in factory.orders for line in order.lines} <= codes
    assert {order.customer for order in factory.orders} <= set(factory.customers)
    assert {agreement.supplier for agreement in factory.agreements} <= set(factory.suppliers)


def test_factory__made_and_bought__are_told_apart_by_their_bill(factory: Factory) -> None:
    assemblies = {line.assembly for line in factory.bom_lines}
    agreed = {agreement.item for agreement in factory.agreements}
    assert {item.code for item in factory.items if item.made} == assemblies
    assert {item.code for item in factory.items if not item.made} == agreed


def test_factory__at_least_thirty_orders__ship_after_the_longest_lead_time(factory: Factory) -> None:
    lead = {item.code: item.lead_days for item in factory.items}
    longest = 4 * (1 + max(lead.values())) + max(agreement.lead_days for agreement in factory.agreements)
    assert len(factory.orders) >= 30
    assert all(order.ship_in_days > longest for order in factory.orders)
    assert max(order.ship_in_days for order in factory.orders) < factory.horizon_days


def test_factory__safety_stock__lies_there_from_the_start(factory: Factory) -> None:
    kept = {item.code: item.safety_stock for item in factory.items}
    assert sum(quantity > 0 for quantity in kept.values()) > len(kept) // 2
    assert all(quantity <= factory.stock.get(code, 0) for code, quantity in kept.items())
