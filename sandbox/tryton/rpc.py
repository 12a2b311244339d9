"""A small JSON-RPC client, so that the sandbox needs neither Tryton's code nor the hub's.

Values keep their meaning on the wire: Decimal, date, datetime and timedelta travel in
Tryton's typed JSON (`{"__class__": "Decimal", …}`).
"""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import json
import urllib.request
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

TYPE_NAMES = ("Decimal", "date", "datetime", "timedelta")
DATE = ("year", "month", "day")
TIME = ("hour", "minute", "second", "microsecond")
ONLY_CONTEXT = True
BATCH = 20  # SQLite's parser overflows (HTTP 503) on the checks of much larger ones


class TrytonRefused(Exception):
    """Tryton answered a call with an error; the message is Tryton's own."""


def encode(value: object) -> dict[str, Any]:
    """Return the typed JSON form of a Decimal, date, datetime or timedelta."""
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": str(value)}
    if isinstance(value, dt.datetime):
        return {"__class__": "datetime", **{part: getattr(value, part) for part in DATE + TIME}}
    if isinstance(value, dt.date):
        return {"__class__": "date", **{part: getattr(value, part) for part in DATE}}
    if isinstance(value, dt.timedelta):
        return {"__class__": "timedelta", "seconds": value.total_seconds()}
    message = f"{type(value).__name__} has no JSON form in Tryton"
    raise TypeError(message)


def decode(found: dict[str, Any]) -> object:
    """Turn one typed JSON object back into its Python value; plain objects pass through."""
    kind = found.get("__class__")
    if kind not in TYPE_NAMES:
        return found
    rest = {name: value for name, value in found.items() if name != "__class__"}
    if kind == "Decimal":
        return Decimal(rest["decimal"])
    makers = {"date": dt.date, "datetime": dt.datetime, "timedelta": dt.timedelta}
    return makers[kind](**rest)


@dataclass(slots=True)
class Session:
    """One logged-in session on one database. `context` goes with every call."""

    url: str
    database: str
    user: str
    password: str = field(repr=False)
    timeout_seconds: float = 600.0
    context: dict[str, Any] = field(default_factory=dict)
    authorization: str = field(default="", repr=False)

    def login(self) -> Session:
        """Log in and take over the user's preferences (company, language) as context."""
        answer = self._post("common.db.login", [self.user, {"password": self.password}, "en"])
        raw = f"{self.user}:{answer[0]}:{answer[1]}".encode()
        self.authorization = "Session " + base64.b64encode(raw).decode()
        self.refresh_context()
        return self

    def refresh_context(self) -> None:
        """Read the preferences again, for instance after the user got a company."""
        self.context = {}
        self.context = dict(self.call("model.res.user.get_preferences", ONLY_CONTEXT))
        self.context["_skip_warnings"] = True

    def call(self, method: str, *params: object, **context: object) -> Any:  # noqa: ANN401 - whatever the method returns
        """Call `method`; keyword arguments are added to the context of this call only."""
        return self._post(method, [*params, {**self.context, **context}])

    def create(self, model: str, records: list[dict[str, Any]]) -> list[int]:
        """Create `records` a batch at a time and return their ids in the same order."""
        method = f"model.{model}.create"
        batches = (records[at : at + BATCH] for at in range(0, len(records), BATCH))
        return [made for batch in batches for made in self.call(method, batch)]

    def search_read(self, model: str, domain: list[Any], fields: list[str], **context: object) -> list[dict[str, Any]]:
        """Return every record of `model` in `domain`, ordered by id."""
        order = [["id", "ASC"]]
        method = f"model.{model}.search_read"
        return list(self.call(method, domain, 0, None, order, fields, **context))

    def _post(self, method: str, params: list[Any]) -> Any:  # noqa: ANN401
        body = json.dumps({"id": 1, "method": method, "params": params}, default=encode)
        headers = {"Content-Type": "application/json", "Accept-Encoding": "gzip"}
        if self.authorization:
            headers["Authorization"] = self.authorization
        request = urllib.request.Request(  # noqa: S310 - loopback http only
            f"{self.url}/{self.database}/rpc/", body.encode(), headers
        )
        with urllib.request.urlopen(request, timeout=self.timeout_seconds) as reply:  # noqa: S310
            raw = reply.read()
            if reply.headers.get("Content-Encoding") == "gzip":
                raw = gzip.decompress(raw)
        answer = json.loads(raw, object_hook=decode)
        if answer.get("error"):
            message = f"{method}: {answer['error'][:2]}"
            raise TrytonRefused(message)
        return answer["result"]
