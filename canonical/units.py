"""Units of measure: a short table of exact factors, plus pack sizes that belong to an item.

The canonical codes follow UN/ECE Recommendation 20 in spirit but stay readable: pcs, kg, m, l, h.
A conversion that is not in the table or among the item's packs raises `UnknownUnit`; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from canonical.errors import UnknownUnit

_TO_BASE: dict[str, tuple[str, Decimal]] = {
    "pcs": ("pcs", Decimal(1)),
    "pair": ("pcs", Decimal(2)),
    "kg": ("kg", Decimal(1)),
    "g": ("kg", Decimal("0.001")),
    "mg": ("kg", Decimal("0.000001")),
    "t": ("kg", Decimal(1000)),
    "lb": ("kg", Decimal("0.45359237")),
    "oz": ("kg", Decimal("0.028349523125")),
    "m": ("m", Decimal(1)),
    "mm": ("m", Decimal("0.001")),
    "cm": ("m", Decimal("0.01")),
    "in": ("m", Decimal("0.0254")),
    "ft": ("m", Decimal("0.3048")),
    "m2": ("m2", Decimal(1)),
    "l": ("l", Decimal(1)),
    "ml": ("l", Decimal("0.001")),
    "min": ("min", Decimal(1)),
    "h": ("min", Decimal(60)),
    "box": ("box", Decimal(1)),
}


def known_units() -> frozenset[str]:
    """Every unit code a record may carry."""
    return frozenset(_TO_BASE)


def factor(source: str, target: str, packs: Mapping[str, Decimal] | None = None) -> Decimal:
    """How many `target` units one `source` unit is, to as many places as the context has; see `ratio`."""
    share = ratio(source, target, packs)
    return Decimal(share.numerator) / share.denominator


def ratio(source: str, target: str, packs: Mapping[str, Decimal] | None = None) -> Fraction:
    """How many `target` units one `source` unit is, exactly: a twelfth of a box has no last decimal place.

    `packs` gives, for one item, how many stocking units a pack unit holds; it reaches the target only
    where the target is the item's stocking unit (or shares its base).
    """
    if source == target:
        return Fraction(1)
    if packs and source in packs:
        return Fraction(packs[source])
    if packs and target in packs:
        return 1 / Fraction(packs[target])
    try:
        (source_base, up), (target_base, down) = _TO_BASE[source], _TO_BASE[target]
    except KeyError as unknown:
        raise UnknownUnit(
            f"unit {unknown.args[0]!r} is not known", hint="add it to the unit map of the mapping"
        ) from None
    if source_base != target_base:
        raise UnknownUnit(f"cannot convert {source!r} to {target!r}", hint="add a pack conversion to the item")
    return Fraction(up) / Fraction(down)
