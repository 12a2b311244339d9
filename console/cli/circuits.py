"""Connections whose circuit is not closed: since when their system is left alone, and why."""

from __future__ import annotations

from console.cli.terminal import Terminal
from store import circuits
from store.circuits import CircuitRow
from store.unit_of_work import Transaction


def not_closed(tx: Transaction) -> list[CircuitRow]:
    """Circuits that are open or half-open."""
    return [row for row in circuits.listed(tx).values() if row.state != "closed"]


def in_words(terminal: Terminal, row: CircuitRow) -> str:
    """One circuit, for people."""
    return terminal.say(
        f"circuit.{row.state}", since=row.since, said=terminal.told(row.said), until=row.until or row.since
    )
