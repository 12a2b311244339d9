"""Routes for machines: opened by a token alone. No cookie opens them, so nobody's browser can be led to them.

The order: the host is ours, the token is known and opens this door, it has not asked too often; only then is the
body read. The token stands in the `Authorization` header, or in the address where who asks cannot send headers; no
log of ours holds it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from canonical.actors import Scope
from canonical.errors import MillstreamError
from console.web.bodies import TooLong, bounded, holds_nul
from console.web.routes import Path
from console.web.site import Site
from pipeline.hub import Hub
from store import audit, tokens
from store.tokens import Token

MOST_BYTES = 1_000_000
USED_EVERY = timedelta(minutes=5)
"""Being used is written down at most so often: a question is no write."""
LOG = logging.getLogger(__name__)


class Wrong(ValueError):
    """The request cannot be understood; the text says why."""


@dataclass(frozen=True)
class Call:
    """One request of a machine."""

    site: Site
    request: Request
    token: Token
    body: bytes

    @property
    def hub(self) -> Hub:
        """The hub that is asked."""
        return self.site.hub

    def place(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    @cached_property
    def base(self) -> str:
        """Where the hub stands, as who asks sees it."""
        url = self.request.url
        return self.site.access.public_url or f"{url.scheme}://{url.netloc}"

    def to(self, name: str, **places: str) -> str:
        """The path of a route."""
        return str(self.request.app.url_path_for(name, **places))


Answering = Callable[[Call], Response]


async def answered(site: Site, path: Path, answer: Answering, request: Request) -> Response:
    """The answer of one route of the table that a token opens."""
    said = await _answered(site, path, answer, request)
    if path.needs is Scope.RECONCILE:
        # The address holds the token and no cookie counts: whoever knows it may ask from any page.
        said.headers["Access-Control-Allow-Origin"] = "*"
        said.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        said.headers["Referrer-Policy"] = "no-referrer"
    return said


async def _answered(site: Site, path: Path, answer: Answering, request: Request) -> Response:
    if not site.is_asked(request):
        return PlainTextResponse("unknown host", HTTPStatus.BAD_REQUEST)
    if holds_nul(request):
        return failed(HTTPStatus.BAD_REQUEST, "the address cannot be read")
    given = _given(path, request)
    token = await run_in_threadpool(_known, site, given) if given else None
    if token is None or token.scope is not path.needs:
        return await _refused(site, path, request, token, given=bool(given))
    wait = site.of_tokens.wait(token.name)
    if wait:
        return _later(wait)
    uses = _uses(site, token)
    try:
        call = Call(site, request, token, await bounded(request, MOST_BYTES))
    except TooLong:
        return failed(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the body is too long")
    return await run_in_threadpool(_made, call, path, answer, uses)


def _uses(site: Site, token: Token) -> int:
    """How often the token was used since that was written down last; 0 while it need not be written."""
    site.uses[token.name] += 1
    if token.used_at is not None and site.hub.now() - token.used_at < USED_EVERY:
        return 0
    return site.uses.pop(token.name)


def _given(path: Path, request: Request) -> str:
    if path.needs is Scope.RECONCILE:
        return str(request.path_params["token"])
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _known(site: Site, given: str) -> Token | None:
    with site.hub.store.read() as tx:
        return tokens.find(tx, given, site.hub.now())


async def _refused(site: Site, path: Path, request: Request, token: Token | None, *, given: bool) -> Response:
    """401, and a line in the audit trail for who came with a token that does not open this."""
    address = request.client.host if request.client else "?"
    if given:
        wait = site.of_strangers.wait(address)
        if wait:
            return _later(wait)
        await run_in_threadpool(_audited, site, path, address, token)
    answer = failed(HTTPStatus.UNAUTHORIZED, "a token that opens this is needed: millstream tokens make")
    answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def _audited(site: Site, path: Path, address: str, token: Token | None) -> None:
    who = token.actor if token else "token:unknown"
    with site.hub.store.begin() as tx:
        detail = {"needs": str(path.needs), "address": address}
        audit.append(tx, site.hub.now(), who, "denied", f"route/{path.name}", detail=detail)


def _made(call: Call, path: Path, answer: Answering, uses: int) -> Response:
    """The answer, or what cannot be understood."""
    if uses:
        address = call.request.client.host if call.request.client else "?"
        with call.hub.store.begin() as tx:
            tokens.used(tx, call.token, call.hub.now(), uses, address)
    try:
        return answer(call)
    except (ValueError, MillstreamError) as error:
        return failed(HTTPStatus.BAD_REQUEST, str(error))
    except Exception:
        LOG.exception("%s %s", path.method, path.path)  # the path of the table: the one asked may hold a token
        return failed(HTTPStatus.INTERNAL_SERVER_ERROR, "something broke; it is in the server's log")


def _later(seconds: int) -> Response:
    answer = failed(HTTPStatus.TOO_MANY_REQUESTS, "too many requests")
    answer.headers["Retry-After"] = str(seconds)
    return answer


def failed(status: HTTPStatus, text: str) -> Response:
    """An answer that says what is wrong."""
    return JSONResponse({"error": text}, status_code=status)
