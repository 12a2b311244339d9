"""Which configuration lies in the warehouse: stock of a template, told apart by what was made, shipped and drawn.

A warehouse counts one template, whatever its pieces are made of. What was reported good on our work orders for a
configured item and received, less what was shipped and what running orders have drawn, is that item's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import polars as pl

from canonical.keys import template_of
from pipeline.open_documents import is_rework
from pipeline.snapshot import Frames, Row, finishing_reports, rows, shipped_line
from planning.configuration_variants import Variant

DRAWN = frozenset({"running", "completed", "closed"})
Left = dict[str, dict[str, Decimal]]
"""Template → configured item → pieces."""


def shared_out(frames: Frames, items: Mapping[str, Variant], asked: Mapping[str, str]) -> pl.DataFrame:
    """The stock frame with the configured items in it; `asked`: order line → the configured item it asks for.

    Work orders in `frames` must stand under the item they are about.
    """
    left = _left(frames, items, asked)
    told: list[Row] = []
    for row in rows(frames, "stock"):
        shares = left.get(row["item"]) if row["status"] == "available" else None
        told += [row] if shares is None else _split(row, shares)
    return pl.DataFrame(told, schema=frames["stock"].schema, orient="row") if left else frames["stock"]


def _split(row: Row, shares: dict[str, Decimal]) -> list[Row]:
    quantity, told = row["quantity"], list[dict[str, Any]]()
    for code, wanted in shares.items():
        share = min(wanted, quantity)
        if share > 0:
            shares[code] -= share
            quantity -= share
            told.append({**row, "golden_id": f"{row['golden_id']}|{code}", "item": code, "quantity": share})
    return [{**row, "quantity": quantity}, *told]


def _left(frames: Frames, items: Mapping[str, Variant], asked: Mapping[str, str]) -> Left:
    there: defaultdict[str, Decimal] = defaultdict(Decimal)
    work = {row["golden_id"]: row for row in rows(frames, "work_order") if row["item"] in items}
    _received(frames, work, there)
    for row in work.values():
        drawn = row["status"] in DRAWN and not is_rework(row["our_reference"] or "")
        for line in items[row["item"]].lines if drawn else ():
            there[line.item] -= line.quantity * row["quantity"]
    for row in rows(frames, "shipment"):
        item = asked.get(shipped_line(row["our_reference"] or ""))
        if item is not None:
            there[item] -= row["shipped"] or Decimal(0)
    shared: defaultdict[str, dict[str, Decimal]] = defaultdict(dict)
    for code, quantity in sorted(there.items()):
        if quantity > 0:
            shared[template_of(code)][code] = quantity
    return shared


def _received(frames: Frames, work: Mapping[str, Row], there: defaultdict[str, Decimal]) -> None:
    seen = {row["our_reference"] for row in rows(frames, "goods_receipt")}
    for report in finishing_reports(frames) if work else ():
        if report["work_order"] in work and report["golden_id"] in seen:
            there[work[report["work_order"]]["item"]] += report["good"]
