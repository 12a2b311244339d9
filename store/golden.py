"""Golden records through time: a version for every change, and where a retired golden id leads."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Text, bindparam, cast, false, insert, or_, select, update

from canonical import strict_json
from canonical.errors import MillstreamError
from store.columns import canonical_text
from store.prepared import Prepared
from store.statements import Keyed, upsert
from store.tables import golden_history, golden_records


@dataclass(frozen=True, slots=True)
class GoldenVersion:
    """What a golden record was from `valid_from` until its next version."""

    golden_id: str
    version: int
    valid_from: datetime
    content: dict[str, Any]
    run_id: str
    effective_from: datetime | None = None
    """Since when the world has been so, by the sources' own account; `valid_from` is when we came to believe it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A golden record's last content, and where it leads if it is retired."""

    content: dict[str, Any]
    version: int
    retired_at: datetime | None
    redirect_to: str | None


def record(
    tx: Connection,
    entity: str,
    contents: Mapping[str, Mapping[str, Any]],
    valid_from: datetime,
    run_id: str,
    *,
    effective: Mapping[str, datetime | None] | None = None,
) -> list[str]:
    """Append a version for every golden id whose content differs from its last; returns those ids.

    A retired golden id that comes back is in force again. `effective`: since when each has been so.
    """
    standing = {row.golden_id: row for row in _standing(tx, entity, contents)}
    current: list[dict[str, Any]] = []
    history: list[dict[str, Any]] = []
    for golden_id, content in contents.items():
        last = standing.get(golden_id)
        written = canonical_text(content)
        if last is not None and last.content == written and last.retired_at is None:
            continue
        version = last.version + 1 if last is not None else 1
        place = {"entity": entity, "golden_id": golden_id, "version": version}
        current.append({**place, "content": written, "retired_at": None, "redirect_to": None})
        since = (effective or {}).get(golden_id)
        history.append(
            {**place, "written": written, "valid_from": valid_from, "run_id": run_id, "effective_from": since}
        )
    upsert(tx, golden_records, current, ["version", "content", "retired_at", "redirect_to"])
    # The text is canonical already: written once for both tables.
    _APPEND.write(tx, *history)
    return [row["golden_id"] for row in history]


_STANDING = Keyed(select(golden_records).where(golden_records.c.entity == bindparam("of")), golden_records.c.golden_id)
_APPEND = Prepared(insert(golden_history).values(content=bindparam("written", type_=Text)))


def _standing(tx: Connection, entity: str, golden_ids: Iterable[str]) -> list[Any]:
    return list(_STANDING.rows(tx, golden_ids, of=entity))


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
    return [_version(row) for row in rows]


def _version(row: Row[Any]) -> GoldenVersion:
    return GoldenVersion(row.golden_id, row.version, row.valid_from, row.content, row.run_id, row.effective_from)


_SOUGHT = 100
_TEXTS = re.compile(r'"(?:[^"\\]|\\.)*"')
"""The texts in a JSON text, names among them."""
_HISTORIES = Keyed(select(golden_history).where(golden_history.c.entity == bindparam("of")), golden_history.c.golden_id)


def histories(tx: Connection, entity: str, golden_ids: Iterable[str]) -> dict[str, list[GoldenVersion]]:
    """Golden id → every version of it, oldest first, for those that ever were."""
    found: dict[str, list[GoldenVersion]] = {}
    for row in sorted(_HISTORIES.rows(tx, golden_ids, of=entity), key=lambda row: (row.golden_id, row.version)):
        found.setdefault(row.golden_id, []).append(_version(row))
    return found


def mentioning(tx: Connection, entity: str, values: Collection[str]) -> list[str]:
    """The golden ids of which some version held one of these texts as a value.

    Of a few texts the database looks for each; many are held against what every version says.
    """
    text = cast(golden_history.c.content, Text)
    query = select(golden_history.c.golden_id, text.label("text")).where(golden_history.c.entity == entity)
    if len(values) <= _SOUGHT:
        query = query.where(or_(false(), *(text.contains(canonical_text(one), autoescape=True) for one in values)))
        return sorted({row.golden_id for row in tx.execute(query)})
    wanted = {canonical_text(one) for one in values}
    return sorted({row.golden_id for row in tx.execute(query) if not wanted.isdisjoint(_TEXTS.findall(row.text))})


def believed(tx: Connection, entity: str, golden_id: str, *, about: datetime, at: datetime) -> GoldenVersion | None:
    """What we believed at one moment about another: `at` 3 March `about` 1 March.

    The last version written by then whose content was in effect by the moment asked about; None where nothing was.
    """
    known = [version for version in history(tx, entity, golden_id) if version.valid_from <= at]
    inside = [version for version in known if (version.effective_from or version.valid_from) <= about]
    return inside[-1] if inside else None


def standing(tx: Connection, entity: str, golden_ids: Iterable[str]) -> dict[str, Standing]:
    """Golden id → how it stands, for those that ever were."""
    return {
        row.golden_id: Standing(strict_json.loads(row.content), row.version, row.retired_at, row.redirect_to)
        for row in _standing(tx, entity, golden_ids)
    }


def ids_in_force(tx: Connection, entity: str) -> set[str]:
    """Golden ids that are not retired."""
    query = select(golden_records.c.golden_id).where(
        golden_records.c.entity == entity, golden_records.c.retired_at.is_(None)
    )
    return set(tx.execute(query).scalars())


def in_force(tx: Connection, entity: str) -> dict[str, str]:
    """Golden id → its content as canonical text, for every golden record that is not retired."""
    query = select(golden_records.c.golden_id, golden_records.c.content).where(
        golden_records.c.entity == entity, golden_records.c.retired_at.is_(None)
    )
    return {row.golden_id: row.content for row in tx.execute(query.order_by(golden_records.c.golden_id))}


def retire(tx: Connection, entity: str, golden_id: str, redirect_to: str | None, now: datetime) -> bool:
    """Take a golden record out of force; whoever asks for it is sent to `redirect_to`. False when it never was.

    Raises `MillstreamError` when the redirect would lead back to the retired id.
    """
    if redirect_to is not None and (redirect_to == golden_id or resolve(tx, entity, redirect_to) == golden_id):
        raise MillstreamError("a retired golden id cannot lead to itself", entity=entity, key=golden_id)
    result = tx.execute(
        update(golden_records)
        .where(golden_records.c.entity == entity, golden_records.c.golden_id == golden_id)
        .values(retired_at=now, redirect_to=redirect_to)
    )
    return result.rowcount == 1


def withdraw(tx: Connection, entity: str, redirects: Mapping[str, str | None], now: datetime, run_id: str) -> list[str]:
    """Take golden records out of force, each with where it leads; returns those that were in force until now.

    The targets must be in force. A version that says so is appended; a redirect that changed is set anew.
    """
    standing = {row.golden_id: row for row in _standing(tx, entity, redirects)}
    leaving = [row for row in standing.values() if row.retired_at is None]
    changed = [
        row for row in standing.values() if row.retired_at is None or row.redirect_to != redirects[row.golden_id]
    ]
    upsert(
        tx,
        golden_records,
        [
            {
                "entity": entity, "golden_id": row.golden_id, "content": row.content,
                "version": row.version + (row.retired_at is None), "retired_at": row.retired_at or now,
                "redirect_to": redirects[row.golden_id],
            }
            for row in changed
        ],
        ["version", "retired_at", "redirect_to"],
    )  # fmt: skip
    versions = [
        {
            "entity": entity, "golden_id": row.golden_id, "version": row.version + 1, "valid_from": now,
            "content": {"retired": True, "redirect_to": redirects[row.golden_id]}, "run_id": run_id,
            "effective_from": None,
        }
        for row in leaving
    ]  # fmt: skip
    if versions:
        tx.execute(insert(golden_history), versions)
    return sorted(row.golden_id for row in leaving)


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
