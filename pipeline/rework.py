"""Rework: the orders of ours that bring rejected pieces back, and how much of them the plan may count on.

A failed inspection's pieces were booked as scrap, so they are no stock and no order's open quantity any more. A rework
order puts them to rights and brings them as good pieces of their own reports. The plan therefore counts a rework order
as a receipt, from the pass that first sees the inspection until the order is finished or cancelled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal

import polars as pl

from canonical.entities import DECIMAL
from pipeline.golden_rows import ZERO, Frames, Row, rows
from pipeline.hub import Hub
from pipeline.inspections import rejected, reports_by_key
from pipeline.open_documents import REWORK, own_orders, planned_origin, rework_reference
from pipeline.standing import standing_frame
from rules.rulebook import CommandThen
from store import outbox, runs

FACT = "failed_inspection"
ORDERING = "order_production"
"""The command that orders rework, as it orders all production."""
FRAME = "rework"
SCHEMA: dict[str, pl.DataType] = {
    "reference": pl.String(),
    "item": pl.String(),
    "quantity": DECIMAL,
    "due": pl.Date(),
    "origin": pl.String(),
}


def awaited(hub: Hub, frames: Frames, as_of: date) -> pl.DataFrame:
    """Rework orders with something still to come: reference, item, quantity, day due, planned order they go back to."""
    about = _about_failures(frames)
    failed = list(rows(about, "inspection"))
    if not failed:
        return pl.DataFrame(schema=SCHEMA)
    known, ordered = _ordered(hub, [row["golden_id"] for row in failed])
    shares = rejected(about, reports_by_key(about), known)
    found = _coming(failed, about, shares, ordered, as_of)
    return pl.DataFrame(list(found), schema=SCHEMA, orient="row")


def _about_failures(frames: Frames) -> Frames:
    """Of all there ever was, the failed inspections, their reports and work orders, and the orders of rework."""
    if "inspection" not in frames:
        return {}
    failed = frames["inspection"].filter(pl.col("result") == "failed")
    ours = pl.col("our_reference").str.starts_with(REWORK).fill_null(value=False)
    cuts = {
        "operation_report": pl.col("golden_id").is_in(failed["report"].implode()),
        "work_order": ours | pl.col("golden_id").is_in(failed["work_order"].implode()),
    }
    narrow = {name: frames[name].filter(cut) for name, cut in cuts.items() if name in frames}
    return {"inspection": failed, **narrow}


def _ordered(hub: Hub, inspections: list[str]) -> tuple[Mapping[str, Row], frozenset[str]]:
    """The inspections already decided on, and those whose rework is ordered: before now, or in this pass."""
    orders_rework = any(
        isinstance(action.spec, CommandThen) and action.spec.command == ORDERING
        for rule in hub.configuration.rules.about(FACT)
        for action in rule.then
    )
    with hub.store.read() as tx:
        known = {row["inspection"]: row for row in standing_frame(tx, FACT, inspections).iter_rows(named=True)}
        references = {rework_reference(one): one for one in inspections}
        asked = {references[key] for key in outbox.asked(tx, ORDERING, references)}
        acted_on = orders_rework and runs.last_stage(tx, "decide") is not None
    coming = {one for one in inspections if one not in known} if acted_on else set()
    return known, frozenset(asked | coming)


def _coming(
    failed: list[Row], frames: Frames, shares: Mapping[str, Decimal], ordered: frozenset[str], as_of: date
) -> Iterator[tuple[object, ...]]:
    work = {row["golden_id"]: row for row in rows(frames, "work_order")}
    inspections, own = {row["golden_id"]: row for row in failed}, own_orders(frames)
    for key, row in inspections.items():
        made, reference = work.get(row["work_order"]), rework_reference(key)
        seen = own.get(reference)
        on_its_way = shares.get(key, ZERO) if key in ordered else ZERO
        left = on_its_way if seen is None else seen.open_quantity
        if made is not None and left > 0:
            due = made["due"] if seen is None else seen.due
            origin = planned_origin(made["our_reference"], work, inspections)
            yield reference, made["item"], left, max(due or as_of, as_of), origin
