"""Who did what, when: every act, newest first, never changed."""

from __future__ import annotations

from starlette.responses import Response

from console.web.moments import span_of
from console.web.visit import Visit
from store import audit
from store.audit import AuditFilter

ON_A_PAGE = 100


def show(visit: Visit) -> Response:
    """Acts that fit what is asked, a page at a time."""
    number = max(visit.number("page", 1), 1)
    chosen = {name: visit.asked(name) for name in ("actor", "action", "object", "day")}
    since, until = span_of(visit, chosen["day"]) or (None, None)
    wanted = AuditFilter(chosen["actor"], chosen["action"], chosen["object"], since, until)
    with visit.hub.store.read() as tx:
        found = audit.found(tx, wanted, limit=ON_A_PAGE + 1, offset=(number - 1) * ON_A_PAGE)
    more = len(found) > ON_A_PAGE
    return visit.page("audit.html", acts=found[:ON_A_PAGE], number=number, more=more, chosen=chosen)
