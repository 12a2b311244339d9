"""The six lists: pages in the order of change, opaque page tokens, `changedSince` inclusive."""

from __future__ import annotations

import base64
import binascii
import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from sandbox.wms.contract import WmsFault
from sandbox.wms.tables import stamp
from sandbox.wms.units import Item

DEFAULT_PAGE: Final = 200
MOST: Final = 1000
Row = tuple[Any, ...]
Asked = Any  # a member of the request, as the WSDL types it
Shape = Callable[[Row], dict[str, Any]]


class Lists:
    """Reads pages from an open connection; every method takes what `PageRequest` carries."""

    def __init__(self, db: sqlite3.Connection) -> None:
        """Read through `db`; the caller holds the lock."""
        self._db = db

    def items(self, **asked: Asked) -> dict[str, Any]:
        """`ListItems`."""
        columns = "sku, description, drawing_ref, unit, pieces_per_box, golden_code, changed_at"
        names = ("sku", "description", "drawingRef", "unitOfMeasure", "piecesPerBox", "goldenCode", "changedAt")
        return self._list("items", "item", "items", columns=columns, shape=lambda row: _named(names, row), asked=asked)

    def warehouses(self, **asked: Asked) -> dict[str, Any]:
        """`ListWarehouses`."""
        names = ("code", "name")
        return self._list(
            "warehouses",
            "warehouse",
            "warehouses",
            columns="code, name",
            shape=lambda row: _named(names, row),
            asked=asked,
        )

    def stock(self, **asked: Asked) -> dict[str, Any]:
        """`ListStock`."""
        columns = "warehouse, sku, lot, status, quantity, changed_at"
        return self._list("rows", "row", "stock", columns=columns, shape=self._stock, asked=asked)

    def shipments(self, **asked: Asked) -> dict[str, Any]:
        """`ListShipments`."""
        columns = "number, external_reference, order_reference, status, shipped_at, changed_at"
        return self._list("shipments", "shipment", "shipments", columns=columns, shape=self._shipment, asked=asked)

    def receipts(self, **asked: Asked) -> dict[str, Any]:
        """`ListReceipts`."""
        columns = "number, external_reference, sku, warehouse, quantity, unit, changed_at"
        names = ("number", "externalReference", "sku", "warehouse", "quantity", "unitOfMeasure", "changedAt")
        return self._list(
            "receipts", "receipt", "receipts", columns=columns, shape=lambda row: _named(names, row), asked=asked
        )

    def transfers(self, **asked: Asked) -> dict[str, Any]:
        """`ListTransfers`."""
        columns = (
            "number, external_reference, sku, from_warehouse, to_warehouse, quantity, unit, wanted_on, priority,"
            " status, changed_at"
        )
        names = (
            "number", "externalReference", "sku", "fromWarehouse", "toWarehouse", "quantity", "unitOfMeasure",
            "wantedOn", "priority", "status", "changedAt",
        )  # fmt: skip
        return self._list(
            "transfers", "transfer", "transfers", columns=columns, shape=lambda row: _named(names, row), asked=asked
        )

    def _list(
        self,
        outer: str,
        inner: str,
        table: str,
        *,
        columns: str,
        shape: Shape,
        asked: dict[str, Asked],
    ) -> dict[str, Any]:
        after, since = _start(asked.get("pageToken"), asked.get("changedSince"))
        size = _size(asked.get("pageSize"))
        rows = self._db.execute(
            f"SELECT seq, {columns} FROM {table} WHERE seq > ? AND changed_at >= ? ORDER BY seq LIMIT ?",
            (after, since, size + 1),
        ).fetchall()
        token = _token(rows[size - 1][0], since) if len(rows) > size else None
        return {outer: {inner: [shape(row[1:]) for row in rows[:size]]}, "nextPageToken": token}

    def _stock(self, row: Row) -> dict[str, Any]:
        warehouse, sku, lot, status, kept, changed_at = row
        found = self._db.execute("SELECT sku, unit, pieces_per_box FROM items WHERE sku = ? LIMIT 1", (sku,)).fetchone()
        quantity, unit = (Item(*found) if found else Item(sku, None, None)).shown(Decimal(kept))
        return {
            "warehouse": warehouse, "sku": sku, "lot": lot or None, "status": status, "quantity": quantity,
            "unitOfMeasure": unit, "changedAt": changed_at,
        }  # fmt: skip

    def _shipment(self, row: Row) -> dict[str, Any]:
        names = ("number", "externalReference", "orderReference", "status", "shippedAt", "changedAt")
        lines = self._db.execute(
            "SELECT line_number, sku, quantity, unit, quantity_shipped FROM shipment_lines WHERE shipment = ?"
            " ORDER BY line_number",
            (row[0],),
        )
        line_names = ("lineNumber", "sku", "quantity", "unitOfMeasure", "quantityShipped")
        return {**_named(names, row), "lines": {"line": [_named(line_names, line) for line in lines]}}


def _named(names: tuple[str, ...], row: Row) -> dict[str, Any]:
    return dict(zip(names, row, strict=True))


def _token(seq: int, since: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([seq, since]).encode()).decode()


def _start(token: str | None, since: str | None) -> tuple[int, str]:
    if not token:
        return 0, _moment(since) if since else ""
    try:
        seq, began = json.loads(base64.urlsafe_b64decode(token))
        return int(seq), str(began)
    except (binascii.Error, ValueError, TypeError) as error:
        raise WmsFault("INVALID_PAGE_TOKEN", "This page token was not issued here") from error


def _moment(text: str) -> str:
    moment = datetime.fromisoformat(text)
    return stamp(moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC))


def _size(asked: int | None) -> int:
    if asked is None:
        return DEFAULT_PAGE
    if not 1 <= asked <= MOST:
        raise WmsFault("INVALID_PAGE_SIZE", f"pageSize must be 1 to {MOST}")
    return asked
