"""What the warehouse counts in: pieces, boxes, kilograms, metres."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from sandbox.wms.contract import WmsFault

BOX: Final = "BX"
PIECE: Final = "EA"
KNOWN: Final = (PIECE, BOX, "KG", "M")


@dataclass(frozen=True, slots=True)
class Item:
    """One stock keeping unit; `unit` is what stock is shown in, None where the master record lacks it."""

    sku: str
    unit: str | None
    pieces_per_box: int | None

    @property
    def smallest(self) -> str | None:
        """The unit its stock is kept in."""
        return PIECE if self.unit == BOX else self.unit

    def kept(self, quantity: Decimal, unit: str) -> Decimal:
        """`quantity` of `unit` in the smallest unit. WmsFault UNKNOWN_UNIT or UNIT_MISMATCH."""
        if unit not in KNOWN:
            raise WmsFault("UNKNOWN_UNIT", f"Unit {unit} is not known; known: {', '.join(KNOWN)}", reference=self.sku)
        if unit == BOX and self.pieces_per_box and self.smallest == PIECE:
            return quantity * self.pieces_per_box
        if unit != self.smallest:
            raise WmsFault("UNIT_MISMATCH", f"{self.sku} is not counted in {unit}", reference=self.sku)
        return quantity

    def shown(self, kept: Decimal) -> tuple[Decimal, str | None]:
        """A kept quantity as lists show it: whole boxes where counted in boxes; pieces once a box is broken."""
        if self.unit != BOX or not self.pieces_per_box:
            return kept, self.unit
        if kept % self.pieces_per_box:
            return kept, PIECE
        return kept / self.pieces_per_box, BOX


def find_item(db: sqlite3.Connection, sku: str) -> Item:
    """The item of that SKU; WmsFault UNKNOWN_SKU."""
    row = db.execute("SELECT sku, unit, pieces_per_box FROM items WHERE sku = ? LIMIT 1", (sku,)).fetchone()
    if row is None:
        raise WmsFault("UNKNOWN_SKU", f"There is no item {sku}", reference=sku)
    return Item(*row)
