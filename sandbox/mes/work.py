"""The shop floor works on: releases work orders, reports quantities, inspects, completes.

What it completes it must be able to build: handed the warehouse's stock, it runs only work orders whose
whole kit lies there, and says what each took. Handed none, it takes every shelf for full.

Rejected pieces lie in the way: rework is done first thing, all of it, and comes out good.

Every fourth order is also reported after its first operation; every fifth takes longer than it should. The first
inspection of an order reported in parts counts a piece too many. What clients asked to be inspected is inspected in
the next round, all of it, and found good.

What happens depends on the documents' business keys alone (the client's reference, else the ERP's
order number), so equal documents have equal outcomes whatever the order they were created in. A
round happens once; asked for again, it answers its first summary.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import Any, Final

from sandbox.common.state import SystemState
from sandbox.mes.documents import Body, Document, Documents, number, quantity
from sandbox.mes.kits import REWORK, Kits
from sandbox.mes.outbox import announce
from sandbox.mes.routings import Routings
from sandbox.mes.work_orders import OPEN, ORDERS, TASKS

SHARE: Final = 3  # at most one open order in three is run to completion in a round
SPLIT: Final = 2  # every second order run is reported in two parts
STEPPED: Final = (4, 2)  # of every four orders run, the third is also reported after its first operation
SLOWED: Final = (5, 3)  # of every five, the fourth takes longer
SLOWLY: Final = Decimal("1.3")
IDLE_HOURS: Final = Decimal("0.5")
REPORTER: Final = "line-2"
_NAMES: Final = ("number", "external_ref", "erp_order_no", "material_code", "quantity", "unit")
_COUNTED: Final = ("erp_order_no", "operation_seq", "quantity_good", "quantity_scrap", "unit", "hours")


def work(state: SystemState, round_: int, shelves: Mapping[str, Decimal] | None = None) -> dict[str, Any]:
    """Let the shop floor do round `round_` (from 1) and say what it did.

    `shelves`: drawing number → available quantity in the plant's unit; None takes every shelf for full.
    """
    with state.transaction():
        known = state.meta(f"work_round_{round_}")
        if known is not None:
            return dict(json.loads(known))
        summary = _Shift(state, round_).run(shelves)
        state.set_meta(f"work_round_{round_}", json.dumps(summary))
    return summary


def told(state: SystemState, body: Mapping[str, Any]) -> dict[str, Any]:
    """Control `work`: `{"round"?, "stock"?: {drawing number: quantity as text}}`; ValueError when not a quantity."""
    stock = body.get("stock")
    try:
        shelves = None if stock is None else {str(name): Decimal(kept) for name, kept in stock.items()}
    except (ArithmeticError, TypeError, AttributeError) as error:
        raise ValueError("stock is {drawing number: quantity as text}") from error
    return work(state, int(body.get("round", 1)), shelves)


def business_key(order: Body) -> str:
    """By what a work order is known outside: the client's reference, else the ERP's number, else its own."""
    return str(order.get("external_ref") or order.get("erp_order_no") or order["number"])


@dataclass(frozen=True, slots=True)
class _Made:
    """What one report says of one operation."""

    sequence: int
    good: Decimal
    scrap: Decimal
    hours: Decimal


class _Shift:
    """One round of work inside an open transaction."""

    def __init__(self, state: SystemState, round_: int) -> None:
        self._state, self._db, self._round = state, state.db, round_
        self._documents = Documents(state.db, state.now())
        self._routings = Routings(state.plant)
        self._reports: list[Body] = []
        self._failed: list[str] = []
        self._miscounted: list[str] = []
        self._inspected: list[str] = []  # reports
        self._taken: dict[str, list[dict[str, str]]] = {}  # work order id → components

    def run(self, shelves: Mapping[str, Decimal] | None) -> dict[str, Any]:
        self._inspect_what_was_asked()
        rework = self._open(rework=True)
        chosen = self._open()[::SHARE] if shelves is None else self._buildable(dict(shelves))
        spoilt = _first_of_several(chosen) if self._round == 1 else None
        for place, order in enumerate(chosen):
            self._run_order(order, place, idle=self._round == 1 and order is chosen[-1], scrap=order is spoilt)
        for order in rework:
            self._run_order(order, 0, idle=False, scrap=False)
        completed = [
            {**{name: order.body[name] for name in _NAMES}, "consumed": self._taken.get(order.id, [])}
            for order in (*chosen, *rework)
        ]
        return {
            "completed": completed, "reports": self._reports, "failed_inspections": self._failed,
            "miscounted_inspections": self._miscounted, "inspected": self._inspected,
        }  # fmt: skip

    def _open(self, *, rework: bool = False) -> list[Document]:
        """Open orders in turn: those of production, or those of rework."""
        found = [
            order for status in OPEN for order in self._documents.page(ORDERS, 0, 1_000_000, None, {"status": status})
        ]
        wanted = [order for order in found if (order.body.get("kind") == REWORK) == rework]
        return sorted(wanted, key=lambda order: business_key(order.body))

    def _buildable(self, shelves: dict[str, Decimal]) -> list[Document]:
        """Up to a third of the open orders, in turn, each with its whole kit set aside from what is left."""
        kits, open_ = Kits(self._state.plant), self._open()
        chosen: list[Document] = []
        for order in open_:
            if len(chosen) * SHARE >= len(open_):
                break
            needs = kits.needs(order.body)
            if all(shelves.get(drawing, Decimal(0)) >= needed for drawing, needed in needs.items()):
                for drawing, needed in needs.items():
                    shelves[drawing] -= needed
                self._taken[order.id] = [{"drawing": drawing, "quantity": f"{n:f}"} for drawing, n in needs.items()]
                chosen.append(order)
        return chosen

    def _run_order(self, order: Document, place: int, *, idle: bool, scrap: bool) -> None:
        """Complete one order; `idle` adds a report of zero, `scrap` a failed inspection."""
        if order.body["status"] == "created":
            order = self._move(order, "work_order.released", {"status": "released"})
        order = self._move(order, "work_order.started", {"status": "running"})
        steps, pace = self._routings.sequences(order.body), SLOWLY if place % SLOWED[0] == SLOWED[1] else Decimal(1)
        if idle:
            self._report(order, 0, _Made(steps[-1], Decimal(0), Decimal(0), IDLE_HOURS))
        if place % STEPPED[0] == STEPPED[1] and len(steps) > 1:
            total = quantity(order.body["quantity"])
            hours = self._routings.hours(order.body, steps[0], total, first=True) * pace
            self._report(order, f"op{steps[0]}", _Made(steps[0], total, Decimal(0), hours))
        order = self._finish(order, scrap=scrap, split=not scrap and place % SPLIT == 1, pace=pace)
        self._move(order, "work_order.completed", {"status": "completed"})

    def _finish(self, order: Document, *, scrap: bool, split: bool, pace: Decimal) -> Document:
        total, last = quantity(order.body["quantity"]), self._routings.sequences(order.body)[-1]
        failed = _tenth(total) if scrap else Decimal(0)
        parts = list(_parts(total)) if split else [total]
        for place, part in enumerate(parts, start=1):
            hours = self._routings.hours(order.body, last, part, first=place == 1) * pace
            report = self._report(order, place, _Made(last, part - failed, failed, hours))
            if place == len(parts) and (scrap or split):
                self._inspect(order, report, part, failed)
        return self._tally(order, total - failed, failed)

    def _tally(self, order: Document, good: Decimal, scrap: Decimal) -> Document:
        return self._documents.replace(ORDERS, order, {"quantity_good": number(good), "quantity_scrap": number(scrap)})

    def _move(self, order: Document, event: str, changes: Body) -> Document:
        new = self._documents.replace(ORDERS, order, changes)
        announce(self._db, event, ORDERS, new.version, new.body)
        return new

    def _report(self, order: Document, place: int | str, made: _Made) -> Document:
        body = order.body
        report = self._add("reports", f"rep_{order.id.removeprefix('wo_')}-{place}", {
            "work_order_id": order.id, "work_order_number": body["number"], "erp_order_no": body["erp_order_no"],
            "operation_seq": made.sequence, "quantity_good": number(made.good), "quantity_scrap": number(made.scrap),
            "unit": body["unit"], "hours": number(made.hours), "reported_at": self._documents.at, "reporter": REPORTER,
        })  # fmt: skip
        said = {name: report.body[name] for name in ("id", "work_order_number", *_COUNTED)}
        self._reports.append({**said, "finishes": made.sequence == self._routings.sequences(body)[-1]})
        return report

    def _inspect(self, order: Document, report: Document, inspected: Decimal, failed: Decimal) -> None:
        miscounted = not failed and self._round == 1 and not self._miscounted
        counted = inspected + 1 if miscounted else inspected
        inspection = self._add("inspections", report.id.replace("rep_", "ins_"), {
            "work_order_id": order.id, "report_id": report.id, "quantity_inspected": number(counted),
            "quantity_failed": number(failed), "result": "failed" if failed else "passed",
            "reason": "surface scratched / 表面划伤" if failed else None, "inspected_at": self._documents.at,
        })  # fmt: skip
        self._inspected.append(report.id)
        if failed:
            self._failed.append(inspection.id)
        if miscounted:
            self._miscounted.append(inspection.id)

    def _inspect_what_was_asked(self) -> None:
        """The reports of open inspection tasks are inspected in full and found good."""
        open_ = self._documents.page(TASKS, 0, 1_000_000, None, {"kind": "inspection", "status": "open"})
        for task in sorted(open_, key=lambda task: str(task.body["external_ref"])):
            report = self._documents.get("reports", task.body["report_id"] or "")
            if report is None:
                continue
            counted = quantity(report.body["quantity_good"]) + quantity(report.body["quantity_scrap"])
            self._add("inspections", report.id.replace("rep_", "ins_") + task.id.replace("tsk_", "-"), {
                "work_order_id": report.body["work_order_id"], "report_id": report.id,
                "quantity_inspected": number(counted), "quantity_failed": 0, "result": "passed", "reason": None,
                "inspected_at": self._documents.at,
            })  # fmt: skip
            self._documents.replace(TASKS, task, {"status": "done"})
            self._inspected.append(report.id)

    def _add(self, collection: str, id_: str, fields: Body) -> Document:
        document = self._documents.insert(collection, {"id": id_, **fields})
        kind = f"{collection.removesuffix('s')}.created"
        announce(self._db, kind, collection, document.version, document.body)
        return document


def _first_of_several(orders: list[Document]) -> Document | None:
    """The first order of more than one unit, so that some of it stays good; else the first."""
    several = (order for order in orders if order.body["quantity"] > 1)
    return next(several, orders[0] if orders else None)


def _tenth(total: Decimal) -> Decimal:
    """About a tenth, at least the smallest whole step, never everything unless there is only one."""
    return max(Decimal(1), (total / 10).quantize(Decimal(1), ROUND_FLOOR)) if total > 1 else total


def _parts(total: Decimal) -> Iterable[Decimal]:
    half = (total / 2).quantize(Decimal(1), ROUND_FLOOR)
    return (half, total - half) if half else (total,)
