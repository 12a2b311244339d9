"""Records that cannot be used: what each breaks, its payload, and sending it through again with its values mended."""

from __future__ import annotations

from collections import Counter
from http import HTTPStatus
from itertools import groupby

from starlette.responses import Response

from console.web.paging import part
from console.web.visit import Visit
from store import quarantine
from store.quarantine import QuarantineRow

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
    """One record: every rule it breaks, and what it holds."""
    stage, system, entity, key = (visit.asked(name) or "" for name in ("stage", "system", "entity", "key"))
    with visit.hub.store.read() as tx:
        rows = quarantine.listed(tx, stage=stage, system=system, entity=entity, resolved=True)
    rows = [row for row in rows if row.rejection.source_key == key]
    if not rows:
        return visit.refuse(HTTPStatus.NOT_FOUND, "quarantine.unknown", key=key)
    return visit.page("quarantined.html", rows=rows, first=rows[0], key=key)
