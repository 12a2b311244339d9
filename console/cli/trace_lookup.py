"""Gathers everything the hub knows about one sales order, from the store and the frames of the last pass."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from canonical.plan import DEFAULT_SCALE
from canonical.strict_json import loads
from console.cli.outbox import reason
from store import crosswalk, documents, events, golden, outbox, plan_pegs, quarantine
from store.documents import Document
from store.events import ChangeEvent
from store.frames import FrameStore
from store.outbox import OutboxEntry
from store.unit_of_work import Transaction

Row = Mapping[str, Any]
DOCUMENTS = {"raise_task": "task", "update_order_progress": "order_progress"}
"""Commands whose document is something else than the entity it is kept with."""
EVENTS_READ = 1_000_000
"""Events are read by fact, not by order; so many are looked through at most."""


@dataclass(frozen=True, slots=True)
class OrderLife:
    """One sales order from the CRM to the truck. Rows are plain values, as JSON shows them."""

    order: Row
    lines: list[Row]
    progress: Row | None
    supplies: list[Row]
    documents: list[Row]
    commands: list[Row]
    reports: list[Row]
    inspections: list[Row]
    shipments: list[Row]
    quarantined: list[Row]
    events: list[Row]

    @property
    def names(self) -> dict[str, str]:
        """Item → its name, for the lines and supplies."""
        return {row["item"]: row["name"] for row in (*self.lines, *self.supplies) if row.get("name")}


def golden_order(tx: Transaction, given: str) -> str | None:
    """The golden id of a sales order named by its golden id or by any system's number; None when nobody knows it."""
    if golden.current(tx, "sales_order", given) is not None:
        return golden.resolve(tx, "sales_order", given)
    frame = crosswalk.crosswalk_frame(tx, "sales_order").filter(pl.col("source_key") == given)
    return str(frame["golden_id"][0]) if frame.height else None


def similar_orders(tx: Transaction, given: str) -> list[str]:
    """Known orders whose number resembles this one."""
    known = crosswalk.crosswalk_frame(tx, "sales_order")["source_key"].unique().to_list()
    ending = [number for number in known if number.endswith(given)]
    return sorted(ending)[:3] or difflib.get_close_matches(given, known, n=3, cutoff=0.6)


def life_of(tx: Transaction, home: Path, order: str) -> OrderLife:
    """Everything about one golden order; raises `LookupError` for an order that has no record."""
    version = golden.current(tx, "sales_order", order)
    if version is None:
        raise LookupError(order)
    frames = _Frames(FrameStore(home / "frames"))
    lines = frames.rows("sales_order_line", "order", [order])
    keys = [row["golden_id"] for row in lines]
    entries = outbox.entries(tx, sales_order=order)
    supplies = [row for key in keys for row in _supplies(tx, frames, key)]
    references = {entry.command.business_key for entry in entries} | {row["reference"] for row in supplies}
    work = _work_orders(frames, order, references)
    kinds = {(one.command.system, one.command.entity, one.command.business_key): one.command.kind for one in entries}
    ours = [row for row in documents.listed(tx) if row.business_key in references]
    return OrderLife(
        order=version.content,
        lines=[{**row, "name": frames.item(row["item"])} for row in lines],
        progress=_progress(tx, order),
        supplies=supplies,
        documents=[*_native(tx, order), *(_document(row, kinds) for row in ours), *_foreign(work, ours)],
        commands=[_command(tx, entry) for entry in entries],
        reports=frames.rows("operation_report", "work_order", [row["golden_id"] for row in work]),
        inspections=frames.rows("inspection", "work_order", [row["golden_id"] for row in work]),
        shipments=_either(frames, "shipment", {"sales_order": [order], "our_reference": keys}),
        quarantined=_quarantined(tx, order),
        events=[_event(one) for one in _events(tx, order, {*references, *keys, order})],
    )


class _Frames:
    """The golden frames of the last pass, as rows."""

    def __init__(self, frames: FrameStore) -> None:
        self._frames = frames
        items = frames.read("golden/item")
        self._names = {} if items is None else dict(items.select("golden_id", "name").iter_rows())

    def rows(self, entity: str, column: str, values: Iterable[str]) -> list[Row]:
        frame = self._frames.read(f"golden/{entity}")
        if frame is None:
            return []
        return list(frame.filter(pl.col(column).is_in(list(values))).iter_rows(named=True))

    def item(self, golden_id: str) -> str | None:
        return self._names.get(golden_id)

    def planned(self, key: str) -> Row:
        frame = self._frames.read("plan/planned_order")
        found = [] if frame is None else frame.filter(pl.col("key") == key).to_dicts()
        return found[0] if found else {}


