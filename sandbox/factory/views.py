"""How each system sees the plant: its own codes, names, units and drawing numbers, and its own dirt.

The true plant (`sandbox.factory.model`) is clean; every system's seeding goes through these views,
and `dirt` lists each spoilt record, so that an oracle can say where it must end. A duplicate stands
just before the record it doubles and carries the same drawing (or tax) number.
"""

# ruff: noqa: PLR2004 - shares and sizes of a made-up plant need no names
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final, Literal

from sandbox.factory.generate import structure
from sandbox.factory.model import Material, Partner, Plant, SystemName
from sandbox.factory.structure import QUIET, Structure, cycle
from sandbox.factory.trade import sold, unnamed

Spoilt = Literal[
    "duplicate", "missing_drawing", "missing_field", "unknown_unit", "negative_stock",
    "obsolete_in_bom", "bom_cycle",
]  # fmt: skip
Expected = Literal["merged", "held", "quarantined", "reported"]

UNITS: Final[dict[SystemName, dict[str, str]]] = {
    "crm": {"pcs": "Each", "kg": "Kilogram", "m": "Metre"},
    "erp": {"pcs": "Pcs", "kg": "kg", "m": "m"},
    "mes": {"pcs": "pcs", "kg": "g", "m": "m"},
    "wms": {"pcs": "EA", "kg": "KG", "m": "M"},
}
BOX: Final = "BX"
UNKNOWN_UNIT: Final = "dozenish"
_GRAMS: Final = Decimal("0.001")
_FULL_WIDTH: Final = str.maketrans("DW-0123456789", "ＤＷ－０１２３４５６７８９")
# Each system numbers in its own way: (factor coprime to the modulus, so no two codes are alike).
_FACTORS: Final[dict[SystemName, int]] = {"crm": 7919, "erp": 1, "mes": 6871, "wms": 4447}
_MODULUS: Final = 1_000_003


@dataclass(frozen=True, slots=True)
class MaterialView:
    """One material as one system has it. `unit` is that system's word; `spoilt` says what is wrong, or None.

    One `unit` of this view is `true_per_unit` of the plant's true unit (exact: 1, 0.001 or pieces per box).
    """

    serial: int
    code: str
    name: str  # empty where a mandatory field is missing
    drawing: str | None
    unit: str
    true_per_unit: Decimal
    spoilt: Spoilt | None

    @property
    def units_per_true(self) -> Decimal:
        """The factor from a true quantity to this view's; inexact for boxes: prefer `from_true`."""
        return 1 / self.true_per_unit

    def from_true(self, quantity: Decimal) -> Decimal:
        """A true quantity in this view's unit, without trailing zeros."""
        return _plain(quantity / self.true_per_unit)

    def to_true(self, quantity: Decimal) -> Decimal:
        """A quantity of this view in the plant's true unit."""
        return _plain(quantity * self.true_per_unit)


@dataclass(frozen=True, slots=True)
class PartnerView:
    """One partner as one system has it; `tax_number` is None where it is missing."""

    serial: int
    role: Literal["customer", "supplier"]
    code: str
    name: str
    tax_number: str | None
    city: str
    phone: str
    spoilt: Spoilt | None


@dataclass(frozen=True, slots=True)
class DirtRecord:
    """One spoilt record: `key` is the code it has in that system (a BOM: the parent's code)."""

    system: SystemName
    entity: Literal["item", "partner", "stock", "bom"]
    key: str
    how: Spoilt
    expected: Expected


@dataclass(frozen=True, slots=True)
class Dirt:
    """Every spoilt record of the plant, and the sales order lines that must wait because of them."""

    records: tuple[DirtRecord, ...]
    held_lines: tuple[tuple[str, int], ...]  # (order number, line): the product has no identity key

    def of(self, system: SystemName, how: Spoilt) -> tuple[str, ...]:
        """The keys spoilt in this way in this system."""
        return tuple(record.key for record in self.records if (record.system, record.how) == (system, how))


def by_serial(views: Iterable[MaterialView]) -> dict[int, MaterialView]:
    """The one view of each material that documents of that system refer to (never a duplicate)."""
    return {view.serial: view for view in views if view.spoilt != "duplicate"}


def partners_by_serial(views: Iterable[PartnerView], role: Literal["customer", "supplier"]) -> dict[int, PartnerView]:
    """The one view of each partner of this role that documents refer to (never a duplicate)."""
    return {view.serial: view for view in views if view.role == role and view.spoilt != "duplicate"}


