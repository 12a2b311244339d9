"""An order's whole life on one page, from the CRM to the truck: what `millstream trace` prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from itertools import islice
from typing import Any

from starlette.responses import Response

from console.cli.trace_lookup import OrderLife, golden_order, life_of, similar_orders
from console.web.values import shown, spoken
from console.web.visit import Visit
from store import golden
from store.unit_of_work import Transaction

Row = Mapping[str, Any]
MOST_ROWS = 60
"""A part shows so many; the command line prints them all."""
FIRST_ROWS = 10
"""So many stand open; the others of the part unfold."""
NUMBERS = frozenset({"quantity", "good", "scrapped", "attempts", "revision", "failed", "shipped"})
WHOLE = frozenset({"at", "reported_at", "shipped_at", "origin", "kind", "state", "status", "result"})
"""Columns whose values are too short to be broken into lines."""
_WORDS = {
    "state": "", "operation": "", "document": "", "origin": "", "status": "", "stage": "", "fact": "", "kind": "",
    "result": "inspection", "system": "", "rule": "",
}  # fmt: skip
"""Columns whose values are words of ours, and of which kind."""
_PARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("lines", ("line", "item", "name", "quantity", "unit", "due")),
    ("commands", ("state", "system", "operation", "revision", "reference", "attempts", "said")),
    ("documents", ("system", "document", "number", "native_id", "reference", "origin", "at")),
    ("reports", ("code", "work_order", "good", "scrapped", "reported_at")),
    ("inspections", ("code", "work_order", "result", "failed", "reason")),
    ("shipments", ("number", "line", "item", "quantity", "shipped", "status", "shipped_at")),
    ("quarantined", ("stage", "system", "key", "rule", "message")),
    ("events", ("at", "fact", "kind", "key", "said")),
)


@dataclass(frozen=True, slots=True)
class Part:
    """One table of the life: its title, its columns, and its rows as they are shown."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    more: int = 0
    first: int = FIRST_ROWS


@dataclass(frozen=True, slots=True)
class Supply:
    """What a line waits for, and how deep below the line."""

    depth: int
    row: Row


def show(visit: Visit) -> Response:
    """The field to type a number in; with one, the order's life."""
    number = (visit.asked("number") or "").strip()
    with visit.hub.store.read() as tx:
        order = golden_order(tx, number) if number else None
        near = similar_orders(tx, number) if number and order is None else []
        life = life_of(tx, visit.hub.settings.home, order) if order else None
        customer = _customer(tx, life) if life else ""
    status = HTTPStatus.NOT_FOUND if number and life is None else HTTPStatus.OK
    return visit.page(
        "order.html", status, number=number, life=life, near=near, parts=_parts(visit, life) if life else (),
        customer=customer, supplies=_supplies(life) if life else {}, numbers=NUMBERS, whole=WHOLE,
        urgent=life is not None and life.order.get("urgent"),
    )  # fmt: skip


def _customer(tx: Transaction, life: OrderLife) -> str:
    """What the customer is called; its code where nobody says."""
    code = str(life.order.get("customer") or "")
    known = golden.standing(tx, "partner", [code]) if code else {}
    return str(known[code].content.get("name") or code) if code in known else code


def _parts(visit: Visit, life: OrderLife) -> list[Part]:
    return [part for name, columns in _PARTS if (part := _part(visit, life, name, columns)).rows]


def _part(visit: Visit, life: OrderLife, name: str, columns: tuple[str, ...]) -> Part:
    rows: list[Row] = getattr(life, name)
    latest = rows[-MOST_ROWS:][::-1] if name == "events" else rows[:MOST_ROWS]
    drawn = tuple({**_cells(visit, row, columns), "id": row.get("id"), "place": _place(row)} for row in latest)
    return Part(name, columns, drawn, len(rows) - len(latest))


def _place(row: Row) -> Row:
    """What names a record in quarantine."""
    return {name: row.get(name) for name in ("stage", "system", "entity", "key")}


def _cells(visit: Visit, row: Row, columns: tuple[str, ...]) -> dict[str, str]:
    said = {"said": _event_said(visit, row) if "fact" in row else visit.words.why(row.get("reason"))}
    given = {**row, **({"said": said["said"]} if "said" in columns else {})}
    return {name: _cell(visit, name, given.get(name)) for name in columns}


def _cell(visit: Visit, name: str, value: object) -> str:
    if isinstance(value, datetime):
        return visit.site.moment(value)
    if name in _WORDS and isinstance(value, str):
        return visit.words.shown(value, _WORDS[name])
    if name == "message" and isinstance(value, str):
        return visit.words.told(value)
    return shown(value)


def _event_said(visit: Visit, event: Row) -> str:
    """What is new, or which fields changed."""
    new = event["new"] or {}
    told = event["fields"] if event["kind"] == "changed" else ("stage", "quantity", "due", "good")
    names = [name for name in told if name in new and name != "kit"]
    return ", ".join(f"{visit.words.shown(name, 'field')} {_new_value(visit, new[name])}" for name in names)


def _new_value(visit: Visit, value: object) -> str:
    if isinstance(value, (dict, list)):
        return spoken(visit.words, visit.site.moment, value)
    said = shown(value)
    known = visit.words.term(said, "progress")
    return visit.words.told(said) if known == said else known


def _supplies(life: OrderLife) -> dict[str, list[Supply]]:
    """Line → what it waits for, made and bought parts under what they go into."""
    lines = dict.fromkeys(row["line"] for row in life.supplies)
    most = max(5, MOST_ROWS // max(1, len(lines)))
    return {line: list(islice(_below(life, line, line, 0, frozenset()), most)) for line in lines}


def _below(life: OrderLife, line: str, consumer: str, depth: int, above: frozenset[str]) -> Iterator[Supply]:
    for row in life.supplies:
        if row["line"] == line and row["consumer"] == consumer and row["supply"] not in {consumer, *above}:
            yield Supply(depth, row)
            yield from _below(life, line, row["supply"], depth + 1, above | {consumer})
