"""Records that cannot be used: what each breaks, its payload, and sending it through again with its values mended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import Response

from canonical.actors import Role
from canonical.entities import ENTITIES
from canonical.errors import MillstreamError
from canonical.stewardship import SourceRef
from canonical.strict_json import loads
from console.web.paging import asked_for
from console.web.visit import Visit
from pipeline.mastering import STEWARDED
from pipeline.mending import RawFound, find_raw, judge_again, mend, records_behind, send_again
from store import quarantine
from store.quarantine import QuarantineRow, QuarantineState

Place = tuple[str, str, str, str]
"""Stage, system, entity and source key."""
FILTERS = ("stage", "system", "entity", "rule")


@dataclass(frozen=True, slots=True)
class Telling:
    """A source record as its system last said it."""

    ref: SourceRef
    raw: RawFound


def listed(visit: Visit) -> Response:
    """Records in quarantine, one line each, narrowed by stage, system, entity and rule."""
    chosen = {name: visit.asked(name) for name in FILTERS}
    with visit.hub.store.read() as tx:
        counted = quarantine.rules(tx)
        found = asked_for(
            quarantine.count_records(tx, chosen), visit.number("page", 1),
            lambda most, before: quarantine.records(tx, chosen, limit=most, offset=before),
        )  # fmt: skip
    choices = {name: sorted({place[at] for place in counted}) for at, name in enumerate(FILTERS)}
    rules: Counter[str] = Counter()
    for place, count in counted.items():
        if all(chosen[name] in {None, value} for name, value in zip(FILTERS, place, strict=True)):
            rules[place[-1]] += count
    return visit.page("quarantine.html", part=found, chosen=chosen, choices=choices, rules=rules.most_common())


def show(visit: Visit) -> Response:
    """One record: every rule it breaks, what it holds, and its raw values to be corrected."""
    place = _asked(visit)
    rows = _rows(visit, place)
    if not rows:
        return visit.refuse(HTTPStatus.NOT_FOUND, "quarantine.unknown", key=place[3])
    stage, _, entity, key = place
    payload = _content(rows[0].rejection.payload)
    return visit.page(
        "quarantined.html", rows=rows, first=rows[0], key=key, waits=any(_waits(row) for row in rows),
        payload=payload, raw=_is_raw(entity, payload),
        told_by=_told_by(visit, place) if visit.may(Role.STEWARD) else [], failing=_failing(rows),
        pinned=stage == "judge" and entity in STEWARDED,
    )  # fmt: skip


def _content(payload: object) -> object:
    """A payload as it is read: text that is JSON is what it tells of."""
    try:
        return loads(payload) if isinstance(payload, str) else payload
    except (ValueError, MillstreamError):
        return payload


def _is_raw(entity: str, payload: object) -> bool:
    """Whether a payload's names are its system's own."""
    ours = ENTITIES[entity].model_fields.keys() if entity in ENTITIES else frozenset[str]()
    return isinstance(payload, Mapping) and not payload.keys() <= {*ours, "golden_id", "source_key"}


def _told_by(visit: Visit, place: Place) -> list[Telling]:
    """The source records that can be corrected: the record itself, or all that a golden record was made of."""
    stage, system, entity, key = place
    behind = records_behind(visit.hub, entity, key) if stage == "judge" else [SourceRef(system, key)]
    known = [ref for ref in behind if ref.system in visit.hub.deployment.systems]
    found = [(ref, find_raw(visit.hub, ref.system, entity, ref.source_key)) for ref in known]
    return [Telling(ref, raw) for ref, raw in found if raw is not None]


def _asked(visit: Visit) -> Place:
    stage, system, entity, key = (visit.asked(name) or "" for name in ("stage", "system", "entity", "key"))
    return stage, system, entity, key


def _rows(visit: Visit, place: Place) -> list[QuarantineRow]:
    stage, system, entity, key = place
    with visit.hub.store.read() as tx:
        return quarantine.listed(tx, stage=stage, system=system, entity=entity, source_keys=[key], resolved=True)


def _waits(row: QuarantineRow) -> bool:
    return row.state is not QuarantineState.RESOLVED


def _failing(rows: list[QuarantineRow]) -> frozenset[str]:
    """The fields the broken rules name: ours, or the system's own."""
    return frozenset(name.strip() for row in rows if _waits(row) for name in row.rejection.path.split(","))


def replay(visit: Visit) -> Response:
    """Send a record through again, with its values corrected where some were."""
    place = _asked(visit)
    stage, system, entity, key = place
    if not any(_waits(row) for row in _rows(visit, place)):
        return visit.refuse(HTTPStatus.NOT_FOUND, "quarantine.unknown", key=key)
    values = {name.removeprefix("raw:"): visit.field(name) for name in visit.form or () if name.startswith("raw:")}
    if values:
        out = _mended(visit, place, values)
    else:
        out = send_again(visit.hub, visit.actor, stage=stage, system=system, entity=entity, source_key=key)
    told = "done.released" if out else "done.still_broken" if stage in {"conform", "judge"} else "done.next_pass"
    query = {"stage": stage, "system": system, "entity": entity, "key": key}
    return visit.go("quarantined", told=told, query=query)


def _mended(visit: Visit, place: Place, values: Mapping[str, str]) -> bool:
    """Correct what a system said; of a golden record, one of the records it was made of."""
    stage, system, entity, key = place
    ref = SourceRef(system, key)
    if stage == "judge":
        ref = next((one for one in records_behind(visit.hub, entity, key) if str(one) == visit.field("record")), ref)
    left = mend(visit.hub, visit.actor, values, system=ref.system, entity=entity, source_key=ref.source_key)
    return judge_again(visit.hub, visit.actor, entity, key) if stage == "judge" else not left
