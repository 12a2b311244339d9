"""Tokens with which machines ask: who made each, what it opens, until when; making and revoking one."""

from __future__ import annotations

from starlette.responses import Response

from canonical.actors import Scope
from canonical.errors import MillstreamError
from console.web.visit import Visit, whole
from mdm.lookup import ATTRIBUTES
from store import tokens

DAYS = (30, 90, 180, 365)


def listed(visit: Visit) -> Response:
    """Every token; what opens doors stands in none of them."""
    return _page(visit)


def _page(visit: Visit, token: str = "", scope: Scope | None = None) -> Response:
    place = visit.site.access.public_url or visit.site.address
    addresses = {
        entity: f"{place}{visit.to('reconcile', {'token': token, 'entity': entity})}"
        for entity in (ATTRIBUTES if scope is Scope.RECONCILE else ())
    }
    with visit.hub.store.read() as tx:
        found = tokens.listed(tx)
    return visit.page(
        "tokens.html", found=found, scopes=list(Scope), days=DAYS, token=token, addresses=addresses, place=place
    )


def make(visit: Visit) -> Response:
    """A new token, shown this once."""
    scope = next((one for one in Scope if one == visit.field("scope")), None)
    days = whole(visit.field("days"))
    if scope is None or days is None:
        raise MillstreamError(visit.words.say("page.tokens.choose"))
    with visit.hub.store.begin() as tx:
        token = tokens.make(tx, visit.field("name"), scope, visit.actor, visit.now, days=days)
    return _page(visit, token, scope)


def revoke(visit: Visit) -> Response:
    """End a token at once."""
    with visit.hub.store.begin() as tx:
        done = tokens.revoke(tx, visit.field("name"), visit.actor, visit.now)
    return visit.go("tokens", told="done.token_revoked" if done else "done.nothing")
