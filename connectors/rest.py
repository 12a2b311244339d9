"""REST as declared: JSON over HTTP."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.declared import DeclaredConnector
from connectors.reading import Known
from connectors.spec import Request
from connectors.template import fill, fill_path
from connectors.transport import Message, Reply, json_content


class RestConnector(DeclaredConnector):
    """Requests with path, parameters, headers and a JSON body from templates."""

    def exchange(self, request: Request, known: Known, headers: Mapping[str, str], *, writes: bool) -> Reply:
        """One HTTP exchange; a `path` in `known` is the next page's and needs no parameters of its own."""
        return self._wire.send(self._message(request, known, headers), writes=writes)

    def _message(self, request: Request, known: Known, headers: Mapping[str, str]) -> Message:
        content = None if request.body is None else json_content(fill(request.body, known))
        sent = {"Accept": "application/json", **fill(request.headers, known), **headers}
        if content is not None:
            sent["Content-Type"] = "application/json"
        next_page = known.get("path")
        params = {} if next_page else {name: str(value) for name, value in fill(request.params, known).items()}
        path = str(next_page) if next_page else fill_path(request.path, known)
        return Message(request.method, path, params, sent, content)
