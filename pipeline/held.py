"""Sales orders that cannot be planned in full, and why: their lines wait in quarantine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from canonical.strict_json import loads
from store import quarantine
from store.unit_of_work import Transaction

UNPLANNABLE = "item_plannable"
"""The rule of the order lines' rulebook that an item nobody masters breaks."""


@dataclass(frozen=True, slots=True)
class HeldLine:
    """An order line in quarantine: the rule it breaks, and its order and item, where they can be read."""

    rule: str
    message: str
    order: str | None
    item: str | None


def held_lines(tx: Transaction) -> list[HeldLine]:
    """Every order line in quarantine, in key order."""
    return [_held(row.rejection) for row in quarantine.waiting_of(tx, "sales_order_line")]


def held_orders(lines: Sequence[HeldLine]) -> dict[str, str]:
    """Sales order → the first reason one of its lines is held."""
    held: dict[str, str] = {}
    for line in lines:
        if line.order is not None:
            held.setdefault(line.order, f"{line.rule}: {line.message}")
    return held


def unoffered(lines: Sequence[HeldLine]) -> dict[str, list[str]]:
    """What sales order lines ask for and nobody can plan → the orders that ask for it."""
    asked: dict[str, list[str]] = {}
    for line in lines:
        if line.rule == UNPLANNABLE and line.order is not None and line.item is not None:
            asked.setdefault(line.item, []).append(line.order)
    return asked


def _held(rejection: quarantine.Rejection) -> HeldLine:
    """Raw payloads of lines that could not be mapped do not say which order they belong to."""
    content = _content(rejection.payload)
    order, item = content.get("order"), content.get("item")
    return HeldLine(
        rejection.rule, rejection.message, None if order is None else str(order), None if item is None else str(item)
    )


def _content(payload: object) -> Mapping[str, object]:
    content = loads(payload) if isinstance(payload, str) else payload
    return content if isinstance(content, dict) else {}
