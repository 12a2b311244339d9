"""Golden records as a reconciliation service, as OpenRefine adds it by address: `/reconcile/<token>/<entity>`.

Service manifest, batches of queries, data extension, suggestions and previews of the Reconciliation Service API 0.2:
https://www.w3.org/community/reports/reconciliation/CG-FINAL-specs-0.2-20230410/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from starlette.responses import HTMLResponse, JSONResponse, Response

from canonical.entities import ENTITIES, field_types
from canonical.strict_json import loads
from console.web.guard import POLICY
from console.web.machine import Call, Wrong, failed
from console.web.match import a_limit, a_text, an_object, unmatched
from console.web.values import shown
from mdm.lookup import ATTRIBUTES
from pipeline.indexes import Match, find_matches
from pipeline.record_search import find_records
from store import golden

MOST_QUERIES = 50
MOST_IDS = 500
SUGGESTED = 10
PREVIEW = (420, 240)
FRAMED = POLICY.replace("frame-ancestors 'none'", "frame-ancestors *")
"""A preview is drawn in a frame of whoever knows the token; it holds no form and nothing to press."""


@dataclass(frozen=True, slots=True)
class Known:
    """A golden record in force, and what it holds."""

    golden_id: str
    content: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What it is called."""
        return str(self.content.get("name") or self.golden_id)


def service(call: Call) -> Response:
    """The manifest; with `queries` the candidates of each, with `extend` what the golden records hold."""
    entity = call.place("entity")
    if entity not in ATTRIBUTES:
        return unmatched(entity)
    asked = _asked(call)
    if "queries" in asked:
        return JSONResponse(_answered(call, entity, an_object(loads(asked["queries"]))))
    if "extend" in asked:
        return JSONResponse(_extended(call, entity, an_object(loads(asked["extend"]))))
    return JSONResponse(_manifest(call, entity))


def _asked(call: Call) -> dict[str, str]:
    if call.request.method == "GET":
        return dict(call.request.query_params)
    form = parse_qs(call.body.decode(), max_num_fields=10)
    return {name: values[0] for name, values in form.items()}


def _manifest(call: Call, entity: str) -> dict[str, Any]:
    place = f"{call.base}{call.to('record', entity=entity)}"  # never the address of the service: it holds the token
    here = {"token": call.place("token"), "entity": entity}
    preview = f"{call.base}{call.to('reconcile.preview', **here)}?id={{{{id}}}}"
    return {
        "versions": ["0.2"], "name": f"Millstream {entity}", "identifierSpace": f"{place}#golden",
        "schemaSpace": f"{place}#attributes", "defaultTypes": [_type(entity)], "batchSize": MOST_QUERIES,
        "view": {"url": f"{place}?id={{{{id}}}}"},
        "preview": {"url": preview, "width": PREVIEW[0], "height": PREVIEW[1]},
        "suggest": {what: _served(call, "reconcile.suggest", **here, what=what) for what in SUGGESTIONS},
        "extend": {"propose_properties": _served(call, "reconcile.properties", **here), "property_settings": []},
    }  # fmt: skip


def _served(call: Call, name: str, **places: str) -> dict[str, str]:
    return {"service_url": call.base, "service_path": call.to(name, **places)}


def _type(entity: str) -> dict[str, str]:
    return {"id": entity, "name": entity}


def _answered(call: Call, entity: str, queries: Mapping[str, Any]) -> dict[str, Any]:
    if len(queries) > MOST_QUERIES:
        raise Wrong(f"more than {MOST_QUERIES} queries at once")
    return {name: {"result": _result(call, entity, an_object(one))} for name, one in queries.items()}