@lru_cache(maxsize=8)
def material_views(plant: Plant, system: SystemName) -> tuple[MaterialView, ...]:
    """The materials this system carries.

    CRM what is sold, ERP all, MES what is made and its components, WMS what is stocked.
    """
    products = structure(plant.seed, plant.scale)
    spoilt = _spoilt_materials(products, system)
    views: list[MaterialView] = []
    for serial in _carried(plant, products, system):
        material = products.materials[serial - 1]
        if spoilt.get(serial) == "duplicate":
            views.append(_material_view(material, system, "duplicate"))
            views.append(_material_view(material, system, None))
        else:
            views.append(_material_view(material, system, spoilt.get(serial)))
    return tuple(views)


@lru_cache(maxsize=8)
def partner_views(plant: Plant, system: SystemName) -> tuple[PartnerView, ...]:
    """The partners this system carries: CRM customers, ERP customers and suppliers, the others none."""
    known = {"crm": plant.customers, "erp": (*plant.customers, *plant.suppliers)}.get(system, ())
    views: list[PartnerView] = []
    for partner in known:
        how = _spoilt_partner(plant, partner, system)
        if how == "duplicate":
            views.append(_partner_view(partner, system, "duplicate"))
            how = None
        views.append(_partner_view(partner, system, how))
    return tuple(views)


def dirt(plant: Plant) -> Dirt:
    """Every spoilt record and what must become of it."""
    products = structure(plant.seed, plant.scale)
    systems: tuple[SystemName, ...] = ("crm", "erp", "mes", "wms")
    items = [
        DirtRecord(system, "item", view.code, view.spoilt, _expected(view.spoilt))
        for system in systems
        for view in material_views(plant, system)
        if view.spoilt is not None
    ]
    partners = [
        DirtRecord(system, "partner", view.code, view.spoilt, _expected(view.spoilt))
        for system in systems
        for view in partner_views(plant, system)
        if view.spoilt is not None
    ]
    named = set(unnamed(products))
    held = tuple((order.number, line.line) for order in plant.orders for line in order.lines if line.material in named)
    return Dirt((*items, *partners, *_stock_dirt(plant), *_bom_dirt(plant, products)), held)


def _expected(how: Spoilt) -> Expected:
    expected: dict[Spoilt, Expected] = {"duplicate": "merged", "missing_drawing": "held"}
    return expected.get(how, "quarantined")


def _stock_dirt(plant: Plant) -> list[DirtRecord]:
    codes = by_serial(material_views(plant, "wms"))
    negative = [lot for lot in plant.stock if lot.quantity < 0]
    keys = [f"{lot.warehouse}/{codes[lot.material].code}/{lot.lot}" for lot in negative]
    return [DirtRecord("wms", "stock", key, "negative_stock", "quarantined") for key in keys]


def _bom_dirt(plant: Plant, products: Structure) -> list[DirtRecord]:
    codes = by_serial(material_views(plant, "erp"))
    obsolete = {material.serial for material in plant.materials if material.obsolete}
    users = [line.parent for line in plant.bom if line.component in obsolete]
    return [
        *(DirtRecord("erp", "bom", codes[parent].code, "obsolete_in_bom", "reported") for parent in users),
        *(DirtRecord("erp", "bom", codes[parent].code, "bom_cycle", "reported") for parent in cycle(products.tiers)),
    ]  # fmt: skip


def _carried(plant: Plant, products: Structure, system: SystemName) -> list[int]:
    if system == "crm":
        return sorted({*sold(products), *unnamed(products), *products.tiers["finished"][-QUIET:]})
    if system == "mes":
        return sorted({line.parent for line in plant.bom} | {line.component for line in plant.bom})
    if system == "wms":
        return [material.serial for material in plant.materials if material.sourcing != "phantom"]
    return [material.serial for material in plant.materials]


def _spoilt_materials(products: Structure, system: SystemName) -> dict[int, Spoilt]:
    """What is wrong with which material in this system; all but the duplicates on no ordered product's path."""
    tiers = products.tiers
    bought, finished, raw = tiers["bought"], tiers["finished"], tiers["raw"]
    if system == "crm":
        return {
            **dict.fromkeys(unnamed(products), "missing_drawing"),
            **dict.fromkeys(finished[5:60:20], "duplicate"),
            finished[-1]: "missing_field",
        }
    if system == "erp":
        return {
            **dict.fromkeys((*bought[10:130:40], *tiers["made"][7:90:40]), "duplicate"),
            **dict.fromkeys(bought[-QUIET + 4 : -QUIET + 6], "missing_drawing"),
            **dict.fromkeys(bought[-QUIET + 6 : -QUIET + 8], "missing_field"),
        }
    if system == "mes":
        return {
            **dict.fromkeys(bought[20:120:40], "duplicate"),
            finished[-2]: "missing_drawing",
            finished[-3]: "missing_field",
        }
    return {
        **dict.fromkeys((*bought[30:130:40], raw[3]), "duplicate"),
        **dict.fromkeys(raw[-QUIET : -QUIET + 2], "missing_drawing"),
        bought[-QUIET + 8]: "unknown_unit",
        bought[-QUIET + 9]: "missing_field",
    }


