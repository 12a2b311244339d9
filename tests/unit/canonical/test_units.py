"""Units convert exactly or not at all."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from canonical.errors import UnknownUnit
from canonical.units import factor, known_units, ratio


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [("kg", "kg", "1"), ("g", "kg", "0.001"), ("kg", "g", "1000"), ("t", "kg", "1000"), ("h", "min", "60")],
)
def test_factor__is_exact(source: str, target: str, expected: str) -> None:
    assert factor(source, target) == Decimal(expected)


def test_factor__packs_belong_to_an_item() -> None:
    packs = {"box": Decimal(12)}
    assert factor("box", "pcs", packs) == 12
    with pytest.raises(UnknownUnit):
        factor("box", "pcs")


@pytest.mark.parametrize(("source", "target"), [("kg", "pcs"), ("dozenish", "pcs"), ("pcs", "dozenish")])
def test_factor__refuses_to_guess(source: str, target: str) -> None:
    with pytest.raises(UnknownUnit):
        factor(source, target)


def test_every_known_unit__converts_to_itself() -> None:
    assert {factor(unit, unit) for unit in known_units()} == {Decimal(1)}


def test_ratio__is_exact_where_a_factor_has_no_last_place() -> None:
    assert ratio("pcs", "box", {"box": Decimal(12)}) == Fraction(1, 12)
    assert ratio("oz", "lb") == Fraction(1, 16)
