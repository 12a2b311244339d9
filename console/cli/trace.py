"""`millstream trace ORDER`: one order's whole life as text, from the CRM to the truck."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from cyclopts import Parameter

from canonical.commands import State
from console.cli.failures import NotKnown
from console.cli.outbox import said
from console.cli.state import opened, settings_of
from console.cli.terminal import Exit, Terminal, shown

Caller = Annotated[Terminal, Parameter(parse=False)]
Row = Mapping[str, Any]
STUCK = frozenset({State.PARKED.value, State.IN_DOUBT.value})


def trace(order: str, /, *, terminal: Caller) -> Exit:
    """Show everything about one sales order: lines, what it waits for, documents, commands, events.

    Parameters
    ----------
    order
        The order's number in the CRM, or its golden id.
    """
    from console.cli.trace_lookup import golden_order, life_of, similar_orders

    home = settings_of(terminal).home
    with opened(terminal) as store, store.read() as tx:
        found = golden_order(tx, order)
        if found is None:
            near = ", ".join(similar_orders(tx, order))
            hint = terminal.say("trace.similar", near=near) if near else terminal.say("trace.unknown.hint")
            raise NotKnown(terminal.say("trace.unknown", order=order), hint=hint)
        life = life_of(tx, home, found)
    answer = {name: getattr(life, name) for name in type(life).__slots__}
    terminal.answer(answer, lambda: draw(terminal, answer, life.names))
    return Exit.PARKED if any(row["state"] in STUCK for row in life.commands) else Exit.OK


def draw(terminal: Terminal, life: Row, names: Mapping[str, str]) -> None:
    """The life as text, one part a table; a part without rows is left out."""
    _draw_head(terminal, life)
    _part(terminal, "trace.lines", life["lines"], ("line", "item", "name", "quantity", "unit", "due"), right=[3])
    _supplies(terminal, life["supplies"], names)
    _part(
        terminal,
        "trace.documents",
        [{**row, **_terms(terminal, row, "document", "origin")} for row in life["documents"]],
        ("system", "document", "number", "native_id", "reference", "origin", "at"),
    )
    commands = [
        {**row, **_terms(terminal, row, "state", "operation"), "said": said(terminal, row["reason"])}
        for row in life["commands"]
    ]
    _part(
        terminal, "trace.commands", commands,
        ("state", "system", "operation", "revision", "reference", "attempts", "said"), right=[3, 5],
    )  # fmt: skip
    _part(
        terminal,
        "trace.reports",
        life["reports"],
        ("code", "work_order", "good", "scrapped", "reported_at"),
        right=[2, 3],
    )
    _part(
        terminal,
        "trace.inspections",
        [{**row, "result": terminal.term(row["result"], "inspection")} for row in life["inspections"]],
        ("code", "work_order", "result", "failed", "reason"),
        right=[3],
    )
    _part(
        terminal,
        "trace.shipments",
        [{**row, **_terms(terminal, row, "status")} for row in life["shipments"]],
        ("number", "line", "item", "quantity", "shipped", "status", "shipped_at"),
        right=[3, 4],
    )
    waiting = [
        {**row, **_terms(terminal, row, "stage"), "message": terminal.told(row["message"])}
        for row in life["quarantined"]
    ]
    _part(terminal, "trace.quarantined", waiting, ("stage", "system", "key", "rule", "message"))
    events = [_told(terminal, row) for row in life["events"]]
    _part(terminal, "trace.events", events, ("at", "fact", "kind", "key", "said"))


def _terms(terminal: Terminal, row: Row, *names: str) -> dict[str, str]:
    """These fields of a row in the caller's language."""
    return {name: terminal.term(row[name]) for name in names}


def _draw_head(terminal: Terminal, life: Row) -> None:
    """Whose order it is, whether it is urgent, and how far it has come."""
    order, progress = life["order"], life["progress"]
    terminal.heading(
        "trace.order",
        number=order["number"],
        customer=shown(order.get("customer")),
        status=terminal.term(order["status"]),
    )
    marks = [terminal.say(f"trace.{mark}") for mark in ("urgent", "custom") if order.get(mark)]
    if marks:
        terminal.text(", ".join(marks), "bold red")
    if progress:
        known = {**dict.fromkeys(("stage", "percent", "promised"), ""), **_shown(progress)}
        known["stage"] = terminal.term(known["stage"], "progress")
        note = terminal.told(progress.get("note"))
        terminal.line("trace.progress", **{**known, "note": f" ({note})" if note else ""})


def _shown(row: Row) -> dict[str, str]:
    return {name: shown(value) for name, value in row.items()}


def _part(
    terminal: Terminal, title: str, rows: list[Any], columns: tuple[str, ...], *, right: list[int] | None = None
) -> None:
    if not rows:
        return
    terminal.line()
    terminal.heading(title)
    terminal.table(
        [f"col.{name}" for name in columns], [[row.get(name) for name in columns] for row in rows], right=right or []
    )


def _supplies(terminal: Terminal, rows: list[Row], names: Mapping[str, str]) -> None:
    """What each line waits for: made and bought parts under what they go into."""
    if not rows:
        return
    terminal.line()
    terminal.heading("trace.supplies")
    for line in dict.fromkeys(row["line"] for row in rows):
        terminal.text(line, "bold")
        _branch(terminal, [row for row in rows if row["line"] == line], line, 1, names)


def _branch(terminal: Terminal, rows: list[Row], consumer: str, depth: int, names: Mapping[str, str]) -> None:
    for row in rows:
        if row["consumer"] == consumer and row["supply"] != consumer:
            expected = terminal.say("trace.expected", day=row["expected"]) if row["expected"] else ""
            late = terminal.say("trace.late") if row["late"] else ""
            kind = terminal.say(f"supply.{row['sourcing'] or row['kind']}")
            what = f"{shown(row['quantity'])} × {row['item']} {names.get(row['item'], '')}"
            terminal.text(f"{'  ' * depth}{kind}: {what}  {expected} {late}".rstrip())
            _branch(terminal, rows, row["supply"], depth + 1, names)


def _told(terminal: Terminal, event: Row) -> Row:
    """An event in a few words: what is new, or which fields changed."""
    new = event["new"] or {}
    fields = (
        event["fields"] if event["kind"] == "changed" else [n for n in ("stage", "quantity", "due", "good") if n in new]
    )
    said = (f"{terminal.term(name)} {_new_value(terminal, new.get(name))}" for name in fields if name != "kit")
    return {**event, **_terms(terminal, event, "fact", "kind"), "said": ", ".join(said)}


def _new_value(terminal: Terminal, value: object) -> str:
    said = shown(value)
    known = terminal.term(said, "progress")
    return known if known != said else terminal.told(said) or said
