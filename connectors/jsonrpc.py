"""JSON-RPC as declared: `operation` is the method, `body` its parameters, the reply the whole envelope."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from canonical.errors import OutcomeUnknown, SystemUnavailable
from connectors.declared import DeclaredConnector
from connectors.reading import Known
from connectors.spec import Request
from connectors.template import fill, fill_path
from connectors.transport import Message, Reply, Wire, json_content

_NUMBERS = itertools.count(1)


class JsonRpcConnector(DeclaredConnector):
    """Method calls; errors inside the envelope are sorted by the declared `errors` paths."""

    def exchange(self, request: Request, known: Known, headers: Mapping[str, str], *, writes: bool) -> Reply:
        """One method call to the request's path."""
        method, params = fill(request.operation or "", known), fill(request.body or [], known)
        return call(self._wire, fill_path(request.path, known), method, params, headers, writes=writes)


def call(wire: Wire, path: str, method: str, params: object, headers: Mapping[str, str], *, writes: bool) -> Reply:
    """One call; a reply that carries another number belongs to another call."""
    number = next(_NUMBERS)
    content = json_content({"id": number, "method": method, "params": params})
    sent = {"Accept": "application/json", "Content-Type": "application/json", **headers}
    reply = wire.send(Message("POST", path, headers=sent, content=content), writes=writes)
    if isinstance(reply.body, dict) and reply.body.get("id", number) != number:
        message = "the reply carries the number of another call"
        raise OutcomeUnknown(message, system=wire.system) if writes else SystemUnavailable(message, system=wire.system)
    return reply
