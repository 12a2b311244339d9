"""Opaque cursors: where a walk stands and what it was asked for."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from sandbox.mes.documents import Documents, rfc3339
from sandbox.mes.problems import Problem

DEFAULT_LIMIT: Final = 100
MOST: Final = 500
FILTERS: Final = {
    "materials": ("code",),
    "work_centres": ("code",),
    "work_orders": ("external_ref", "erp_order_no", "number", "status"),
    "reports": ("work_order_id", "work_order_number", "erp_order_no"),
    "inspections": ("work_order_id", "report_id"),
    "tasks": ("external_ref", "work_order_number"),
}


@dataclass(frozen=True, slots=True)
class Walk:
    """One client's way through a collection, between two pages."""

    after: int = 0
    since: str | None = None
    equal: Mapping[str, str] = field(default_factory=dict)

    def cursor(self) -> str:
        """Say this position as opaque text."""
        return base64.urlsafe_b64encode(json.dumps([self.after, self.since, dict(self.equal)]).encode()).decode()

    @classmethod
    def resume(cls, cursor: str) -> Walk:
        """The position a cursor names; Problem 400 when it was not issued here."""
        try:
            after, since, equal = json.loads(base64.urlsafe_b64decode(cursor))
            return cls(int(after), since, dict(equal))
        except (binascii.Error, ValueError, TypeError) as error:
            raise Problem(400, "invalid_cursor", "This cursor was not issued here") from error


def start(collection: str, query: Mapping[str, str]) -> Walk:
    """The walk a query asks for: from its cursor, or from its `updated_since` and filters."""
    if query.get("cursor"):
        return Walk.resume(query["cursor"])
    equal = {name: query[name] for name in FILTERS[collection] if name in query}
    return Walk(0, _since(query.get("updated_since")), equal)


def page(documents: Documents, collection: str, query: Mapping[str, str]) -> dict[str, object]:
    """One page: `{"items": […], "next_cursor": text or null}`."""
    walk, limit = start(collection, query), _limit(query.get("limit"))
    found = documents.page(collection, walk.after, limit + 1, walk.since, walk.equal)
    items = found[:limit]
    more = Walk(items[-1].seq, walk.since, walk.equal).cursor() if len(found) > limit else None
    return {"items": [item.body for item in items], "next_cursor": more}


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if not text.isdecimal() or not 1 <= int(text) <= MOST:
        raise Problem(400, "invalid_limit", f"limit must be a whole number from 1 to {MOST}")
    return int(text)


def _since(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as error:
        raise Problem(400, "invalid_time", "updated_since must be an RFC 3339 time") from error
    if moment.tzinfo is None:
        raise Problem(400, "invalid_time", "updated_since must carry an offset or Z")
    return rfc3339(moment.astimezone(UTC))
