"""The four writes: shipments requested and cancelled, receipts booked, picking expedited."""

from __future__ import annotations

import hashlib
import sqlite3
from decimal import Decimal
from typing import Any

from sandbox.common.ledger import Ledger
from sandbox.wms.contract import WmsFault
from sandbox.wms.tables import next_change
from sandbox.wms.units import find_item

Asked = Any  # a member of the request, as the WSDL types it


class Movements:
    """Writes within one open transaction, each with its ledger row; `at` is the time they happen."""

    def __init__(self, db: sqlite3.Connection, ledger: Ledger, at: str) -> None:
        """`ledger` writes to `db`."""
        self._db, self._ledger, self._at = db, ledger, at

    def create_shipment(self, **asked: Asked) -> dict[str, Any]:
        """`CreateShipment`.

        Faults DUPLICATE_REFERENCE, NO_LINES, DUPLICATE_LINE, UNKNOWN_SKU, UNKNOWN_UNIT, UNIT_MISMATCH,
        INVALID_QUANTITY. Nothing is reserved: stock falls when the warehouse ships.
        """
        reference = asked["externalReference"]
        self._refuse_known("shipments", reference)
        lines = asked["lines"]["line"]
        self._check_lines(lines, reference)
        number = _number("SHP", reference)
        self._insert("shipments", (
            number, reference, asked["orderReference"], asked.get("shipTo"), asked.get("wantedOn"),
            asked.get("priority"), "REQUESTED", None,
        ))  # fmt: skip
        self._db.executemany(
            "INSERT INTO shipment_lines VALUES (?, ?, ?, ?, ?, '0')",
            [(number, x["lineNumber"], x["sku"], str(x["quantity"]), x["unitOfMeasure"]) for x in lines],
        )
        self._ledger.record("CreateShipment", reference, number, _plain(asked), "created")
        return {"number": number, "externalReference": reference}

    def cancel_shipment(self, externalReference: str) -> dict[str, Any]:  # noqa: N803 - the contract's name
        """`CancelShipment`: faults UNKNOWN_REFERENCE, NOT_CANCELLABLE; a second call answers as the first."""
        row = self._db.execute(
            "SELECT number, status FROM shipments WHERE external_reference = ?", (externalReference,)
        ).fetchone()
        if row is None:
            raise WmsFault("UNKNOWN_REFERENCE", "There is no such shipment", reference=externalReference)
        number, status = row
        if status not in ("REQUESTED", "CANCELLED"):
            message = f"The shipment is {status}"
            raise WmsFault("NOT_CANCELLABLE", message, reference=externalReference, existing=number)
        if status == "REQUESTED":
            self._db.execute(
                "UPDATE shipments SET status = 'CANCELLED', seq = ?, changed_at = ? WHERE number = ?",
                (next_change(self._db), self._at, number),
            )
        effect = "updated" if status == "REQUESTED" else "unchanged"
        self._ledger.record("CancelShipment", externalReference, number, {"status": "CANCELLED"}, effect)  # type: ignore[arg-type]
        return {"number": number, "externalReference": externalReference, "status": "CANCELLED"}

    def create_receipt(self, **asked: Asked) -> dict[str, Any]:
        """`CreateReceipt`: available stock of (warehouse, sku, lot) rises.

        Faults as for shipments, and UNKNOWN_WAREHOUSE.
        """
        reference, sku, warehouse = asked["externalReference"], asked["sku"], asked["warehouse"]
        self._refuse_known("receipts", reference)
        kept = self._kept(sku, asked["quantity"], asked["unitOfMeasure"], reference)
        if self._db.execute("SELECT 1 FROM warehouses WHERE code = ?", (warehouse,)).fetchone() is None:
            raise WmsFault("UNKNOWN_WAREHOUSE", f"There is no warehouse {warehouse}", reference=reference)
        number = _number("RCP", reference)
        self._insert("receipts", (
            number, reference, sku, warehouse, str(asked["quantity"]), asked["unitOfMeasure"], asked.get("lot"),
            asked.get("source"),
        ))  # fmt: skip
        add_stock(self._db, (warehouse, sku, asked.get("lot") or "", "AVAILABLE"), kept, self._at)
        self._ledger.record("CreateReceipt", reference, number, _plain(asked), "created")
        return {"number": number, "externalReference": reference}

    def expedite_picking(self, orderReference: str, reason: str | None = None) -> dict[str, Any]:  # noqa: N803
        """`ExpeditePicking`: prints one more pick ticket, however often it is asked."""
        row = self._db.execute(
            "INSERT INTO pick_tickets (order_reference, reason, printed_at) VALUES (?, ?, ?)",
            (orderReference, reason, self._at),
        )
        content = {"orderReference": orderReference, "reason": reason}
        self._ledger.record("ExpeditePicking", None, f"PT-{row.lastrowid:06d}", content, "created")
        return {"accepted": True}

    def _check_lines(self, lines: list[dict[str, Any]], reference: str) -> None:
        if not lines:
            raise WmsFault("NO_LINES", "A shipment needs at least one line", reference=reference)
        numbers = [line["lineNumber"] for line in lines]
        if len(set(numbers)) != len(numbers):
            raise WmsFault("DUPLICATE_LINE", "A line number stands twice", reference=reference)
        for line in lines:
            self._kept(line["sku"], line["quantity"], line["unitOfMeasure"], reference)

    def _kept(self, sku: str, quantity: Decimal, unit: str, reference: str) -> Decimal:
        if quantity <= 0:
            raise WmsFault("INVALID_QUANTITY", f"The quantity of {sku} must be above zero", reference=reference)
        return find_item(self._db, sku).kept(quantity, unit)

    def _refuse_known(self, table: str, reference: str) -> None:
        row = self._db.execute(f"SELECT number FROM {table} WHERE external_reference = ?", (reference,)).fetchone()
        if row is not None:
            message = "This externalReference is taken"
            raise WmsFault("DUPLICATE_REFERENCE", message, reference=reference, existing=row[0])

    def _insert(self, table: str, values: tuple[Any, ...]) -> None:
        row = (*values, next_change(self._db), self._at)
        self._db.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)


def add_stock(db: sqlite3.Connection, key: tuple[str, str, str, str], delta: Decimal, at: str) -> None:
    """Change the stock of (warehouse, sku, lot, status) by `delta`, in the item's smallest unit."""
    where = "warehouse = ? AND sku = ? AND lot = ? AND status = ?"
    row = db.execute(f"SELECT quantity FROM stock WHERE {where}", key).fetchone()
    total = (Decimal(row[0]) if row else Decimal(0)) + delta
    db.execute("INSERT OR REPLACE INTO stock VALUES (?, ?, ?, ?, ?, ?, ?)", (*key, str(total), next_change(db), at))


def _number(prefix: str, reference: str) -> str:
    """A document number from the caller's reference, so that runs with equal documents have equal numbers."""
    return f"{prefix}-{hashlib.sha256(reference.encode()).hexdigest()[:10].upper()}"


def _plain(asked: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in asked.items() if value is not None}
