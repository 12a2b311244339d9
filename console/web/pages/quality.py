"""How good each source's records are, pass by pass, and what the rulebooks say of the golden records now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from starlette.responses import Response

from console.web.charts import Line, line
from console.web.visit import Visit
from store import runs, verdicts
from store.runs import Run, StageCounts
from store.unit_of_work import Transaction
from store.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Source:
    """One system: how many records it holds, how many of them cannot be used, and the share that can over time."""

    system: str
    records: int
    refused: int
    share: float
    chart: Line | None
    entities: tuple[tuple[str, int, int], ...]
    """(entity, records, refused) of the newest pass."""


def show(visit: Visit) -> Response:
    """Each source over time, and the newest verdicts."""
    with visit.hub.store.read() as tx:
        history = [(run, counts) for run, counts in runs.history(tx, "conform") if counts]
        judged = _judged(tx)
    sources = [_source(visit, system, history) for system in visit.hub.deployment.systems]
    return visit.page(
        "quality.html", sources=[one for one in sources if one.records], passes=len(history),
        failed=[one for one in judged if not one.passed], passed=[one for one in judged if one.passed],
    )  # fmt: skip


def _judged(tx: Transaction) -> list[Verdict]:
    """The verdicts of the newest pass that judged, those that failed first."""
    for run in runs.last(tx):
        if found := verdicts.of_run(tx, run.run_id):
            return sorted(found, key=lambda one: (one.passed, -one.failed, one.entity, one.rule))
    return []


def _source(visit: Visit, system: str, history: Iterable[tuple[Run, list[StageCounts]]]) -> Source:
    points: list[tuple[str, float]] = []
    entities: tuple[tuple[str, int, int], ...] = ()
    for run, counts in history:
        mine = _of(system, counts)
        if not mine:
            continue
        entities = mine
        records, refused = sum(one[1] for one in mine), sum(one[2] for one in mine)
        if records:
            at = run.started_at.astimezone(visit.site.zone)
            points.append((f"{at:%m-%d %H:%M}", (records - refused) / records))
    records, refused = sum(one[1] for one in entities), sum(one[2] for one in entities)
    share = (records - refused) / records if records else 1.0
    chart = line(points, percent=True) if points else None
    return Source(system, records, refused, share, chart, entities)


def _of(system: str, counts: Iterable[StageCounts]) -> tuple[tuple[str, int, int], ...]:
    """(entity, records, refused) of one system; a record in quarantine is none of the rows."""
    found = []
    for one in counts:
        entity, _, owner = one.part.partition("/")
        if owner == system:
            rows, refused = int(one.counts["rows"]), int(one.counts["rejected"])
            found.append((entity, rows + refused, refused))
    return tuple(found)
