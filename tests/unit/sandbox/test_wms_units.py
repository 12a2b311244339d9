"""Units of the simulated warehouse."""

from __future__ import annotations

from decimal import Decimal

import pytest

from sandbox.wms.contract import WmsFault
from sandbox.wms.units import Item

BOXED = Item("A", "BX", 12)


def test_kept__boxes_and_pieces_meet_in_pieces() -> None:
    assert BOXED.kept(Decimal("2.5"), "BX") == 30
    assert BOXED.kept(Decimal(7), "EA") == 7
    assert Item("B", "KG", None).kept(Decimal("0.125"), "KG") == Decimal("0.125")


def test_shown__broken_box_is_shown_in_pieces() -> None:
    assert BOXED.shown(Decimal(24)) == (Decimal(2), "BX")
    assert BOXED.shown(Decimal(25)) == (Decimal(25), "EA")
    assert BOXED.shown(Decimal(-12)) == (Decimal(-1), "BX")
    assert Item("C", "dozenish", None).shown(Decimal(3)) == (Decimal(3), "dozenish")


@pytest.mark.parametrize(
    ("item", "unit", "code"),
    [
        (BOXED, "dozenish", "UNKNOWN_UNIT"),
        (BOXED, "KG", "UNIT_MISMATCH"),
        (Item("B", "EA", None), "BX", "UNIT_MISMATCH"),
    ],
)
def test_kept__unit_that_does_not_fit_is_a_typed_fault(item: Item, unit: str, code: str) -> None:
    with pytest.raises(WmsFault) as refused:
        item.kept(Decimal(1), unit)
    assert refused.value.code == code
