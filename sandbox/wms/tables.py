"""The WMS's tables. `seq` numbers changes, so that a page never skips a row; quantities are exact text.

Stock is kept in each item's smallest unit (pieces where it is counted in boxes) and shown in boxes.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Final

SCHEMA: Final = (
    (
        "CREATE TABLE IF NOT EXISTS items (sku TEXT NOT NULL, description TEXT, drawing_ref TEXT,"
        " unit TEXT, pieces_per_box INTEGER, golden_code TEXT, seq INTEGER NOT NULL, changed_at TEXT NOT NULL)"
    ),
    "CREATE INDEX IF NOT EXISTS items_sku ON items (sku)",
    # What is printed on the goods themselves, whatever the master record says; no client sees it.
    "CREATE TABLE IF NOT EXISTS labels (sku TEXT PRIMARY KEY, drawing TEXT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS labels_drawing ON labels (drawing)",
    (
        "CREATE TABLE IF NOT EXISTS warehouses (code TEXT PRIMARY KEY, name TEXT NOT NULL, seq INTEGER NOT NULL,"
        " changed_at TEXT NOT NULL)"
    ),
    (
        "CREATE TABLE IF NOT EXISTS stock (warehouse TEXT NOT NULL, sku TEXT NOT NULL, lot TEXT NOT NULL,"
        " status TEXT NOT NULL, quantity TEXT NOT NULL, seq INTEGER NOT NULL, changed_at TEXT NOT NULL,"
        " PRIMARY KEY (warehouse, sku, lot, status))"
    ),
    "CREATE INDEX IF NOT EXISTS stock_sku ON stock (sku)",
    (
        "CREATE TABLE IF NOT EXISTS shipments (number TEXT PRIMARY KEY, external_reference TEXT NOT NULL UNIQUE,"
        " order_reference TEXT NOT NULL, ship_to TEXT, wanted_on TEXT, priority INTEGER, status TEXT NOT NULL,"
        " shipped_at TEXT, seq INTEGER NOT NULL, changed_at TEXT NOT NULL)"
    ),
    (
        "CREATE TABLE IF NOT EXISTS shipment_lines (shipment TEXT NOT NULL, line_number INTEGER NOT NULL,"
        " sku TEXT NOT NULL, quantity TEXT NOT NULL, unit TEXT NOT NULL, quantity_shipped TEXT NOT NULL,"
        " PRIMARY KEY (shipment, line_number))"
    ),
    (
        "CREATE TABLE IF NOT EXISTS receipts (number TEXT PRIMARY KEY, external_reference TEXT NOT NULL UNIQUE,"
        " sku TEXT NOT NULL, warehouse TEXT NOT NULL, quantity TEXT NOT NULL, unit TEXT NOT NULL, lot TEXT,"
        " source TEXT, seq INTEGER NOT NULL, changed_at TEXT NOT NULL)"
    ),
    (
        "CREATE TABLE IF NOT EXISTS pick_tickets (ticket INTEGER PRIMARY KEY AUTOINCREMENT,"
        " order_reference TEXT NOT NULL, reason TEXT, printed_at TEXT NOT NULL)"
    ),
    (
        "CREATE TABLE IF NOT EXISTS transfers (number TEXT PRIMARY KEY, external_reference TEXT UNIQUE,"
        " sku TEXT NOT NULL, from_warehouse TEXT NOT NULL, to_warehouse TEXT NOT NULL, quantity TEXT NOT NULL,"
        " unit TEXT NOT NULL, wanted_on TEXT, priority INTEGER, status TEXT NOT NULL, seq INTEGER NOT NULL,"
        " changed_at TEXT NOT NULL)"
    ),
    "CREATE TABLE IF NOT EXISTS changes (seq INTEGER PRIMARY KEY AUTOINCREMENT)",
    *(
        f"CREATE INDEX IF NOT EXISTS {table}_order ON {table} (seq)"
        for table in ("items", "stock", "shipments", "receipts", "transfers")
    ),
)


def next_change(db: sqlite3.Connection) -> int:
    """The next change number, in the open transaction."""
    db.execute("DELETE FROM changes")
    return int(db.execute("INSERT INTO changes DEFAULT VALUES").lastrowid or 0)


def stamp(moment: datetime) -> str:
    """UTC with microseconds and `Z`: a fixed width, so that text order is time order."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
