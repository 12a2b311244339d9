"""The last plan's pegs, which the next plan keeps where it can, and a summary of every plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Any

import polars as pl
from sqlalchemy import Connection, bindparam, delete, func, insert, or_, select

from canonical.plan import Peg
from store.prepared import Prepared
from store.statements import insert_plainly
from store.tables import plan_pegs, plan_summaries

PEG_SCHEMA = pl.Schema(
    {
        "supply": pl.String(), "kind": pl.String(), "consumer": pl.String(),
        "root": pl.String(), "item": pl.String(), "quantity": pl.Int64(),
    }
)  # fmt: skip
_FIELDS = tuple(field.name for field in fields(Peg))
_of = attrgetter(*_FIELDS)
_in_order = attrgetter("supply", "kind", "consumer", "item", "quantity")


@dataclass(frozen=True, slots=True)
class PlanSummary:
    """What one plan came to."""

    run_id: str
    as_of: datetime
    content: Mapping[str, Any]


_PLACE = {"at_supply": "supply", "at_consumer": "consumer", "at_item": "item"}
_TAKE_OUT = Prepared(delete(plan_pegs).where(*(plan_pegs.c[name] == bindparam(at) for at, name in _PLACE.items())))
_LAST_NUMBER = Prepared(select(func.max(plan_pegs.c.number)))
_LAST_SUMMARY = Prepared(select(plan_summaries).order_by(plan_summaries.c.position.desc()).limit(1))


def replace(tx: Connection, pegs: Iterable[Peg]) -> None:
    """Make `pegs` the pegs of the last plan, in this order."""
    tx.execute(delete(plan_pegs))
    insert_plainly(tx, plan_pegs, ("number", *_FIELDS), [(number, *_of(peg)) for number, peg in enumerate(pegs)])


def exchange(tx: Connection, gone: Iterable[Peg], come: Iterable[Peg]) -> None:
    """Take some pegs of the last plan out and put others in, behind those that stand."""
    old, new = set(gone), set(come)
    rows = [{at: getattr(peg, name) for at, name in _PLACE.items()} for peg in sorted(old - new, key=_in_order)]
    _TAKE_OUT.write(tx, *rows)
    first = (_LAST_NUMBER.value(tx) or 0) + 1
    numbered = enumerate(sorted(new - old, key=_in_order), first)
    insert_plainly(tx, plan_pegs, ("number", *_FIELDS), [(number, *_of(peg)) for number, peg in numbered])


def pegs(tx: Connection) -> tuple[Peg, ...]:
    """The pegs of the last plan, in the plan's order."""
    rows = tx.execute(select(*(plan_pegs.c[name] for name in _FIELDS)).order_by(plan_pegs.c.number))
    return tuple(Peg(*row) for row in rows)


def pegs_of(tx: Connection, *, root: str | None = None, order: str | None = None) -> list[Peg]:
    """The pegs that serve one demand (`root`), or that come from or go to one order."""
    query = select(*(plan_pegs.c[name] for name in _FIELDS)).order_by(plan_pegs.c.number)
    if root is not None:
        query = query.where(plan_pegs.c.root == root)
    if order is not None:
        query = query.where(or_(plan_pegs.c.supply == order, plan_pegs.c.consumer == order))
    return [Peg(*row) for row in tx.execute(query)]


def pegs_frame(tx: Connection) -> pl.DataFrame:
    """The pegs of the last plan, one row each; `quantity` is in the item's scale."""
    rows = tx.execute(select(*(plan_pegs.c[name] for name in PEG_SCHEMA)).order_by(plan_pegs.c.number))
    return pl.DataFrame([tuple(row) for row in rows], schema=PEG_SCHEMA, orient="row")


def record_summary(tx: Connection, summary: PlanSummary) -> None:
    """Keep a plan's summary; planning again in the same run replaces it."""
    row = {"run_id": summary.run_id, "as_of": summary.as_of, "content": dict(summary.content)}
    tx.execute(delete(plan_summaries).where(plan_summaries.c.run_id == summary.run_id))
    tx.execute(insert(plan_summaries).values(**row))


def last_summary(tx: Connection) -> PlanSummary | None:
    """The newest plan's summary; None before the first plan."""
    row = _LAST_SUMMARY.one(tx)
    return PlanSummary(row.run_id, row.as_of, row.content) if row else None
