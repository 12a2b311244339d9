"""Golden records through time: a version for every change, and where a retired golden id leads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from canonical import strict_json
from canonical.errors import MillstreamError
from store.statements import select_in, upsert
from store.tables import golden_history, golden_records


@dataclass(frozen=True, slots=True)
class GoldenVersion:
    """What a golden record was from `valid_from` until its next version."""

    golden_id: str
    version: int
    valid_from: datetime
    content: dict[str, Any]
    run_id: str


def record(
    tx: Connection, entity: str, contents: Mapping[str, Mapping[str, Any]], valid_from: datetime, run_id: str
) -> list[str]:
    """Append a version for every golden id whose content differs from its last; returns those ids.

    A retired golden id that comes back is in force again.
    """
    standing = {row.golden_id: row for row in _standing(tx, entity, contents)}
    current: list[dict[str, Any]] = []
    history: list[dict[str, Any]] = []
    for golden_id, content in contents.items():
        last = standing.get(golden_id)
        written = strict_json.dumps(content)
        if last is not None and last.content == written and last.retired_at is None:
            continue
        version = last.version + 1 if last is not None else 1
        place = {"entity": entity, "golden_id": golden_id, "version": version}
        current.append({**place, "content": written, "retired_at": None, "redirect_to": None})
        history.append({**place, "content": content, "valid_from": valid_from, "run_id": run_id})
    upsert(tx, golden_records, current, ["version", "content", "retired_at", "redirect_to"])
    if history:
        tx.execute(insert(golden_history), history)
    return [row["golden_id"] for row in history]


def _standing(tx: Connection, entity: str, golden_ids: Iterable[str]) -> list[Any]:
    query = select(golden_records).where(golden_records.c.entity == entity)
    return select_in(tx, query, golden_records.c.golden_id, golden_ids)


def current(tx: Connection, entity: str, golden_id: str) -> GoldenVersion | None:
    """The last version of a golden record, retired or not; None when it never was."""
    versions = history(tx, entity, golden_id)
    return versions[-1] if versions else None


def history(tx: Connection, entity: str, golden_id: str) -> list[GoldenVersion]:
    """Every version, oldest first."""
    rows = tx.execute(
        select(golden_history)
        .where(golden_history.c.entity == entity, golden_history.c.golden_id == golden_id)
        .order_by(golden_history.c.version)
    )
    return [GoldenVersion(row.golden_id, row.version, row.valid_from, row.content, row.run_id) for row in rows]


def retire(tx: Connection, entity: str, golden_id: str, redirect_to: str | None, now: datetime) -> bool:
    """Take a golden record out of force; whoever asks for it is sent to `redirect_to`. False when it never was.

    Raises `MillstreamError` when the redirect would lead back to the retired id.
    """
    if redirect_to is not None and resolve(tx, entity, redirect_to) == golden_id:
        raise MillstreamError("a retired golden id cannot lead to itself", entity=entity, key=golden_id)
    result = tx.execute(
        update(golden_records)
        .where(golden_records.c.entity == entity, golden_records.c.golden_id == golden_id)
        .values(retired_at=now, redirect_to=redirect_to)
    )
    return result.rowcount == 1


def redirects(tx: Connection, entity: str) -> dict[str, str]:
    """Retired golden id → the golden id to use instead, followed to its end."""
    rows = tx.execute(
        select(golden_records.c.golden_id, golden_records.c.redirect_to).where(
            golden_records.c.entity == entity, golden_records.c.redirect_to.is_not(None)
        )
    )
    step: dict[str, str] = {row.golden_id: row.redirect_to for row in rows}
    return {start: _follow(step, start) for start in step}


def resolve(tx: Connection, entity: str, golden_id: str) -> str:
    """The golden id in force for this one: itself unless it was merged away."""
    return redirects(tx, entity).get(golden_id, golden_id)


def _follow(step: Mapping[str, str], start: str) -> str:
    at = start
    for _ in step:
        if at not in step:
            break
        at = step[at]
    return at
