"""Transfers between warehouses: requested, changed and cancelled by clients, carried out by the warehouse's people."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from sandbox.common.ledger import Effect
from sandbox.wms.contract import WmsFault
from sandbox.wms.movements import Asked, Writes, add_stock, day_of, number_of, plain
from sandbox.wms.tables import next_change
from sandbox.wms.units import find_item

WAREHOUSES: Final = ("fromWarehouse", "toWarehouse")


class Transfers(Writes):
    """What clients write of transfers."""

    def create(self, **asked: Asked) -> dict[str, Any]:
        """`CreateTransfer`.

        Faults DUPLICATE_REFERENCE, UNKNOWN_SKU, UNKNOWN_UNIT, UNIT_MISMATCH, INVALID_QUANTITY, UNKNOWN_WAREHOUSE,
        SAME_WAREHOUSE. Nothing is reserved: stock falls when the goods leave.
        """
        reference = asked["externalReference"]
        self._refuse_known("transfers", reference)
        self._kept(asked["sku"], asked["quantity"], asked["unitOfMeasure"], reference)
        self._check_warehouses(asked, reference)
        number = number_of("TRF", reference)
        self._insert("transfers", (
            number, reference, asked["sku"], asked["fromWarehouse"], asked["toWarehouse"], str(asked["quantity"]),
            asked["unitOfMeasure"], day_of(asked), asked.get("priority"), "REQUESTED",
        ))  # fmt: skip
        self._ledger.record("CreateTransfer", reference, number, plain(asked), "created")
        return {"number": number, "externalReference": reference}

    def change(self, **asked: Asked) -> dict[str, Any]:
        """`ChangeTransfer`: faults UNKNOWN_REFERENCE, NOT_CHANGEABLE once the goods left, and those of the quantity.

        What stands already is answered again, also while it is on its way: a reply may have been lost.
        """
        reference = asked["externalReference"]
        number, status, sku, *standing = self._transfer(reference)
        wanted = [asked["quantity"], asked["unitOfMeasure"], day_of(asked), asked.get("priority")]
        stands = [Decimal(standing[0]), *standing[1:]] == wanted and status != "CANCELLED"
        if status != "REQUESTED" and not stands:
            raise WmsFault("NOT_CHANGEABLE", f"The transfer is {status}", reference=reference, existing=number)
        if not stands:
            self._kept(sku, asked["quantity"], asked["unitOfMeasure"], reference)
            self._db.execute(
                "UPDATE transfers SET quantity = ?, unit = ?, wanted_on = ?, priority = ?, seq = ?, changed_at = ?"
                " WHERE number = ?",
                (str(wanted[0]), *wanted[1:], next_change(self._db), self._at, number),
            )
        effect: Effect = "unchanged" if stands else "updated"
        self._ledger.record("ChangeTransfer", reference, number, plain(asked), effect)
        return {"number": number, "externalReference": reference, "status": status}

    def cancel(self, externalReference: str) -> dict[str, Any]:  # noqa: N803 - the contract's name
        """`CancelTransfer`: faults UNKNOWN_REFERENCE, NOT_CANCELLABLE; a second call answers as the first."""
        number, status, *_ = self._transfer(externalReference)
        if status not in ("REQUESTED", "CANCELLED"):
            message = f"The transfer is {status}"
            raise WmsFault("NOT_CANCELLABLE", message, reference=externalReference, existing=number)
        if status == "REQUESTED":
            set_status(self._db, number, "CANCELLED", self._at)
        effect: Effect = "updated" if status == "REQUESTED" else "unchanged"
        self._ledger.record("CancelTransfer", externalReference, number, {"status": "CANCELLED"}, effect)
        return {"number": number, "externalReference": externalReference, "status": "CANCELLED"}

    def _transfer(self, reference: str) -> tuple[Any, ...]:
        """Number, status, SKU, quantity, unit, day wanted and priority; WmsFault UNKNOWN_REFERENCE."""
        columns = "number, status, sku, quantity, unit, wanted_on, priority"
        row: tuple[Any, ...] | None = self._db.execute(
            f"SELECT {columns} FROM transfers WHERE external_reference = ?", (reference,)
        ).fetchone()
        if row is None:
            raise WmsFault("UNKNOWN_REFERENCE", "There is no such transfer", reference=reference)
        return row

    def _check_warehouses(self, asked: dict[str, Any], reference: str) -> None:
        for name in WAREHOUSES:
            self._check_warehouse(asked[name], reference)
        if asked["fromWarehouse"] == asked["toWarehouse"]:
            raise WmsFault("SAME_WAREHOUSE", "A transfer goes from one warehouse to another", reference=reference)


def carry_out(db: sqlite3.Connection, at: str) -> dict[str, list[str]]:
    """One round of the warehouse's people: what is on its way arrives, then what can leave leaves.

    A transfer leaves when all of it lies at the warehouse it comes from. Taken in the order of their references.
    """
    received = [_arrive(db, row, at) for row in _in_status(db, "IN_TRANSIT")]
    sent = [row[1] for row in _in_status(db, "REQUESTED") if _leave(db, row, at)]
    return {"received": received, "sent": sent}


_Row = tuple[str, str, str, str, str, Decimal]
"""Number, reference, SKU, from, to, quantity in the smallest unit."""


def _in_status(db: sqlite3.Connection, status: str) -> Iterator[_Row]:
    rows = db.execute(
        "SELECT number, coalesce(external_reference, number), sku, from_warehouse, to_warehouse, quantity, unit"
        " FROM transfers WHERE status = ? ORDER BY 2",
        (status,),
    ).fetchall()
    for number, reference, sku, origin, target, quantity, unit in rows:
        yield number, reference, sku, origin, target, find_item(db, sku).kept(Decimal(quantity), unit)


def _arrive(db: sqlite3.Connection, row: _Row, at: str) -> str:
    number, reference, sku, _, target, kept = row
    add_stock(db, (target, sku, "", "AVAILABLE"), kept, at)
    set_status(db, number, "RECEIVED", at)
    return reference


def _leave(db: sqlite3.Connection, row: _Row, at: str) -> bool:
    number, _, sku, origin, _, kept = row
    lots = db.execute(
        "SELECT lot, quantity FROM stock WHERE warehouse = ? AND sku = ? AND status = 'AVAILABLE' ORDER BY lot",
        (origin, sku),
    ).fetchall()
    if sum(max(Decimal(0), Decimal(there)) for _, there in lots) < kept:
        return False
    for lot, there in lots:
        taken = min(kept, max(Decimal(0), Decimal(there)))
        if taken:
            add_stock(db, (origin, sku, lot, "AVAILABLE"), -taken, at)
            kept -= taken
    set_status(db, number, "IN_TRANSIT", at)
    return True


def set_status(db: sqlite3.Connection, number: str, status: str, at: str) -> None:
    """Move a transfer on."""
    db.execute(
        "UPDATE transfers SET status = ?, seq = ?, changed_at = ? WHERE number = ?",
        (status, next_change(db), at, number),
    )
