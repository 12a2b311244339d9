"""The six writes: shipments requested, changed and cancelled, receipts booked, items named, picking expedited."""

from __future__ import annotations

import hashlib
import sqlite3
from decimal import Decimal
from typing import Any

from sandbox.common.ledger import Effect, Ledger
from sandbox.wms.contract import WmsFault
from sandbox.wms.tables import next_change
from sandbox.wms.units import find_item

Asked = Any  # a member of the request, as the WSDL types it


class Writes:
    """Writes within one open transaction, each with its ledger row; `at` is the time they happen."""

    def __init__(self, db: sqlite3.Connection, ledger: Ledger, at: str) -> None:
        """`ledger` writes to `db`."""
        self._db, self._ledger, self._at = db, ledger, at

    def _kept(self, sku: str, quantity: Decimal, unit: str, reference: str) -> Decimal:
        if quantity <= 0:
            raise WmsFault("INVALID_QUANTITY", f"The quantity of {sku} must be above zero", reference=reference)
        return find_item(self._db, sku).kept(quantity, unit)

    def _refuse_known(self, table: str, reference: str) -> None:
        row = self._db.execute(f"SELECT number FROM {table} WHERE external_reference = ?", (reference,)).fetchone()
        if row is not None:
            message = "This externalReference is taken"
            raise WmsFault("DUPLICATE_REFERENCE", message, reference=reference, existing=row[0])

    def _check_warehouse(self, code: str, reference: str) -> None:
        if self._db.execute("SELECT 1 FROM warehouses WHERE code = ?", (code,)).fetchone() is None:
            raise WmsFault("UNKNOWN_WAREHOUSE", f"There is no warehouse {code}", reference=reference)

    def _insert(self, table: str, values: tuple[Any, ...]) -> None:
        row = (*values, next_change(self._db), self._at)
        self._db.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)


