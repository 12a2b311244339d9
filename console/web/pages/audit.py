"""Who did what, when: every act, newest first, never changed."""

from __future__ import annotations

from datetime import datetime, timedelta

from starlette.responses import Response

from console.web.visit import Visit
from store import audit
from store.audit import AuditFilter

ON_A_PAGE = 100


def show(visit: Visit) -> Response:
    """Acts that fit what is asked, a page at a time."""
    number = max(visit.number("page", 1), 1)
    chosen = {name: visit.asked(name) for name in ("actor", "action", "object", "day")}
    since = _day(visit, chosen["day"])
    wanted = AuditFilter(
        chosen["actor"], chosen["action"], chosen["object"], since, since + timedelta(days=1) if since else None
    )
    with visit.hub.store.read() as tx:
        found = audit.found(tx, wanted, limit=ON_A_PAGE + 1, offset=(number - 1) * ON_A_PAGE)
    more = len(found) > ON_A_PAGE
    return visit.page("audit.html", acts=found[:ON_A_PAGE], number=number, more=more, chosen=chosen)


def _day(visit: Visit, given: str | None) -> datetime | None:
    """Where a day begins on the plant's clocks; None where it is no day."""
    try:
        return datetime.strptime(given or "", "%Y-%m-%d").replace(tzinfo=visit.site.zone)
    except ValueError:
        return None
