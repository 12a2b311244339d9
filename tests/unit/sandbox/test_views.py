"""How each system sees the plant, and the list of what is spoilt."""

from collections import Counter
from decimal import Decimal

import pytest

from sandbox.factory.generate import generate
from sandbox.factory.model import Plant, SystemName
from sandbox.factory.views import by_serial, dirt, material_views, partner_views

SYSTEMS: tuple[SystemName, ...] = ("crm", "erp", "mes", "wms")


@pytest.fixture(scope="module")
def plant() -> Plant:
    return generate(7, 1)


@pytest.mark.parametrize("system", SYSTEMS)
def test_material_views__codes_are_unique_and_differ_from_the_other_systems(plant: Plant, system: SystemName) -> None:
    codes = [view.code for view in material_views(plant, system)]
    assert len(set(codes)) == len(codes)
    others = {view.code for other in SYSTEMS if other != system for view in material_views(plant, other)}
    assert not others & set(codes)


@pytest.mark.parametrize("system", SYSTEMS)
def test_material_views__duplicates_carry_the_drawing_of_the_record_they_double(
    plant: Plant, system: SystemName
) -> None:
    views = material_views(plant, system)
    main = by_serial(views)
    doubled = [view for view in views if view.spoilt == "duplicate"]
    assert doubled
    for view in doubled:
        assert view.drawing == main[view.serial].drawing
        assert view.code != main[view.serial].code


def test_material_views__units_are_exact_both_ways(plant: Plant) -> None:
    kilograms = next(m for m in plant.materials if m.unit == "kg")
    grams = by_serial(material_views(plant, "mes"))[kilograms.serial]
    assert (grams.unit, grams.from_true(Decimal("1.25")), grams.to_true(Decimal(1250))) == (
        "g",
        Decimal(1250),
        Decimal("1.25"),
    )
    boxed = next(m for m in plant.materials if m.pieces_per_box == 12)
    boxes = by_serial(material_views(plant, "wms"))[boxed.serial]
    assert (boxes.unit, boxes.from_true(Decimal(36)), boxes.to_true(Decimal(3))) == ("BX", Decimal(3), Decimal(36))


def test_material_views__each_system_knows_what_the_documents_name(plant: Plant) -> None:
    views = {system: by_serial(material_views(plant, system)) for system in SYSTEMS}
    assert {line.material for order in plant.orders for line in order.lines} <= set(views["crm"])
    assert {lot.material for lot in plant.stock} <= set(views["wms"])
    assert {work.material for work in plant.work} <= set(views["mes"])
    assert len(views["erp"]) == len(plant.materials)


def test_dirt__unnamed_products_are_ordered_once_each(plant: Plant) -> None:
    found = dirt(plant)
    assert len(found.of("crm", "missing_drawing")) == len(found.held_lines) == 3
    assert len({order for order, _ in found.held_lines}) == 3


def test_dirt__every_kind_is_there_and_small(plant: Plant) -> None:
    kinds = Counter(record.how for record in dirt(plant).records)
    assert set(kinds) == {
        "duplicate",
        "missing_drawing",
        "missing_field",
        "unknown_unit",
        "negative_stock",
        "obsolete_in_bom",
        "bom_cycle",
    }
    assert kinds["unknown_unit"] == kinds["obsolete_in_bom"] == 1
    assert kinds["bom_cycle"] == 2
    assert all(count < 30 for count in kinds.values())


def test_dirt__nothing_but_duplicates_lies_on_the_path_of_an_ordered_product(plant: Plant) -> None:
    components: dict[int, list[int]] = {}
    for line in plant.bom:
        components.setdefault(line.parent, []).append(line.component)
    open_ = [line.material for order in plant.orders for line in order.lines]
    path: set[int] = set()
    while open_:
        serial = open_.pop()
        if serial not in path:
            path.add(serial)
            open_ += components.get(serial, [])
    named = set(dirt(plant).of("crm", "missing_drawing"))
    for system in SYSTEMS:
        for view in material_views(plant, system):
            if view.serial in path and view.code not in named:
                assert view.spoilt in (None, "duplicate")


def test_partner_views__missing_tax_numbers_only_without_business(plant: Plant) -> None:
    buyers = {order.customer for order in plant.orders}
    sellers = {agreed.supplier for agreed in plant.agreements}
    for system in SYSTEMS:
        for view in partner_views(plant, system):
            if view.tax_number is None:
                assert view.serial not in (buyers if view.role == "customer" else sellers)
