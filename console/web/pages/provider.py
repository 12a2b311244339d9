"""Logging in through the plant's own directory. Whom it vouches for must stand on the roll: nobody is added by it.

The first log-in binds the provider's subject to the person; from then on the subject counts, and no claim that
somebody could change.
"""

from __future__ import annotations

import hmac
from http import HTTPStatus

from starlette.responses import RedirectResponse, Response

from canonical.errors import AuthenticationFailed, TransientError
from console.web.cookies import forget_token
from console.web.oidc import Flow, Vouched, verifier_of
from console.web.pages.log_in import failed, inside, let_in, may_try
from console.web.visit import Visit
from store import access, people
from store.unit_of_work import Transaction


def leave(visit: Visit) -> Response:
    """Off to the provider."""
    provider = visit.site.openid
    if provider is None:
        return visit.refuse(HTTPStatus.NOT_FOUND, "page.unknown")
    onwards = inside(visit.asked("next"))
    try:
        return RedirectResponse(provider.address(_flow(visit, onwards)), HTTPStatus.SEE_OTHER)
    except TransientError:
        return _refused(visit, HTTPStatus.SERVICE_UNAVAILABLE, "log_in.provider_silent")


def come_back(visit: Visit) -> Response:
    """Back from the provider: let them in whom it vouches for and who stand on the roll."""
    provider = visit.site.openid
    if provider is None:
        return visit.refuse(HTTPStatus.NOT_FOUND, "page.unknown")
    if not may_try(visit):
        return visit.refuse(HTTPStatus.TOO_MANY_REQUESTS, "log_in.wait")
    sealed, _, onwards = (visit.asked("state") or "").partition(".")
    onwards = inside(bytes.fromhex(onwards).decode(errors="replace") if _is_hex(onwards) else "/")
    flow = _flow(visit, onwards)
    given = f"{sealed}.{onwards.encode().hex()}"
    if not hmac.compare_digest(flow.state.encode(), given.encode(errors="replace")) or not visit.asked("code"):
        return _refused(visit, HTTPStatus.FORBIDDEN, "log_in.provider_refused")
    try:
        vouched = provider.vouched(flow, visit.asked("code") or "")
    except AuthenticationFailed:
        failed(visit, "?provider", "provider")
        return _refused(visit, HTTPStatus.FORBIDDEN, "log_in.provider_refused")
    except TransientError:
        return _refused(visit, HTTPStatus.SERVICE_UNAVAILABLE, "log_in.provider_silent")
    return _let_in(visit, vouched, onwards)


def _is_hex(text: str) -> bool:
    return len(text) % 2 == 0 and all(letter in "0123456789abcdef" for letter in text)


def _let_in(visit: Visit, vouched: Vouched, onwards: str) -> Response:
    with visit.hub.store.begin() as tx:
        name = _named(visit, tx, vouched)
        if name is not None:
            return let_in(visit, tx, name, vouched.issuer, onwards)
    failed(visit, vouched.name[:128] or "?provider", "provider")
    return _refused(visit, HTTPStatus.FORBIDDEN, "log_in.provider_refused")


def _named(visit: Visit, tx: Transaction, vouched: Vouched) -> str | None:
    """Who this is on the roll."""
    bound = access.bound_name(tx, vouched.issuer, vouched.subject)
    if bound is not None:
        return bound
    if not vouched.name or people.person(tx, vouched.name) is None:
        return None
    return vouched.name if access.bind(tx, vouched.issuer, vouched.subject, vouched.name, visit.now) else None


def _flow(visit: Visit, onwards: str) -> Flow:
    """Sealed with the cookie, and so is where to go afterwards."""
    sealed = visit.secret(f"provider state {onwards}")
    return Flow(
        f"{sealed}.{onwards.encode().hex()}", visit.secret("provider nonce"), verifier_of(visit.secret("provider pkce"))
    )


def _refused(visit: Visit, status: HTTPStatus, key: str) -> Response:
    """Why not, under a fresh token: what was sealed with the old one is spent."""
    provider = visit.site.access.provider
    answer = visit.refuse(status, key, title=provider.title if provider else "")
    forget_token(answer, visit)
    return answer
