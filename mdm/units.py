"""Every quantity of an entity, brought to the stocking unit of the golden item it counts.

A quantity without a unit is in the unit its own system counts the item in; failing that, in the stocking unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

import polars as pl

from canonical.base import quantities
from canonical.entities import DECIMAL, ENTITIES
from canonical.errors import UnknownUnit
from canonical.units import ratio
from mdm.handful import HANDFUL, beside


@dataclass(frozen=True, slots=True)
class ItemUnits:
    """What is known about units: stocking unit and packs by golden item, own unit by (system, golden item)."""

    stocking: Mapping[str, str] = field(default_factory=dict)
    packs: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict)
    own: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def to_stocking(self, system: str, item: str, unit: str | None) -> Fraction:
        """Stocking units per given unit, exactly; raises `UnknownUnit`."""
        stocking = self.stocking.get(item)
        source = unit or self.own.get((system, item)) or stocking
        if stocking is None or source is None:
            raise UnknownUnit("no unit is known for this item", system=system, entity="item", key=item)
        return ratio(source, stocking, self.packs.get(item))

    def from_stocking(self, system: str, item: str, quantity: Decimal) -> tuple[Decimal, str]:
        """A quantity in stocking units as `system` counts the item, with that unit's canonical code."""
        unit = self.own.get((system, item)) or self.stocking.get(item)
        if unit is None:
            raise UnknownUnit("no unit is known for this item", system=system, entity="item", key=item)
        share = self.to_stocking(system, item, unit)
        return quantity * share.denominator / share.numerator, unit


def to_stocking_units(
    entity: str, frame: pl.DataFrame, item_field: str, units: ItemUnits
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Convert all quantities of a frame; returns (converted, rows whose unit is unknown with column `message`)."""
    counted = quantities(ENTITIES[entity])
    unit_field = next(iter(counted.values()))
    triples = frame.select("system", pl.col(item_field).alias("_item"), pl.col(unit_field).alias("_unit"))
    known = set(triples.rows()) if triples.height <= HANDFUL else triples.unique().rows()
    rows = [_factor_row(units, *row) for row in known]
    factors = pl.DataFrame(rows, schema=_FACTORS, orient="row")
    if all(up is not None and up == down for *_, up, down, _, _ in rows):  # counted in their stocking unit already
        stocking = beside(triples, factors, _KEYS, "_stocking").alias(unit_field)
        return frame.with_columns(stocking), frame.clear().with_columns(_NO_MESSAGE)
    told = [beside(triples, factors, _KEYS, name).alias(name) for name in _TOLD]
    marked = frame.hstack(told)
    shown = [_converted(name, counted, unit_field) for name in frame.columns]
    if marked["_factor"].null_count() == 0:
        return marked.select(shown), frame.clear().with_columns(_NO_MESSAGE)
    bad = marked.filter(pl.col("_factor").is_null()).drop("_factor", "_divisor", "_stocking")
    return marked.filter(pl.col("_factor").is_not_null()).select(shown), bad


_NO_MESSAGE = pl.Series("message", [], dtype=pl.String)
_KEYS = ("system", "_item", "_unit")
_TOLD = ("_factor", "_divisor", "_stocking", "message")
_FACTORS: dict[str, pl.DataType] = {
    "system": pl.String(),
    "_item": pl.String(),
    "_unit": pl.String(),
    "_factor": DECIMAL,
    "_divisor": DECIMAL,
    "_stocking": pl.String(),
    "message": pl.String(),
}


def _converted(name: str, counted: Mapping[str, str], unit_field: str) -> pl.Expr:
    if name in counted:
        return (pl.col(name) * pl.col("_factor") / pl.col("_divisor")).cast(DECIMAL).alias(name)
    return pl.col("_stocking" if name == unit_field else name).alias(name)


def _factor_row(
    units: ItemUnits, system: str, item: str, unit: str | None
) -> tuple[str, str, str | None, Decimal | None, Decimal | None, str | None, str | None]:
    try:
        share = units.to_stocking(system, item, unit)
    except UnknownUnit as error:
        return system, item, unit, None, None, None, str(error)
    up, down = (Decimal(part) for part in share.as_integer_ratio())
    if max(up, down) > _SHORT:
        up, down = up / down, Decimal(1)
    return system, item, unit, up, down, units.stocking[item], None


_SHORT = 10**10
"""Above and below the line, whole numbers up to here leave a quantity its places; others are divided beforehand."""
