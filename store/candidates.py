"""Candidate pairs: records of no common key that a model takes for one thing, or cannot tell."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, bindparam, delete, func, or_, select

from canonical.stewardship import SourceRef
from store import queue
from store.statements import chunks, upsert
from store.tables import candidate_pairs

Band = Literal["auto", "review"]
_KEY = ("a_system", "a_key", "b_system", "b_key")


@dataclass(frozen=True, slots=True)
class CandidatePair:
    """Two records (`a` before `b`), the model's posterior that they are one thing, and what it went by.

    `evidence`: `{"parts": [[feature, value, weight in log-odds], …], "vetoes": […]}`.
    """

    entity: str
    a: SourceRef
    b: SourceRef
    band: Band
    posterior: float
    evidence: Mapping[str, Any]
    model: str
    found_at: datetime | None = None


def replace(
    tx: Connection, entity: str, rows: Iterable[CandidatePair], of: Collection[SourceRef], *, run_id: str, now: datetime
) -> None:
    """Make `rows` the candidate pairs of the records `of`; pairs of other records only stay."""
    wanted = {_key(row): row for row in rows}
    standing = {_key(row): row for row in touching(tx, entity, of)}
    changed = [row for key, row in wanted.items() if not _same(standing.get(key), row)]
    gone = [key for key in standing if key not in wanted]
    upsert(
        tx,
        candidate_pairs,
        [_columns(row, run_id, now) for row in changed],
        ["band", "posterior", "evidence", "model", "run_id"],
    )
    touched = [key for row in changed for key in (row.a, row.b)]
    touched += [SourceRef(*pair) for key in gone for pair in (key[:2], key[2:])]
    queue.mark(tx, entity, {f"{queue.RECORD}{ref}" for ref in touched})
    if gone:
        places = (getattr(candidate_pairs.c, name) == bindparam(f"at_{name}") for name in _KEY)
        statement = delete(candidate_pairs).where(candidate_pairs.c.entity == entity, *places)
        tx.execute(statement, [dict(zip((f"at_{name}" for name in _KEY), key, strict=True)) for key in gone])


def _same(standing: CandidatePair | None, row: CandidatePair) -> bool:
    return standing is not None and (standing.band, standing.posterior, standing.model) == (
        row.band, row.posterior, row.model,
    )  # fmt: skip


def _key(row: CandidatePair) -> tuple[str, str, str, str]:
    return (row.a.system, row.a.source_key, row.b.system, row.b.source_key)


def _columns(row: CandidatePair, run_id: str, now: datetime) -> dict[str, object]:
    return {
        "entity": row.entity, **dict(zip(_KEY, _key(row), strict=True)), "band": row.band, "posterior": row.posterior,
        "evidence": row.evidence, "model": row.model, "run_id": run_id, "found_at": now,
    }  # fmt: skip


def listed(tx: Connection, entity: str | None = None, band: Band | None = None) -> list[CandidatePair]:
    """Every pair, of one entity or band where named, the most likely first."""
    query = select(candidate_pairs).order_by(
        candidate_pairs.c.posterior.desc(), *(getattr(candidate_pairs.c, name) for name in _KEY)
    )
    if entity is not None:
        query = query.where(candidate_pairs.c.entity == entity)
    if band is not None:
        query = query.where(candidate_pairs.c.band == band)
    return [_pair(row) for row in tx.execute(query)]


def counts(tx: Connection, entity: str) -> dict[str, int]:
    """Band → pairs."""
    query = select(candidate_pairs.c.band, func.count()).where(candidate_pairs.c.entity == entity)
    return {row[0]: row[1] for row in tx.execute(query.group_by(candidate_pairs.c.band))}


def touching(tx: Connection, entity: str, refs: Iterable[SourceRef]) -> list[CandidatePair]:
    """Pairs of which at least one record is among `refs`."""
    wanted = set(refs)
    found: dict[tuple[str, str, str, str], CandidatePair] = {}
    for chunk in chunks(sorted({ref.source_key for ref in wanted})):
        either = or_(candidate_pairs.c.a_key.in_(chunk), candidate_pairs.c.b_key.in_(chunk))
        for row in tx.execute(select(candidate_pairs).where(candidate_pairs.c.entity == entity, either)):
            pair = _pair(row)
            if pair.a in wanted or pair.b in wanted:
                found[_key(pair)] = pair
    return [found[key] for key in sorted(found)]


def _pair(row: Row[Any]) -> CandidatePair:
    a, b = SourceRef(row.a_system, row.a_key), SourceRef(row.b_system, row.b_key)
    return CandidatePair(row.entity, a, b, row.band, row.posterior, row.evidence, row.model, row.found_at)
