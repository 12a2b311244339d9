"""Materials, bills of material and routings of the plant, from raw stock up to the finished goods."""

# ruff: noqa: PLR2004 - shares and sizes of a made-up plant need no names
from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Final

from sandbox.factory import catalogue
from sandbox.factory.catalogue import Family
from sandbox.factory.model import BomLine, Material, Operation, Sourcing, WorkCentre

# How many of each tier at scale 1. The tiers are built in this order, so serials grow upwards.
COUNTS: Final = {"raw": 200, "bought": 700, "made": 620, "lower": 220, "upper": 200, "finished": 180}
FAMILIES: Final = {
    "raw": catalogue.RAW, "bought": catalogue.BOUGHT, "made": catalogue.MADE,
    "lower": catalogue.LOWER, "upper": catalogue.UPPER, "finished": catalogue.FINISHED,
}  # fmt: skip
KINDS: Final = {
    "raw": "raw", "bought": "part", "made": "part", "lower": "assembly", "upper": "assembly",
    "finished": "finished",
}  # fmt: skip
# A finished good takes from each tier at least and at most so many components.
RECIPES: Final[dict[str, tuple[tuple[str, int, int], ...]]] = {
    "made": (("raw", 1, 2),),
    "lower": (("made", 1, 2), ("bought", 1, 2)),
    "upper": (("lower", 1, 2), ("made", 1, 1), ("bought", 1, 2), ("raw", 0, 1)),
    "finished": (("upper", 1, 3), ("lower", 1, 1), ("made", 1, 1), ("bought", 1, 3)),
}
SPARES: Final = 30  # bought materials that are sold as they are and built into nothing
# Families of finished goods (by place in the catalogue) that are built without these tiers.
FLAT: Final = {3: ("upper",), 4: ("upper",), 5: ("upper", "lower"), 6: ("upper", "lower"), 7: ("upper",)}
QUIET: Final = 20  # of each tier, the last so many appear in no ordered product: room for the dirt
ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Structure:
    """The products of the plant; `tiers` gives the serials of each tier, `quiet` those kept for the dirt."""

    materials: tuple[Material, ...]
    bom: tuple[BomLine, ...]
    operations: tuple[Operation, ...]
    work_centres: tuple[WorkCentre, ...]
    tiers: dict[str, range]
    quiet: frozenset[int]


def build(seed: int, scale: int) -> Structure:
    """The whole product structure; no cycle but the one between `cycle(tiers)`."""
    rng = Random(f"{seed}:structure")
    tiers = _tiers(scale)
    bom = _bom(rng, tiers)
    costs: dict[int, Decimal] = {}
    by_parent: dict[int, list[BomLine]] = {}
    for line in bom:
        by_parent.setdefault(line.parent, []).append(line)
    materials = tuple(
        _material(rng, tier, serial, number=serial - serials.start, lines=by_parent.get(serial, []), costs=costs)
        for tier, serials in tiers.items()
        for serial in serials
    )
    quiet = frozenset(serial for serials in tiers.values() for serial in serials[-QUIET:])
    spares = tiers["bought"][-QUIET - SPARES : -QUIET]
    materials = tuple(
        replace(material, safety_stock=ZERO) if material.serial in spares else material for material in materials
    )
    bom, materials = _losses(Random(f"{seed}:losses"), bom, materials, tiers)
    bom, materials = _spoil(bom, materials, tiers)
    centres = tuple(WorkCentre(*centre) for centre in catalogue.WORK_CENTRES)
    return Structure(materials, bom, _operations(rng, tiers, materials), centres, tiers, quiet)


def _tiers(scale: int) -> dict[str, range]:
    tiers, first = {}, 1
    for tier, count in COUNTS.items():
        tiers[tier] = range(first, first + count * scale)
        first += count * scale
    return tiers


def _bom(rng: Random, tiers: dict[str, range]) -> tuple[BomLine, ...]:
    lines: list[BomLine] = []
    for tier, recipe in RECIPES.items():
        for serial in tiers[tier]:
            lines += _lines_of(rng, tier, serial, recipe, tiers)
    return tuple(lines)


