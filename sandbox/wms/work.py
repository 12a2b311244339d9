"""The warehouse works on: it books out what the shop floor picked, and from round 2 ships what was requested.

What is on its way between warehouses arrives in the round after it left.

Its own people book; no client wrote, so the ledger is silent. It ships as far as the stock then reaches.

Shipments are taken in the order of their external references, never of creation, so equal documents
have equal outcomes. A round happens once; asked for again, it answers its first summary.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from sandbox.common.state import SystemState
from sandbox.wms.movements import add_stock
from sandbox.wms.tables import next_change, stamp
from sandbox.wms.transfers import carry_out
from sandbox.wms.units import find_item

FIRST_ROUND: Final = 2
_Shipment = tuple[str, str, str]  # number, external reference, status


def work(state: SystemState, round_: int, consumed: Mapping[str, Decimal] | None = None) -> dict[str, Any]:
    """Let the warehouse do round `round_` (from 1) and say what it did.

    `consumed`: drawing number → quantity the shop floor took, in the smallest unit. ValueError when it does
    not lie there; nothing is booked then.
    """
    with state.transaction() as db:
        known = state.meta(f"work_round_{round_}")
        if known is not None:
            return dict(json.loads(known))
        at = stamp(state.now())
        issued = _issue(db, consumed or {}, at)
        shipped = _ship(db, at) if round_ >= FIRST_ROUND else {"shipped": [], "picking": [], "waiting": []}
        summary = {**shipped, "issued": issued, "transfers": carry_out(db, at)}
        state.set_meta(f"work_round_{round_}", json.dumps(summary))
    return summary


def told(state: SystemState, body: Mapping[str, Any]) -> dict[str, Any]:
    """Control `work`: `{"round"?, "consumed"?: {drawing number: quantity as text}}`; ValueError when not a quantity."""
    try:
        consumed = {str(drawing): Decimal(taken) for drawing, taken in (body.get("consumed") or {}).items()}
    except (ArithmeticError, TypeError, AttributeError) as error:
        raise ValueError("consumed is {drawing number: quantity as text}") from error
    return work(state, int(body.get("round", 1)), consumed)


def _issue(db: sqlite3.Connection, consumed: Mapping[str, Decimal], at: str) -> int:
    """Book components out, under whatever SKUs they lie; how many materials."""
    for drawing, quantity in sorted(consumed.items()):
        left = quantity
        for (sku,) in db.execute("SELECT sku FROM labels WHERE drawing = ? ORDER BY sku", (drawing,)).fetchall():
            left = _take(db, sku, left, at)
        if left:
            raise ValueError(f"{drawing}: {left} of {quantity} picked do not lie in the warehouse")
    return len(consumed)


def _ship(db: sqlite3.Connection, at: str) -> dict[str, Any]:
    """Ship every open shipment the stock covers whole; of those newly requested, leave the last one at picking."""
    available = _available(db)
    covered: list[_Shipment] = []
    waiting: list[_Shipment] = []
    for shipment in _open(db):
        (covered if _cover(available, _needs(db, shipment[0])) else waiting).append(shipment)
    fresh = [shipment for shipment in covered if shipment[2] == "REQUESTED"]
    picking = fresh[-1:] if len(covered) > 1 else []
    shipped = [shipment for shipment in covered if shipment not in picking]
    for number, _, _ in shipped:
        _send(db, number, at)
    for number, _, _ in picking:
        _set_status(db, number, "PICKING", None, at)
    outcomes = {"shipped": shipped, "picking": picking, "waiting": waiting}
    return {outcome: [reference for _, reference, _ in shipments] for outcome, shipments in outcomes.items()}


def _open(db: sqlite3.Connection) -> list[_Shipment]:
    """Those being picked first."""
    return db.execute(
        "SELECT number, external_reference, status FROM shipments WHERE status IN ('REQUESTED', 'PICKING')"
        " ORDER BY status = 'REQUESTED', external_reference"
    ).fetchall()


def _available(db: sqlite3.Connection) -> dict[str, Decimal]:
    """Per SKU what can be shipped, in the smallest unit; a negative lot takes nothing from the others."""
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for sku, kept in db.execute("SELECT sku, quantity FROM stock WHERE status = 'AVAILABLE'"):
        totals[sku] += max(Decimal(0), Decimal(kept))
    return totals


def _needs(db: sqlite3.Connection, number: str) -> dict[str, Decimal]:
    needs: dict[str, Decimal] = defaultdict(Decimal)
    for sku, asked, unit in db.execute("SELECT sku, quantity, unit FROM shipment_lines WHERE shipment = ?", (number,)):
        needs[sku] += find_item(db, sku).kept(Decimal(asked), unit)
    return needs


def _cover(available: dict[str, Decimal], needs: Mapping[str, Decimal]) -> bool:
    """Set the needs aside if all of them are available; change nothing otherwise."""
    if any(available.get(sku, Decimal(0)) < quantity for sku, quantity in needs.items()):
        return False
    for sku, quantity in needs.items():
        available[sku] -= quantity
    return True


def _send(db: sqlite3.Connection, number: str, at: str) -> None:
    for sku, quantity in _needs(db, number).items():
        _take(db, sku, quantity, at)
    db.execute("UPDATE shipment_lines SET quantity_shipped = quantity WHERE shipment = ?", (number,))
    _set_status(db, number, "SHIPPED", at, at)


def _take(db: sqlite3.Connection, sku: str, quantity: Decimal, at: str) -> Decimal:
    """Take from the lots in turn; what could not be taken."""
    lots = db.execute(
        "SELECT warehouse, lot, quantity FROM stock WHERE sku = ? AND status = 'AVAILABLE' ORDER BY warehouse, lot",
        (sku,),
    ).fetchall()
    for warehouse, lot, kept in lots:
        taken = min(quantity, max(Decimal(0), Decimal(kept)))
        if taken:
            add_stock(db, (warehouse, sku, lot, "AVAILABLE"), -taken, at)
            quantity -= taken
    return quantity


def _set_status(db: sqlite3.Connection, number: str, status: str, shipped_at: str | None, at: str) -> None:
    db.execute(
        "UPDATE shipments SET status = ?, shipped_at = ?, seq = ?, changed_at = ? WHERE number = ?",
        (status, shipped_at, next_change(db), at, number),
    )
