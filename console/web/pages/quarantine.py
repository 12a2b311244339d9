"""Records that cannot be used: what each breaks, its payload, and sending it through again with its values mended."""

from __future__ import annotations

from collections import Counter
from http import HTTPStatus
from itertools import groupby

from starlette.responses import Response

from canonical.actors import Role
from console.web.paging import part
from console.web.visit import Visit
from pipeline.mending import find_raw, mend, send_again
from store import quarantine
from store.quarantine import QuarantineRow, QuarantineState

Place = tuple[str, str, str, str]
"""Stage, system, entity and source key."""


def place_of(row: QuarantineRow) -> Place:
    """What names a record in quarantine."""
    return row.stage, row.system, row.entity, row.rejection.source_key


def listed(visit: Visit) -> Response:
    """Records in quarantine, one line each, narrowed by stage, system, entity and rule."""
    names = ("stage", "system", "entity", "rule")
    chosen = {name: visit.asked(name) for name in names}
    with visit.hub.store.read() as tx:
        everything = quarantine.listed(tx)
    choices = {
        "stage": sorted({row.stage for row in everything}), "system": sorted({row.system for row in everything}),
        "entity": sorted({row.entity for row in everything}),
        "rule": sorted({row.rejection.rule for row in everything}),
    }  # fmt: skip
    found = [row for row in everything if all(value in {None, _said(row, name)} for name, value in chosen.items())]
    records = [list(rows) for _, rows in groupby(found, place_of)]
    rules = Counter(row.rejection.rule for row in found).most_common()
    return visit.page(
        "quarantine.html", part=part(records, visit.number("page", 1)), chosen=chosen, choices=choices, rules=rules
    )


def _said(row: QuarantineRow, name: str) -> str:
    return row.rejection.rule if name == "rule" else str(getattr(row, name))


def show(visit: Visit) -> Response:
    """One record: every rule it breaks, what it holds, and its raw values to be corrected."""
    place = _asked(visit)
    rows = _rows(visit, place)
    if not rows:
        return visit.refuse(HTTPStatus.NOT_FOUND, "quarantine.unknown", key=place[3])
    _, system, entity, key = place
    mendable = system in visit.hub.deployment.systems and visit.may(Role.STEWARD)
    return visit.page(
        "quarantined.html", rows=rows, first=rows[0], key=key, waits=any(_waits(row) for row in rows),
        raw=find_raw(visit.hub, system, entity, key) if mendable else None, broken=_broken(rows),
    )  # fmt: skip


def _asked(visit: Visit) -> Place:
    stage, system, entity, key = (visit.asked(name) or "" for name in ("stage", "system", "entity", "key"))
    return stage, system, entity, key


def _rows(visit: Visit, place: Place) -> list[QuarantineRow]:
    stage, system, entity, _ = place
    with visit.hub.store.read() as tx:
        found = quarantine.listed(tx, stage=stage, system=system, entity=entity, resolved=True)
    return [row for row in found if place_of(row) == place]


def _waits(row: QuarantineRow) -> bool:
    return row.state is not QuarantineState.RESOLVED


def _broken(rows: list[QuarantineRow]) -> frozenset[str]:
    """The fields the broken rules name."""
    return frozenset(name.strip() for row in rows if _waits(row) for name in row.rejection.path.split(","))


def replay(visit: Visit) -> Response:
    """Send a record through again, with its values corrected where some were."""
    place = _asked(visit)
    stage, system, entity, key = place
    if not any(_waits(row) for row in _rows(visit, place)):
        return visit.refuse(HTTPStatus.NOT_FOUND, "quarantine.unknown", key=key)
    values = {name.removeprefix("raw:"): visit.field(name) for name in visit.form or () if name.startswith("raw:")}
    if values:
        out = not mend(visit.hub, visit.actor, values, system=system, entity=entity, source_key=key)
    else:
        out = send_again(visit.hub, visit.actor, stage=stage, system=system, entity=entity, source_key=key)
    told = "done.released" if out else "done.still_broken" if stage == "conform" else "done.next_pass"
    query = {"stage": stage, "system": system, "entity": entity, "key": key}
    return visit.go("quarantined", told=told, query=query)