def _supplies(tx: Transaction, frames: _Frames, line: str) -> list[Row]:
    """What a line waits for, down to what is bought: each supply once, with who consumes it."""
    pegs = plan_pegs.pegs_of(tx, root=line)
    orders = {peg.supply: frames.planned(peg.supply) for peg in pegs if peg.kind == "planned"}
    return [
        {
            "line": line, "supply": peg.supply, "kind": peg.kind, "consumer": peg.consumer, "item": peg.item,
            "name": frames.item(peg.item), "quantity": Decimal(peg.quantity) / DEFAULT_SCALE,
            "sourcing": orders.get(peg.supply, {}).get("sourcing"), "due": orders.get(peg.supply, {}).get("due"),
            "expected": orders.get(peg.supply, {}).get("expected"), "late": orders.get(peg.supply, {}).get("late"),
            "reference": _reference(peg.supply, orders.get(peg.supply, {}).get("sourcing")),
        }
        for peg in pegs
    ]  # fmt: skip


def _reference(supply: str, sourcing: str | None) -> str:
    """Our reference of a planned order's document; a supply that stands already goes by its own key."""
    letter = {"make": "M", "buy": "P", "subcontract": "S"}.get(sourcing or "")
    return f"{letter}|{supply}" if letter else supply


def _work_orders(frames: _Frames, order: str, references: set[str]) -> list[Row]:
    return _either(
        frames,
        "work_order",
        {"sales_order": [order], "our_reference": list(references), "golden_id": list(references)},
    )


def _either(frames: _Frames, entity: str, wanted: Mapping[str, list[str]]) -> list[Row]:
    found = {row["golden_id"]: row for column, values in wanted.items() for row in frames.rows(entity, column, values)}
    return list(found.values())


def _native(tx: Transaction, order: str) -> list[Row]:
    return [
        {"system": row.system, "entity": "sales_order", "document": "sales_order", "number": row.source_key,
         "native_id": row.native_id,
         "reference": order, "origin": "source", "at": None}
        for row in crosswalk.bindings_of(tx, "sales_order", order)
    ]  # fmt: skip


def _document(row: Document, kinds: Mapping[tuple[str, str, str], str]) -> Row:
    kind = kinds.get((row.system, row.entity, row.business_key), "")
    return {
        "system": row.system, "entity": row.entity, "document": DOCUMENTS.get(kind, row.entity),
        "number": row.native_number, "native_id": row.native_id,
        "reference": row.business_key, "origin": row.origin, "at": row.applied_at,
    }  # fmt: skip


def _foreign(work: list[Row], ours: list[Document]) -> list[Row]:
    """Work orders that somebody else made for this order."""
    known = {row.business_key for row in ours}
    return [
        {"system": source.partition(":")[0], "entity": "work_order", "document": "work_order",
         "number": source.partition(":")[2],
         "native_id": None, "reference": row["golden_id"], "origin": "source", "at": None}
        for row in work if row["our_reference"] not in known
        for source in row["sources"]
    ]  # fmt: skip


def _command(tx: Transaction, entry: OutboxEntry) -> Row:
    command = entry.command
    return {
        "id": command.id, "state": entry.state.value, "system": command.system, "operation": command.kind,
        "reference": command.business_key, "revision": command.revision, "cancelled": command.cancelled,
        "attempts": entry.attempts, "reason": reason(entry), "error": entry.last_error,
        "actor": command.actor, "created_at": entry.created_at,
        "updated_at": entry.updated_at, "body": command.body,
        "steps": [asdict(step) for step in outbox.steps(tx, [command.id]).get(command.id, ())],
    }  # fmt: skip


def _progress(tx: Transaction, order: str) -> Row | None:
    frame = events.decided_frame(tx, "order_progress").filter(pl.col("key") == order)
    content: Row | None = loads(frame["content"][0]) if frame.height else None
    return content


def _quarantined(tx: Transaction, order: str) -> list[Row]:
    found: list[Row] = []
    for row in [*quarantine.listed(tx, entity="sales_order"), *quarantine.listed(tx, entity="sales_order_line")]:
        rejection = row.rejection
        if rejection.source_key == order or rejection.source_key.startswith(f"{order}|"):
            found.append({"stage": row.stage, "system": row.system, "entity": row.entity, "key": rejection.source_key,
                          "rule": rejection.rule, "message": rejection.message, "since": row.first_seen})  # fmt: skip
    return found


def _events(tx: Transaction, order: str, keys: set[str]) -> list[ChangeEvent]:
    found = events.listed(tx, limit=EVENTS_READ)
    return [event for event in found if event.key in keys or _sales_order(event) == order]


def _sales_order(event: ChangeEvent) -> object:
    return (event.new or event.old or {}).get("sales_order")


def _event(event: ChangeEvent) -> Row:
    return {
        "at": event.at, "fact": event.entity, "key": event.key, "kind": event.kind, "fields": list(event.fields),
        "new": event.new, "run": event.run_id,
    }  # fmt: skip
