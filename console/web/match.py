"""Does this exist already? A JSON door for other systems, and one that OpenRefine speaks (Reconciliation API 0.2).

`POST /api/match/<entity>` takes `{"attributes": {…}, "limit": 5}`. `/api/reconcile/<entity>` is what a data cleaner
enters in OpenRefine as the address of a reconciliation service.
Specification: https://www.w3.org/community/reports/reconciliation/CG-FINAL-specs-0.2-20230410/
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from canonical.actors import Role
from canonical.errors import MillstreamError
from canonical.strict_json import loads
from mdm.lookup import ATTRIBUTES
from pipeline.hub import Hub
from pipeline.indexes import Match, find_matches

NEEDS = Role.VIEWER
"""Whoever serves these routes asks for this role first."""
MOST_BYTES = 1_000_000
MOST_QUERIES = 50
MOST_HITS = 50


def match_routes(hub: Hub) -> list[Route]:
    """The routes, to be mounted behind whatever tells who is calling."""
    return [
        Route("/api/match/{entity}", partial(_match, hub), methods=["POST"], name="match"),
        Route("/api/reconcile/{entity}", partial(_reconcile, hub), methods=["GET", "POST"], name="reconcile"),
    ]


class _Wrong(ValueError):
    """The request cannot be understood; the text says why."""


async def _match(hub: Hub, request: Request) -> JSONResponse:
    entity = request.path_params["entity"]
    if entity not in ATTRIBUTES:
        return _refused(HTTPStatus.NOT_FOUND, f"{entity!r} is not matched; {', '.join(ATTRIBUTES)} are")
    try:
        asked = _object(loads(await _body(request)))
        attributes = _texts(_object(asked.get("attributes")))
        found = await run_in_threadpool(find_matches, hub, entity, attributes, _limit(asked.get("limit", 5)))
    except (ValueError, MillstreamError) as error:
        return _refused(HTTPStatus.BAD_REQUEST, str(error))
    return JSONResponse({"matches": [_shown(one) for one in found]})


def _shown(one: Match) -> dict[str, Any]:
    return {
        "golden_id": one.golden_id, "record": str(one.ref), "posterior": round(one.posterior, 6), "band": one.band,
        "said": dict(one.said), "vetoes": list(one.vetoes),
        "parts": [{"feature": part.feature, "value": part.value, "weight": part.weight} for part in one.parts],
    }  # fmt: skip


async def _reconcile(hub: Hub, request: Request) -> JSONResponse:
    """The manifest without `queries`, and the candidates of each with them."""
    entity = request.path_params["entity"]
    if entity not in ATTRIBUTES:
        return _refused(HTTPStatus.NOT_FOUND, f"{entity!r} is not matched; {', '.join(ATTRIBUTES)} are")
    try:
        text = await _queries(request)
        if text is None:
            return JSONResponse(_manifest(request, entity))
        queries = _object(json.loads(text))
        if len(queries) > MOST_QUERIES:
            raise _Wrong(f"more than {MOST_QUERIES} queries at once")
        found = {name: await run_in_threadpool(_answer, hub, entity, _object(one)) for name, one in queries.items()}
    except (ValueError, MillstreamError) as error:
        return _refused(HTTPStatus.BAD_REQUEST, str(error))
    return JSONResponse(found)


async def _queries(request: Request) -> str | None:
    if request.method == "GET":
        return request.query_params.get("queries")
    form = parse_qs((await _body(request)).decode(), max_num_fields=10)
    return form.get("queries", [None])[0]


def _manifest(request: Request, entity: str) -> dict[str, Any]:
    place = str(request.url_for("reconcile", entity=entity))
    return {
        "versions": ["0.2"], "name": f"Millstream {entity}", "identifierSpace": f"{place}#golden",
        "schemaSpace": f"{place}#attributes", "defaultTypes": [{"id": entity, "name": entity}],
        "batchSize": MOST_QUERIES,
    }  # fmt: skip


def _answer(hub: Hub, entity: str, query: Mapping[str, Any]) -> dict[str, Any]:
    attributes = {"name": str(query.get("query", ""))}
    for one in query.get("properties") or ():
        name, value = one.get("pid"), one.get("v")
        text = value.get("name") if isinstance(value, Mapping) else value
        if name in ATTRIBUTES[entity] and isinstance(text, str | int | float):
            attributes[name] = str(text)
    found = find_matches(hub, entity, attributes, _limit(query.get("limit", 5)))
    return {"result": [_candidate(entity, one) for one in found if not one.vetoes and one.golden_id is not None]}


def _candidate(entity: str, one: Match) -> dict[str, Any]:
    features = [{"id": part.feature, "value": round(part.weight, 4)} for part in one.parts]
    return {
        "id": one.golden_id, "name": one.said.get("name", one.golden_id), "score": round(100 * one.posterior, 2),
        "match": one.band == "auto", "type": [{"id": entity, "name": entity}], "features": features,
    }  # fmt: skip


async def _body(request: Request) -> bytes:
    """The body, once it is known not to be too long."""
    if int(request.headers.get("content-length") or 0) > MOST_BYTES:
        raise _Wrong("the body is too long")
    body = await request.body()
    if len(body) > MOST_BYTES:
        raise _Wrong("the body is too long")
    return body


def _object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _Wrong("an object is expected")
    return value


def _texts(values: Mapping[str, Any]) -> dict[str, str | None]:
    wrong = [name for name, value in values.items() if not isinstance(value, str | None)]
    if wrong:
        raise _Wrong(f"{wrong[0]} has to be text")
    return dict(values)


def _limit(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_HITS:
        raise _Wrong(f"limit has to be a whole number from 1 to {MOST_HITS}")
    return value


def _refused(status: HTTPStatus, text: str) -> JSONResponse:
    return JSONResponse({"error": text}, status_code=status)