def _lines_of(
    rng: Random, tier: str, serial: int, recipe: tuple[tuple[str, int, int], ...], tiers: dict[str, range]
) -> list[BomLine]:
    quiet = serial in tiers[tier][-QUIET:]
    place = (serial - tiers[tier].start) % len(catalogue.FINISHED)
    skipped = FLAT.get(place, ()) if tier == "finished" else ()
    lines: list[BomLine] = []
    for source, least, most in (part for part in recipe if part[0] not in skipped):
        reserved = QUIET + SPARES if source == "bought" else QUIET
        for component in _choose(rng, tiers[source], rng.randint(least, most), 0 if quiet else reserved):
            number = 10 * (len(lines) + 1)
            lines.append(BomLine(serial, component, number, _per_unit(rng, source)))
    return lines


def _choose(rng: Random, serials: range, count: int, reserved: int) -> list[int]:
    """Components, the early ones far more often than the late ones: shared parts.

    `reserved` late ones are never chosen; 0 chooses among the later half of the quiet ones instead.
    """
    if reserved == 0:
        return rng.sample(serials[-QUIET // 2 :], count)
    usable = len(serials) - reserved
    chosen: list[int] = []
    while len(chosen) < count:
        serial = serials[int(usable * rng.random() ** 1.6)]
        if serial not in chosen:
            chosen.append(serial)
    return chosen


def _per_unit(rng: Random, source: str) -> Decimal:
    if source == "raw":
        return Decimal(rng.randint(120, 6000)) / 1000
    if source == "bought":
        return Decimal(rng.choice((1, 1, 2, 2, 4, 4, 6, 8)))
    return Decimal(rng.choice((1, 1, 1, 2)))


def _material(
    rng: Random, tier: str, serial: int, *, number: int, lines: list[BomLine], costs: dict[int, Decimal]
) -> Material:
    families: tuple[Family, ...] = FAMILIES[tier]
    family = families[number % len(families)]
    size = family.specification(number // len(families))
    cost = Decimal(family.cost) + sum((costs[line.component] * line.quantity for line in lines), ZERO)
    costs[serial] = cost.quantize(Decimal("0.01"))
    sourcing = _sourcing(rng, tier)
    minimum, multiple = _lot(rng, tier, family)
    return Material(
        serial=serial,
        name_en=f"{family.name_en} {size.replace('×', 'x')}",
        name_zh=f"{family.name_zh} {size}",
        specification=size,
        kind=KINDS[tier],  # type: ignore[arg-type]
        sourcing=sourcing,
        unit=family.unit,
        pieces_per_box=family.per_box,
        drawing_number=f"DW-{serial:06d}",
        lead_time_days=0 if sourcing == "phantom" else _lead_time(rng, tier),
        safety_stock=Decimal(rng.choice((0, 0, 0, 24, 60))) if tier == "bought" else ZERO,
        lot_minimum=minimum,
        lot_multiple=multiple,
        obsolete=False,
        standard_cost=costs[serial],
    )


def _sourcing(rng: Random, tier: str) -> Sourcing:
    if tier in ("raw", "bought"):
        return "buy"
    drawn = rng.random()
    if tier == "lower":
        return "phantom" if drawn < 0.2 else "subcontract" if drawn < 0.35 else "make"
    if tier == "made":
        return "subcontract" if drawn < 0.06 else "make"
    return "make"


def _lead_time(rng: Random, tier: str) -> int:
    least, most = {"raw": (5, 14), "bought": (4, 18)}.get(tier, (1, 4))
    return rng.randint(least, most)


def _lot(rng: Random, tier: str, family: Family) -> tuple[Decimal, Decimal]:
    """The least quantity and the step of one lot; zero means none."""
    if family.per_box is not None:
        return Decimal(family.per_box * 2), Decimal(family.per_box)
    if tier == "raw":
        return Decimal(rng.choice((0, 50, 100))), ZERO
    if tier in ("bought", "made"):
        return Decimal(rng.choice((0, 0, 10, 20))), Decimal(rng.choice((0, 0, 5)))
    return ZERO, ZERO


def _losses(
    rng: Random, bom: tuple[BomLine, ...], materials: tuple[Material, ...], tiers: dict[str, range]
) -> tuple[tuple[BomLine, ...], tuple[Material, ...]]:
    """Offcuts of raw material on some lines; some machined parts do not all come out good."""
    raw, made = tiers["raw"], tiers["made"]
    lines = tuple(
        replace(line, scrap_percent=Decimal(rng.randint(1, 5)))
        if line.component in raw and rng.random() < 0.15
        else line
        for line in bom
    )
    parts = tuple(
        replace(material, yield_percent=Decimal(rng.randint(94, 98)))
        if material.serial in made and material.sourcing == "make" and rng.random() < 0.08
        else material
        for material in materials
    )
    return lines, parts


CHANGED: Final = 12  # finished goods of which one bought part gives way to another one day


def engineering_changes(seed: int, products: Structure, today: date) -> tuple[BomLine, ...]:
    """The BOM lines, where some parts are followed by their successor from a day a week or two ahead."""
    rng = Random(f"{seed}:changes")
    parts = products.tiers["bought"][: -QUIET - SPARES]
    finished = set(products.tiers["finished"][:-QUIET])
    lines = list(products.bom)
    candidates = [at for at, line in enumerate(lines) if line.parent in finished and line.component in parts]
    for at in rng.sample(candidates, CHANGED):
        line, day = lines[at], today + timedelta(days=rng.randint(7, 14))
        used = {other.component for other in lines if other.parent == line.parent}
        successor = next(serial for serial in rng.sample(parts, len(used) + 1) if serial not in used)
        lines[at] = replace(line, valid_to=day)
        lines.append(replace(line, component=successor, line=line.line + 1, valid_from=day))
    return tuple(lines)


def _operations(rng: Random, tiers: dict[str, range], materials: tuple[Material, ...]) -> tuple[Operation, ...]:
    centres = {code: (english, chinese) for code, english, chinese, _ in catalogue.WORK_CENTRES}
    found: list[Operation] = []
    for tier, route in catalogue.ROUTES.items():
        for serial in tiers[tier]:
            sourcing = materials[serial - 1].sourcing
            if sourcing in ("make", "subcontract"):
                found += _route(rng, serial, ("OUT",) if sourcing == "subcontract" else route, centres)
    return tuple(found)


def _route(rng: Random, serial: int, route: tuple[str, ...], centres: dict[str, tuple[str, str]]) -> list[Operation]:
    steps = list(route)
    if "GRIND" in steps and rng.random() < 0.08:
        steps.insert(-1, "OUT")  # heat treatment before grinding is done outside
    return [
        _operation(serial, 10 * at, (code, *centres[code]), rng.choice((10, 15, 20, 30, 45)), rng.randint(8, 240))
        for at, code in enumerate(steps, start=1)
    ]


def _operation(serial: int, sequence: int, centre: tuple[str, str, str], setup: int, quarters: int) -> Operation:
    """One step: minutes of setup and quarters of a minute a unit on one machine, shared by all of the centre."""
    machines = catalogue.MACHINES.get(centre[0], 1)
    run = (Decimal(quarters) / (4 * machines)).quantize(Decimal("0.01"))
    return Operation(serial, sequence, *centre, max(1, setup // machines), run, centre[0] == "OUT")


def _spoil(
    bom: tuple[BomLine, ...], materials: tuple[Material, ...], tiers: dict[str, range]
) -> tuple[tuple[BomLine, ...], tuple[Material, ...]]:
    """Put the obsolete component and the BOM cycle where no ordered product meets them."""
    obsolete, user = tiers["bought"][-QUIET], tiers["finished"][-1]
    one, other = cycle(tiers)
    extra = (
        BomLine(user, obsolete, 900, Decimal(1)),
        BomLine(one, other, 910, Decimal(1)),
        BomLine(other, one, 910, Decimal(1)),
    )
    changed = list(materials)
    changed[obsolete - 1] = replace(changed[obsolete - 1], obsolete=True)
    for serial in (one, other):
        days = max(1, changed[serial - 1].lead_time_days)
        changed[serial - 1] = replace(changed[serial - 1], sourcing="make", lead_time_days=days)
    return (*bom, *extra), tuple(changed)


def cycle(tiers: dict[str, range]) -> tuple[int, int]:
    """The two quiet assemblies of which each stands in the other's bill of material."""
    return tiers["lower"][-QUIET], tiers["lower"][-QUIET + 1]
