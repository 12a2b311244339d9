"""What the rulebooks said about the golden data, run by run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from store.prepared import Prepared
from store.statements import upsert
from store.tables import verdicts


@dataclass(frozen=True, slots=True)
class Verdict:
    """One rule on one entity: how many records were checked and how many failed."""

    stage: str
    entity: str
    rule: str
    severity: str
    blocking: bool
    passed: bool
    checked: int
    failed: int
    detail: Any = None


_FIELDS = tuple(field.name for field in fields(Verdict))
_CHANGED = ("severity", "blocking", "passed", "checked", "failed", "detail", "judged_at")


def record(tx: Connection, rows: Iterable[tuple[str, Verdict, datetime]]) -> None:
    """Keep verdicts, each with its run and when it was drawn; judging again in the same run replaces them."""
    written = [
        {name: getattr(row, name) for name in _FIELDS} | {"run_id": run_id, "judged_at": at} for run_id, row, at in rows
    ]
    upsert(tx, verdicts, written, _CHANGED)


def of_run(tx: Connection, run_id: str) -> list[Verdict]:
    """The verdicts of one run, in key order."""
    query = select(verdicts).where(verdicts.c.run_id == run_id).order_by(*verdicts.primary_key)
    return [_verdict(row) for row in tx.execute(query)]


def stopping(tx: Connection, run_id: str) -> list[Verdict]:
    """The verdicts of one run that stop what depends on them: of blocking rules that did not pass."""
    return [_verdict(row) for row in _STOPPING.rows(tx, {"of": run_id})]


_STOPPING = Prepared(
    select(verdicts)
    .where(verdicts.c.run_id == bindparam("of"), verdicts.c.blocking, ~verdicts.c.passed)
    .order_by(*verdicts.primary_key)
)


def _verdict(row: Row[Any]) -> Verdict:
    return Verdict(**{name: getattr(row, name) for name in _FIELDS})
