"""The two cookies of the pages: a token that says nothing by itself, and the language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from console.words.words import Language

if TYPE_CHECKING:
    from console.web.site import Site
    from console.web.visit import Visit

LANGUAGE = "millstream_language"
_YEAR = 365 * 24 * 3600


def is_encrypted(site: Site, request: Request) -> bool:
    """Whether the browser came over https."""
    return request.url.scheme == "https" or (site.access.public_url or "").startswith("https://")


def cookie_name(site: Site, request: Request) -> str:
    """`__Host-` binds the cookie to this very host over https; plain http knows no such promise."""
    return "__Host-millstream" if is_encrypted(site, request) else "millstream"


def remember_token(answer: Response, visit: Visit, token: str | None = None) -> None:
    """Give the browser its token; it forgets it when it is closed, and the store before that."""
    encrypted = is_encrypted(visit.site, visit.request)
    answer.set_cookie(
        cookie_name(visit.site, visit.request), token or visit.token, path="/", httponly=True, secure=encrypted,
        samesite="lax",
    )  # fmt: skip


def forget_token(answer: Response, visit: Visit) -> None:
    """Take the token back."""
    encrypted = is_encrypted(visit.site, visit.request)
    answer.delete_cookie(
        cookie_name(visit.site, visit.request), path="/", httponly=True, secure=encrypted, samesite="lax"
    )


def remembered_language(request: Request) -> Language:
    """What the address asks for, else what was chosen before, else what the browser prefers."""
    for given in (request.query_params.get("lang"), request.cookies.get(LANGUAGE)):
        if given in {"en", "zh"}:
            return "zh" if given == "zh" else "en"
    accepted = request.headers.get("accept-language", "").lower()
    return "zh" if accepted.startswith("zh") else "en"


def remember_language(answer: Response, visit: Visit) -> None:
    """Keep the language that was just chosen."""
    if visit.request.query_params.get("lang") in {"en", "zh"}:
        encrypted = is_encrypted(visit.site, visit.request)
        answer.set_cookie(
            LANGUAGE, visit.words.language, max_age=_YEAR, path="/", httponly=True, secure=encrypted, samesite="lax"
        )
