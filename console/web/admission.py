"""Who asks, and whether they may: settled before a page begins, of the session and the roll in the store.

The order: the host is ours, the caller is known, their role opens this route, and a form was sent from our own page.
Whatever fails is refused, and what is refused to somebody known is written to the audit trail.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import Message

from canonical.actors import Role
from canonical.errors import MillstreamError
from console.web.bodies import NUL, TooLong, bounded, holds_nul
from console.web.cookies import cookie_name, remember_language, remember_token, remembered_language
from console.web.guard import is_foreign
from console.web.routes import Door, Path
from console.web.site import Site
from console.web.visit import Visit
from console.words.errors import explained
from console.words.words import Words
from store import access, audit, people, sessions
from store.sessions import SEEN_EVERY

Page = Callable[[Visit], Response]
MOST_FORM_BYTES = 200_000
MOST_FIELDS = 1000
_FORM = "application/x-www-form-urlencoded"
LOG = logging.getLogger(__name__)


async def answered(site: Site, path: Path, page: Page, request: Request) -> Response:
    """The answer of one route of the table."""
    if not site.is_asked(request):
        return PlainTextResponse("unknown host", HTTPStatus.BAD_REQUEST)
    if holds_nul(request):
        return PlainTextResponse("the address cannot be read", HTTPStatus.BAD_REQUEST)
    form = None
    if path.method != "GET":
        form = await _form(request)
        if form is None:
            return PlainTextResponse("the form cannot be read", HTTPStatus.BAD_REQUEST)
    return await run_in_threadpool(_answer, site, path, page, request, form)


async def unknown(site: Site, request: Request) -> Response:
    """Whatever is no route: who is not logged in learns nothing about which there are."""
    if not site.is_asked(request):
        return PlainTextResponse("unknown host", HTTPStatus.BAD_REQUEST)
    return await run_in_threadpool(_unknown, site, request)


async def _form(request: Request) -> FormData | None:
    """The fields sent; None where they are too long, or nothing that a form of ours sends."""
    if not request.headers.get("content-type", _FORM).startswith(_FORM):
        return None
    try:
        body = await bounded(request, MOST_FORM_BYTES)

        async def again() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        form = await Request(request.scope, again).form(max_files=0, max_fields=MOST_FIELDS)
    except (TooLong, HTTPException):
        return None
    return None if any(NUL in str(value) for value in form.values()) else form


def _answer(site: Site, path: Path, page: Page, request: Request, form: FormData | None) -> Response:
    visit, standing = _visit(site, request, form)
    refusal = _refusal(visit, path)
    answer = refusal if refusal is not None else _made(visit, path, page)
    if not standing and path.name != "static" and "set-cookie" not in answer.headers:
        remember_token(answer, visit)
    remember_language(answer, visit)
    return answer


def _unknown(site: Site, request: Request) -> Response:
    visit, _ = _visit(site, request, None)
    if visit.person is not None:
        return visit.refuse(HTTPStatus.NOT_FOUND, "page.unknown")
    return _to_log_in(visit) if request.method == "GET" else visit.refuse(HTTPStatus.FORBIDDEN, "page.log_in_first")


def _visit(site: Site, request: Request, form: FormData | None) -> tuple[Visit, bool]:
    """Who asks; and whether their browser held a token of ours already."""
    words = Words(remembered_language(request))
    token = request.cookies.get(cookie_name(site, request), "")
    visit = Visit(site, request, words, token or access.new_token(), None, form)
    return (_known(visit) if token else visit), bool(token)


def _known(visit: Visit) -> Visit:
    """With the person behind the session, where it still holds."""
    store, idle = visit.hub.store, timedelta(minutes=visit.site.access.idle_minutes)
    with store.read() as tx:
        session = sessions.find(tx, visit.token, visit.now, idle)
        person = people.person(tx, session.name) if session else None
    if session is None or person is None:
        return visit
    if visit.now - session.seen_at > SEEN_EVERY:
        with store.begin() as tx:
            sessions.seen(tx, visit.token, visit.now)
    return replace(visit, person=person)


def _refusal(visit: Visit, path: Path) -> Response | None:
    """Why not; None where the page may begin."""
    if path.needs is not Door.ANYBODY and visit.person is None:
        if path.method == "GET":
            return _to_log_in(visit)
        return visit.refuse(HTTPStatus.FORBIDDEN, "page.log_in_first")
    if isinstance(path.needs, Role) and not visit.may(path.needs):
        _audited(visit, path)
        return visit.refuse(HTTPStatus.FORBIDDEN, "page.role", needed=visit.words.say(f"page.role.{path.needs.value}"))
    if path.method != "GET" and not _from_us(visit):
        _audited(visit, path, why="foreign form")
        return visit.refuse(HTTPStatus.FORBIDDEN, "page.foreign_form")
    return None


def _from_us(visit: Visit) -> bool:
    if is_foreign(visit.request.headers, visit.site.places(visit.request)):
        return False
    given = visit.request.headers.get("x-csrf-token") or visit.field("csrf")
    return hmac.compare_digest(given.encode(), visit.secret("form").encode())


def _audited(visit: Visit, path: Path, **why: str) -> None:
    if visit.person is None:
        return
    detail = {"needs": path.needs.value, "address": visit.request.url.path, **why}
    with visit.hub.store.begin() as tx:
        audit.append(tx, visit.now, f"person:{visit.person.name}", "denied", f"route/{path.name}", detail=detail)


def _to_log_in(visit: Visit) -> Response:
    query = visit.request.url.query
    wanted = f"{visit.here}?{query}" if query else visit.here
    address = str(visit.request.app.url_path_for("log_in"))
    more = f"?{urlencode({'next': wanted})}" if wanted != "/" else ""
    return RedirectResponse(address + more, HTTPStatus.SEE_OTHER)


def _made(visit: Visit, path: Path, page: Page) -> Response:
    """The page, or what went wrong said so that the reader knows what to do next."""
    try:
        return page(visit)
    except MillstreamError as error:
        return visit.page("refused.html", HTTPStatus.CONFLICT, said=explained(visit.words, error))
    except Exception:
        LOG.exception("%s %s", path.method, path.path)  # the path of the table: the one asked may hold a token
        return visit.refuse(HTTPStatus.INTERNAL_SERVER_ERROR, "page.broken")
