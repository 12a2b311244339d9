"""What YAML cannot say about Kingdee: a changed document keeps its entry rows.

A Save with `FID` deletes entry rows it does not name, so that a row without its `FEntryID` would be
deleted and made anew. Each row of a changed document therefore carries the id of the row that stands
in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from connectors import auth, port
from connectors.declared import DeclaredConnector, Known
from connectors.rest import RestConnector
from connectors.spec import EnvName, Step, SystemSpec
from connectors.transport import Wire

_ENTRY_SUFFIX = "_FEntryId"


class KingdeeConnector(RestConnector):
    """REST as declared, with entry rows matched to those that stand."""

    def payload(self, step: Step, request: port.StepRequest, known: Known) -> dict[str, Any]:
        """The model to save, its rows named by the ids of the existing document's."""
        payload = super().payload(step, request, known)
        if request.existing is None:
            return payload
        standing = request.existing.content.get("rows") or [request.existing.content]
        return {name: _kept(name, value, standing) for name, value in payload.items()}


def _kept(name: str, value: object, standing: Sequence[Mapping[str, Any]]) -> object:
    """A payload's entity with row ids by place; any other value as it is. New rows at the end have no id."""
    if not isinstance(value, list):
        return value
    ids = [row.get(name + _ENTRY_SUFFIX) for row in standing]
    return [
        {**row, "FEntryID": ids[place]} if place < len(ids) and ids[place] is not None else row
        for place, row in enumerate(value)
    ]


def open_client(spec: SystemSpec, wire: Wire, value: Callable[[EnvName], str]) -> DeclaredConnector:
    """What the registry calls."""
    return KingdeeConnector(spec, wire, auth.build(spec.system.auth, value, wire))
