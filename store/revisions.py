"""What was last decided for each business key: the counter that gives a command its revision.

Never a content hash (100 → 120 → 100 is three revisions) and never a clock.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update

from canonical import strict_json
from store.statements import Keyed, upsert
from store.tables import decided

_DECIDED = Keyed(select(decided).with_for_update(), decided.c.business_key)


@dataclass(frozen=True, slots=True)
class Desired:
    """What a document should be. `content` is everything that makes a difference, `cancelled` included."""

    system: str
    kind: str
    business_key: str
    content: Mapping[str, Any]


def next_revisions(tx: Connection, desired: Sequence[Desired]) -> list[int | None]:
    """One answer each, in order: the new revision, or None where the content is what was last decided.

    Belongs in the transaction that enqueues the commands: both stand or neither does.
    """
    rows = _DECIDED.rows(tx, (want.business_key for want in desired))
    last = {(row.system, row.kind, row.business_key): (row.revision, row.content) for row in rows}
    changed: dict[tuple[str, str, str], tuple[int, str]] = {}
    answers: list[int | None] = []
    for want in desired:
        key = (want.system, want.kind, want.business_key)
        revision, content = last.get(key, (0, None))
        written = strict_json.dumps(want.content)
        if written == content:
            answers.append(None)
            continue
        last[key] = changed[key] = (revision + 1, written)
        answers.append(revision + 1)
    columns = ("system", "kind", "business_key", "revision", "content")
    upsert(
        tx,
        decided,
        [dict(zip(columns, (*key, *value), strict=True)) for key, value in changed.items()],
        ["revision", "content"],
    )
    return answers


def next_revision(tx: Connection, system: str, kind: str, business_key: str, content: Mapping[str, Any]) -> int | None:
    """The new revision of one document, or None where its content is what was last decided."""
    return next_revisions(tx, [Desired(system, kind, business_key, content)])[0]


def standing(tx: Connection, wanted: Collection[tuple[str, str]]) -> list[Desired]:
    """What was last decided under these kinds and business keys, in any system, and not cancelled."""
    rows = _DECIDED.rows(tx, (key for _, key in wanted))
    found = (Desired(row.system, row.kind, row.business_key, strict_json.loads(row.content)) for row in rows)
    return [one for one in found if (one.kind, one.business_key) in wanted and not one.content.get("cancelled")]


def last_decided(tx: Connection, system: str | None = None) -> dict[tuple[str, str, str], dict[str, Any]]:
    """(system, kind, business key) → the content last decided."""
    query = select(decided)
    if system is not None:
        query = query.where(decided.c.system == system)
    return {(row.system, row.kind, row.business_key): strict_json.loads(row.content) for row in tx.execute(query)}


def skip(tx: Connection, by: int = 1_000_000) -> None:
    """Go on far above the revisions that stand: those next to them may have been given out before a restore."""
    tx.execute(update(decided).values(revision=decided.c.revision + by))
