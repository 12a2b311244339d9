"""What the plant's people carry from one system to the next."""

from __future__ import annotations

from typing import Any

from sandbox.cli import consumed, shelves


def row(drawing: str | None, quantity: str, status: str = "AVAILABLE") -> dict[str, str | None]:
    return {"drawing": drawing, "quantity": quantity, "status": status}


def test_shelves__available_lots_add_up_exactly_and_negative_ones_take_nothing() -> None:
    stock = [
        row("DW-1", "0.1"), row("DW-1", "0.2"), row("DW-1", "-5"), row("DW-1", "7", "BLOCKED"),
        row("DW-2", "100.000"), row("DW-3", "3", "INSPECTION"), row(None, "9"),
    ]  # fmt: skip
    assert shelves(stock) == {"DW-1": "0.3", "DW-2": "100.000"}


def test_consumed__is_summed_over_the_work_orders() -> None:
    parts = [{"drawing": "DW-1", "quantity": "0.1"}, {"drawing": "DW-2", "quantity": "4"}]
    completed: list[dict[str, Any]] = [{"consumed": parts}, {"consumed": parts[:1]}, {"consumed": []}]
    assert consumed(completed) == {"DW-1": "0.2", "DW-2": "4"}