def _result(call: Call, entity: str, query: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Candidates, the best first. Who asks for a golden id gets that record, whatever else it may be like."""
    text, limit = a_text("query", str(query.get("query") or "")), a_limit(query.get("limit", 5))
    if not _is_of(entity, query.get("type")):
        return []
    given = query.get("properties") or []
    if not isinstance(given, list):
        raise Wrong("properties have to be a list")
    attributes = {"name": text, **_properties(entity, given)}
    named = _known(call, entity, [text]).get(text)
    first = [_exact(entity, named)] if named else []
    found = find_matches(call.hub, entity, attributes, limit)
    rest = [
        _candidate(entity, one)
        for one in found
        if not one.vetoes and one.golden_id is not None and not (named and one.golden_id == named.golden_id)
    ]
    return [*first, *rest][:limit]


def _is_of(entity: str, types: object) -> bool:
    wanted = types if isinstance(types, list) else [types]
    names = [one.get("id") if isinstance(one, Mapping) else one for one in wanted if one]
    return not names or entity in names


def _properties(entity: str, properties: Iterable[Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in properties:
        name, values = an_object(one).get("pid"), one.get("v")
        for value in values if isinstance(values, list) else [values]:
            text = value.get("name") if isinstance(value, Mapping) else value
            if name in ATTRIBUTES[entity] and isinstance(text, str | int | float | Decimal) and name not in found:
                found[name] = a_text(name, str(text))
    return found


def _candidate(entity: str, one: Match) -> dict[str, Any]:
    features = [{"id": part.feature, "value": round(part.weight, 4)} for part in one.parts]
    return {
        "id": one.golden_id, "name": one.said.get("name", one.golden_id), "score": round(100 * one.posterior, 2),
        "match": one.band == "auto", "type": [_type(entity)], "features": features,
    }  # fmt: skip


def _exact(entity: str, one: Known) -> dict[str, Any]:
    return {"id": one.golden_id, "name": one.name, "score": 100.0, "match": True, "type": [_type(entity)]}


def _known(call: Call, entity: str, ids: Sequence[str]) -> dict[str, Known]:
    """Golden id as asked for → the record in force; a retired id leads to the one that holds what it meant."""
    with call.hub.store.read() as tx:
        found = golden.standing(tx, entity, ids)
        leads = {one: golden.resolve(tx, entity, one) for one, row in found.items() if row.retired_at is not None}
        found |= golden.standing(tx, entity, leads.values())
    places = {one: leads.get(one, one) for one in ids if leads.get(one, one) in found}
    return {one: Known(at, found[at].content) for one, at in places.items() if found[at].retired_at is None}


def _extended(call: Call, entity: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What golden records hold, attribute by attribute."""
    ids, properties = asked.get("ids"), asked.get("properties")
    if not isinstance(ids, list) or not isinstance(properties, list) or not all(isinstance(one, str) for one in ids):
        raise Wrong("ids and properties have to be lists")
    if len(ids) > MOST_IDS:
        raise Wrong(f"more than {MOST_IDS} ids at once")
    wanted = [str(an_object(one).get("id")) for one in properties]
    kinds = field_types(ENTITIES[entity])
    names = [name for name in wanted if name in kinds]
    known = _known(call, entity, ids)
    rows = {
        one: {name: _cells(known[one].content.get(name), kinds[name]) if one in known else [] for name in names}
        for one in ids
    }
    return {"meta": [{"id": name, "name": name} for name in names], "rows": rows}


def _cells(value: object, kind: type) -> list[dict[str, Any]]:
    """A value in the form of the protocol."""
    if value is None:
        return []
    if kind is bool:
        return [{"str": str(value).lower()}]
    if kind is int:
        return [{"int": int(str(value))}]
    if kind is Decimal:
        return [{"float": float(str(value))}]
    return [{"str": str(value)}]


def _of_entity(call: Call, entity: str, prefix: str) -> list[dict[str, Any]]:
    found, _ = find_records(call.hub, entity, prefix, SUGGESTED)
    return [
        {"id": one.golden_id, "name": one.name or one.golden_id, "description": one.detail or "",
         "notable": [_type(entity)]}
        for one in found
    ]  # fmt: skip


def _of_property(_call: Call, entity: str, prefix: str) -> list[dict[str, Any]]:
    return [_type(name) for name in ATTRIBUTES[entity] if prefix.casefold() in name]


def _of_type(_call: Call, entity: str, prefix: str) -> list[dict[str, Any]]:
    return [_type(entity)] if prefix.casefold() in entity else []


SUGGESTIONS = {"entity": _of_entity, "property": _of_property, "type": _of_type}


def suggest(call: Call) -> Response:
    """Golden records, attributes or types that begin like what somebody types."""
    entity, what = call.place("entity"), call.place("what")
    if entity not in ATTRIBUTES or what not in SUGGESTIONS:
        return unmatched(entity)
    prefix = call.request.query_params.get("prefix", "")
    return JSONResponse({"result": SUGGESTIONS[what](call, entity, prefix)})


def properties(call: Call) -> Response:
    """The attributes by which columns can be added."""
    entity = call.place("entity")
    if entity not in ATTRIBUTES:
        return unmatched(entity)
    return JSONResponse({"type": entity, "properties": [_type(name) for name in field_types(ENTITIES[entity])]})


def preview(call: Call) -> Response:
    """A golden record in a small frame."""
    entity, golden_id = call.place("entity"), call.request.query_params.get("id", "")
    one = _known(call, entity, [golden_id]).get(golden_id) if entity in ATTRIBUTES else None
    if one is None:
        return failed(HTTPStatus.NOT_FOUND, f"no golden record {golden_id!r} is known")
    facts = [(name, shown(one.content[name])) for name in field_types(ENTITIES[entity]) if one.content.get(name)]
    text = call.site.plain(call.request, "preview.html", {"one": one, "facts": facts})
    return HTMLResponse(text, headers={"Content-Security-Policy": FRAMED, "X-Frame-Options": "SAMEORIGIN"})