class Movements(Writes):
    """Shipments, receipts, names of items and picking."""

    def create_shipment(self, **asked: Asked) -> dict[str, Any]:
        """`CreateShipment`.

        Faults DUPLICATE_REFERENCE, NO_LINES, DUPLICATE_LINE, UNKNOWN_SKU, UNKNOWN_UNIT, UNIT_MISMATCH,
        INVALID_QUANTITY. Nothing is reserved: stock falls when the warehouse ships.
        """
        reference = asked["externalReference"]
        self._refuse_known("shipments", reference)
        lines = asked["lines"]["line"]
        self._check_lines(lines, reference)
        number = number_of("SHP", reference)
        self._insert("shipments", (
            number, reference, asked["orderReference"], asked.get("shipTo"), day_of(asked),
            asked.get("priority"), "REQUESTED", None,
        ))  # fmt: skip
        self._insert_lines(number, lines)
        self._ledger.record("CreateShipment", reference, number, plain(asked), "created")
        return {"number": number, "externalReference": reference}

    def change_shipment(self, **asked: Asked) -> dict[str, Any]:
        """`ChangeShipment`: the whole content as it shall be; `wantedOn` or `priority` left out is cleared.

        Faults UNKNOWN_REFERENCE, NOT_CHANGEABLE once picked or cancelled, and those of the lines. What stands
        already is answered again, also while it is picked or shipped: a reply may have been lost on its way.
        """
        reference = asked["externalReference"]
        number, status, *_ = head = self._shipment(reference)
        lines = asked["lines"]["line"]
        stands = self._content(number, head[2:]) == _content(asked) and status != "CANCELLED"
        if status != "REQUESTED" and not stands:
            message = f"The shipment is {status}"
            raise WmsFault("NOT_CHANGEABLE", message, reference=reference, existing=number)
        if not stands:
            self._check_lines(lines, reference)
            self._replace(number, asked)
        effect: Effect = "unchanged" if stands else "updated"
        self._ledger.record("ChangeShipment", reference, number, plain(asked), effect)
        return {"number": number, "externalReference": reference, "status": status}

    def cancel_shipment(self, externalReference: str) -> dict[str, Any]:  # noqa: N803 - the contract's name
        """`CancelShipment`: faults UNKNOWN_REFERENCE, NOT_CANCELLABLE; a second call answers as the first."""
        number, status, *_ = self._shipment(externalReference)
        if status not in ("REQUESTED", "CANCELLED"):
            message = f"The shipment is {status}"
            raise WmsFault("NOT_CANCELLABLE", message, reference=externalReference, existing=number)
        if status == "REQUESTED":
            self._db.execute(
                "UPDATE shipments SET status = 'CANCELLED', seq = ?, changed_at = ? WHERE number = ?",
                (next_change(self._db), self._at, number),
            )
        effect: Effect = "updated" if status == "REQUESTED" else "unchanged"
        self._ledger.record("CancelShipment", externalReference, number, {"status": "CANCELLED"}, effect)
        return {"number": number, "externalReference": externalReference, "status": "CANCELLED"}

    def create_receipt(self, **asked: Asked) -> dict[str, Any]:
        """`CreateReceipt`: available stock of (warehouse, sku, lot) rises.

        Faults as for shipments, and UNKNOWN_WAREHOUSE.
        """
        reference, sku, warehouse = asked["externalReference"], asked["sku"], asked["warehouse"]
        self._refuse_known("receipts", reference)
        kept = self._kept(sku, asked["quantity"], asked["unitOfMeasure"], reference)
        self._check_warehouse(warehouse, reference)
        number = number_of("RCP", reference)
        self._insert("receipts", (
            number, reference, sku, warehouse, str(asked["quantity"]), asked["unitOfMeasure"], asked.get("lot"),
            asked.get("source"),
        ))  # fmt: skip
        add_stock(self._db, (warehouse, sku, asked.get("lot") or "", "AVAILABLE"), kept, self._at)
        self._ledger.record("CreateReceipt", reference, number, plain(asked), "created")
        return {"number": number, "externalReference": reference}

    def set_item_code(self, sku: str, goldenCode: str) -> dict[str, Any]:  # noqa: N803 - the contract's names
        """`SetItemCode`: the code of the company's master data; fault UNKNOWN_SKU."""
        known = [row[0] for row in self._db.execute("SELECT golden_code FROM items WHERE sku = ?", (sku,))]
        if not known:
            raise WmsFault("UNKNOWN_SKU", f"There is no item {sku}", reference=sku)
        effect: Effect = "unchanged" if set(known) == {goldenCode} else "updated"
        if effect == "updated":
            self._db.execute(
                "UPDATE items SET golden_code = ?, seq = ?, changed_at = ? WHERE sku = ?",
                (goldenCode, next_change(self._db), self._at, sku),
            )
        self._ledger.record("SetItemCode", sku, sku, {"goldenCode": goldenCode}, effect)
        return {"sku": sku, "goldenCode": goldenCode}

    def expedite_picking(self, orderReference: str, reason: str | None = None) -> dict[str, Any]:  # noqa: N803
        """`ExpeditePicking`: prints one more pick ticket, however often it is asked."""
        row = self._db.execute(
            "INSERT INTO pick_tickets (order_reference, reason, printed_at) VALUES (?, ?, ?)",
            (orderReference, reason, self._at),
        )
        content = {"orderReference": orderReference, "reason": reason}
        self._ledger.record("ExpeditePicking", None, f"PT-{row.lastrowid:06d}", content, "created")
        return {"accepted": True}

    def _shipment(self, reference: str) -> tuple[str, str, str | None, int | None]:
        """Number, status, date wanted and priority; WmsFault UNKNOWN_REFERENCE."""
        row: tuple[str, str, str | None, int | None] | None = self._db.execute(
            "SELECT number, status, wanted_on, priority FROM shipments WHERE external_reference = ?", (reference,)
        ).fetchone()
        if row is None:
            raise WmsFault("UNKNOWN_REFERENCE", "There is no such shipment", reference=reference)
        return row

    def _content(self, number: str, head: tuple[str | None, int | None]) -> tuple[Any, ...]:
        """What stands, to be compared with what is asked."""
        lines = self._db.execute(
            "SELECT line_number, sku, quantity, unit FROM shipment_lines WHERE shipment = ? ORDER BY line_number",
            (number,),
        ).fetchall()
        return (*head, [(line, sku, Decimal(quantity), unit) for line, sku, quantity, unit in lines])

    def _replace(self, number: str, asked: dict[str, Any]) -> None:
        self._db.execute(
            "UPDATE shipments SET wanted_on = ?, priority = ?, seq = ?, changed_at = ? WHERE number = ?",
            (day_of(asked), asked.get("priority"), next_change(self._db), self._at, number),
        )
        self._db.execute("DELETE FROM shipment_lines WHERE shipment = ?", (number,))
        self._insert_lines(number, asked["lines"]["line"])

    def _insert_lines(self, number: str, lines: list[dict[str, Any]]) -> None:
        self._db.executemany(
            "INSERT INTO shipment_lines VALUES (?, ?, ?, ?, ?, '0')",
            [(number, x["lineNumber"], x["sku"], str(x["quantity"]), x["unitOfMeasure"]) for x in lines],
        )

    def _check_lines(self, lines: list[dict[str, Any]], reference: str) -> None:
        if not lines:
            raise WmsFault("NO_LINES", "A shipment needs at least one line", reference=reference)
        numbers = [line["lineNumber"] for line in lines]
        if len(set(numbers)) != len(numbers):
            raise WmsFault("DUPLICATE_LINE", "A line number stands twice", reference=reference)
        for line in lines:
            self._kept(line["sku"], line["quantity"], line["unitOfMeasure"], reference)


def add_stock(db: sqlite3.Connection, key: tuple[str, str, str, str], delta: Decimal, at: str) -> None:
    """Change the stock of (warehouse, sku, lot, status) by `delta`, in the item's smallest unit."""
    where = "warehouse = ? AND sku = ? AND lot = ? AND status = ?"
    row = db.execute(f"SELECT quantity FROM stock WHERE {where}", key).fetchone()
    total = (Decimal(row[0]) if row else Decimal(0)) + delta
    db.execute("INSERT OR REPLACE INTO stock VALUES (?, ?, ?, ?, ?, ?, ?)", (*key, str(total), next_change(db), at))


def number_of(prefix: str, reference: str) -> str:
    """A document number from the caller's reference, so that runs with equal documents have equal numbers."""
    return f"{prefix}-{hashlib.sha256(reference.encode()).hexdigest()[:10].upper()}"


def _content(asked: dict[str, Any]) -> tuple[Any, ...]:
    lines = [(x["lineNumber"], x["sku"], x["quantity"], x["unitOfMeasure"]) for x in asked["lines"]["line"]]
    return day_of(asked), asked.get("priority"), sorted(lines)


def day_of(asked: dict[str, Any]) -> str | None:
    """The day wanted, as text."""
    day = asked.get("wantedOn")
    return None if day is None else str(day)


def plain(asked: dict[str, Any]) -> dict[str, Any]:
    """What was asked, for the ledger: absent members left out."""
    return {name: value for name, value in asked.items() if value is not None}
