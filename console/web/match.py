"""Does this exist already? `POST /api/match/<entity>` takes `{"attributes": {…}, "limit": 5}`, for other systems."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse, Response

from canonical.strict_json import loads
from console.web.bodies import NUL
from console.web.machine import Call, Wrong, failed
from mdm.lookup import ATTRIBUTES
from pipeline.indexes import Match, find_matches

MOST_HITS = 50
MOST_TEXT = 2_000
"""Characters of one attribute: no name is longer, and each is read by many patterns."""


def match(call: Call) -> Response:
    """Golden records most likely the one described, the best first."""
    entity = call.place("entity")
    if entity not in ATTRIBUTES:
        return unmatched(entity)
    asked = an_object(loads(call.body.decode()))
    attributes = _texts(an_object(asked.get("attributes")))
    found = find_matches(call.hub, entity, attributes, a_limit(asked.get("limit", 5)))
    return JSONResponse({"matches": [_shown(one) for one in found]})


def _shown(one: Match) -> dict[str, Any]:
    return {
        "golden_id": one.golden_id, "record": str(one.ref), "posterior": round(one.posterior, 6), "band": one.band,
        "said": dict(one.said), "vetoes": list(one.vetoes),
        "parts": [{"feature": part.feature, "value": part.value, "weight": part.weight} for part in one.parts],
    }  # fmt: skip


def unmatched(entity: str) -> Response:
    """404 for an entity that is not matched."""
    return failed(HTTPStatus.NOT_FOUND, f"{entity!r} is not matched; {', '.join(ATTRIBUTES)} are")


def an_object(value: object) -> Mapping[str, Any]:
    """A JSON object; raises `Wrong` for anything else."""
    if not isinstance(value, Mapping):
        raise Wrong("an object is expected")
    return value


def a_limit(value: object) -> int:
    """How many are wanted; raises `Wrong`."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_HITS:
        raise Wrong(f"limit has to be a whole number from 1 to {MOST_HITS}")
    return value


def _texts(values: Mapping[str, Any]) -> dict[str, str | None]:
    return {name: None if value is None else a_text(name, value) for name, value in values.items()}


def a_text(name: str, value: object) -> str:
    """What is said of an attribute; raises `Wrong` for what is no text, or too long for one."""
    if not isinstance(value, str):
        raise Wrong(f"{name} has to be text")
    if NUL in value:
        raise Wrong(f"{name} holds a character that no text has")
    if len(value) > MOST_TEXT:
        raise Wrong(f"{name} is longer than {MOST_TEXT} characters")
    return value
