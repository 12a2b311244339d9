"""Stewards' decisions: who decided what about which records, when and why. Rows are only ever added."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from canonical.stewardship import Decision, SourceRef
from store import queue, ticks
from store.tables import steward_decisions


def append(tx: Connection, decision: Decision) -> Decision:
    """Write a decision down; its number is given here."""
    row = {
        "entity": decision.entity, "kind": decision.kind, "members": _written(decision.members),
        "others": _written(decision.others), "attribute": decision.attribute, "value": decision.value,
        "expires_at": decision.expires_at, "about": decision.about, "needs_approval": decision.needs_approval,
        "batch": decision.batch, "actor": decision.actor, "reason": decision.reason, "at": decision.at,
    }  # fmt: skip
    number = tx.execute(insert(steward_decisions).values(**row)).inserted_primary_key
    assert number is not None, "an inserted decision has a position"
    ticks.advance(tx, tick_of(decision.entity))
    refs = concerned(tx, decision)
    queue.mark(tx, decision.entity, {queue.APPROVALS, *(f"{queue.RECORD}{ref}" for ref in refs)})
    return replace(decision, number=int(number[0]))


def concerned(tx: Connection, decision: Decision) -> set[SourceRef]:
    """The records a decision is about, also where it is about another decision."""
    found: set[SourceRef] = set()
    looked: Decision | None = decision
    while looked is not None:
        found |= {*looked.members, *looked.others}
        looked = None if looked.about is None else numbered(tx, looked.about)
    return found


def tick_of(entity: str) -> str:
    """The name of the counter that advances with every decision."""
    return f"decisions/{entity}"


def _written(refs: Iterable[SourceRef]) -> list[list[str]]:
    return [[ref.system, ref.source_key] for ref in refs]


def _refs(rows: Iterable[list[str]]) -> tuple[SourceRef, ...]:
    return tuple(SourceRef(system, key) for system, key in rows)


def listed(tx: Connection, entity: str | None = None) -> list[Decision]:
    """Every decision in the order they were taken, of one entity where named."""
    query = select(steward_decisions).order_by(steward_decisions.c.position)
    if entity is not None:
        query = query.where(steward_decisions.c.entity == entity)
    return [_decision(row) for row in tx.execute(query)]


def numbered(tx: Connection, number: int) -> Decision | None:
    """One decision; None where there is none of that number."""
    row = tx.execute(select(steward_decisions).where(steward_decisions.c.position == number)).one_or_none()
    return None if row is None else _decision(row)


def _decision(row: Row[Any]) -> Decision:
    return Decision(
        number=row.position, entity=row.entity, kind=row.kind, members=_refs(row.members), actor=row.actor, at=row.at,
        reason=row.reason, others=_refs(row.others), attribute=row.attribute, value=row.value,
        expires_at=row.expires_at, about=row.about, needs_approval=row.needs_approval, batch=row.batch,
    )  # fmt: skip
