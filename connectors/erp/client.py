"""What YAML cannot say about Kingdee: a changed document keeps its entry rows.

A Save with `FID` deletes entry rows it does not name, so that a row without its `FEntryID` would be
deleted and made anew. Each row of a changed document therefore carries the id of the row that stands
in its place.

The reply to a batch names documents by their place in the call (`DIndex`), and has one `MsgCode` for all
refusals: it is taken apart into replies as the single calls give them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from connectors import auth, port
from connectors.batches import parts_by_place
from connectors.declared import DeclaredConnector
from connectors.reading import Known
from connectors.rest import RestConnector
from connectors.sorting import search, text
from connectors.spec import Batch, EnvName, Step, SystemSpec
from connectors.transport import Reply, Wire

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

    def single_replies(self, batch: Batch, reply: Reply, requests: Sequence[port.StepRequest]) -> list[Reply | str]:  # noqa: ARG002
        """Each document's own part: done, refused with a reason that is surely its, or not spoken of."""
        status = search("Result.ResponseStatus", reply.body) or {}
        done, refused = parts_by_place(status.get("SuccessEntitys")), parts_by_place(status.get("Errors"))
        shown = search("Result.NeedReturnData", reply.body) or []
        found: list[Reply | str] = []
        for place, request in enumerate(requests):
            entities, errors = done.get(str(place), []), refused.get(str(place), [])
            body: dict[str, Any] | str = "the reply to the batch does not speak of this document"
            if len(entities) == 1 and not errors:
                body = _as_done(entities[0], [row for row in shown if request.reference in _names(row)])
            elif errors and not entities:
                body = _as_refused(status.get("MsgCode"), errors, only=len(refused) == 1)
            found.append(body if isinstance(body, str) else replace(reply, body={"Result": body}))
        return found


def _as_done(entity: Mapping[str, Any], shown: Sequence[Mapping[str, Any]]) -> dict[str, Any] | str:
    """One document as a single call would tell of it; `shown` is what was returned under our reference."""
    if any(text(row.get("FBillNo", row.get("FNumber"))) != text(entity.get("Number")) for row in shown):
        return "the reply to the batch names another document under our reference"
    status = {"IsSuccess": True, "Errors": [], "SuccessEntitys": [entity], "MsgCode": 0}
    return {
        "ResponseStatus": status,
        "Id": entity.get("Id"),
        "Number": entity.get("Number"),
        "NeedReturnData": list(shown),
    }


def _names(row: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """What we call it: a document by our reference, a record of master data by its own number."""
    return text(row.get("F_MS_Ref")), text(row.get("FNumber"))


def _as_refused(code: object, errors: Sequence[Mapping[str, Any]], *, only: bool) -> dict[str, Any] | str:
    """One refusal; the call's one code is this document's only where no other was refused."""
    if not only:
        return f"one of several refusals of a batch: {errors[0].get('Message')}"
    return {"ResponseStatus": {"IsSuccess": False, "Errors": list(errors), "SuccessEntitys": [], "MsgCode": code}}


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