def _spoilt_partner(plant: Plant, partner: Partner, system: SystemName) -> Spoilt | None:
    """Duplicates among those we trade with; missing tax numbers only where there is no business yet."""
    count = len(plant.customers if partner.role == "customer" else plant.suppliers)
    offset = 3 if system == "crm" else 8
    if partner.serial in range(offset, offset + 80, 20):
        return "duplicate"
    idle = count - 1 if partner.role == "customer" else count
    return "missing_field" if partner.serial == idle else None


def _material_view(material: Material, system: SystemName, how: Spoilt | None) -> MaterialView:
    unit, per = UNITS[system][material.unit], Decimal(1)
    if system == "mes" and material.unit == "kg":
        per = _GRAMS
    if system == "wms" and material.pieces_per_box is not None:
        unit, per = BOX, Decimal(material.pieces_per_box)
    if how == "unknown_unit":
        unit = UNKNOWN_UNIT
    return MaterialView(
        serial=material.serial,
        code=_code(material, system, doubled=how == "duplicate"),
        name="" if how == "missing_field" else _name(material, system, doubled=how == "duplicate"),
        drawing=None if how == "missing_drawing" else _drawing(material, system),
        unit=unit,
        true_per_unit=per,
        spoilt=how,
    )


def _code(material: Material, system: SystemName, *, doubled: bool) -> str:
    number = material.serial * _FACTORS[system] % _MODULUS
    if system == "erp":
        group = {"raw": "01", "part": "02", "assembly": "03", "finished": "05"}[material.kind]
        return f"{group}.{number // 1000:02d}.{number % 1000:03d}{'.9' if doubled else ''}"
    if system == "crm":
        return f"{'FG' if material.kind == 'finished' else 'SP'}-{number:06d}{'-N' if doubled else ''}"
    if system == "mes":
        return f"{number:07d}{'B' if doubled else ''}"  # digits alone, with leading zeros
    return f"SKU{number:06d}{'/2' if doubled else ''}"


def _name(material: Material, system: SystemName, *, doubled: bool) -> str:
    if system == "erp":
        return material.name_zh.replace("×", "*") + "（旧）" if doubled else material.name_zh
    if system == "mes":
        return material.name_zh.replace(" ", "") + ("-2" if doubled else "")
    if system == "wms":
        return material.name_en.upper()[: 28 if doubled else 40]
    return f"{material.name_en}{' (new)' if doubled else ''}"


def _drawing(material: Material, system: SystemName) -> str:
    number, style = material.drawing_number, (material.serial * 31 + len(system) + ord(system[0])) % 10
    if system == "erp":
        return number if style < 9 else number.translate(_FULL_WIDTH)
    if system == "mes":
        return number.lower().replace("-", "") if style < 8 else number
    if system == "wms":
        return number.replace("-", " ") if style < 7 else number.translate(_FULL_WIDTH)
    return number if style < 5 else number.lower().replace("-", "")


def _partner_view(partner: Partner, system: SystemName, how: Spoilt | None) -> PartnerView:
    doubled, customer = how == "duplicate", partner.role == "customer"
    if system == "crm":
        code = f"A{partner.serial * 37 % 100_003:05d}{'X' if doubled else ''}"
    else:
        code = f"{'CUST' if customer else 'VEN'}{partner.serial:05d}{'-1' if doubled else ''}"
    name = partner.name_en if system == "crm" else partner.name_zh
    if doubled:
        name = name.replace(" Co., Ltd.", "") if system == "crm" else name.replace("有限公司", "公司")
    return PartnerView(
        serial=partner.serial,
        role=partner.role,
        code=code,
        name=name,
        tax_number=None if how == "missing_field" else partner.tax_number,
        city=partner.city,
        phone=partner.phone,
        spoilt=how,
    )


def _plain(quantity: Decimal) -> Decimal:
    """The same number without trailing zeros and without an exponent."""
    bare = quantity.normalize()
    return bare.quantize(Decimal(1)) if bare == bare.to_integral_value() else bare
