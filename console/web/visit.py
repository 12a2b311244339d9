"""One request as a page sees it: who asks, in which language, what they sent; and the answers a page can give."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from canonical.actors import Actor, Role
from console.words.words import Words
from pipeline.hub import Hub
from store.people import Person

if TYPE_CHECKING:
    from console.web.site import Site


def whole(text: str) -> int | None:
    """A whole number as people type it; None for what is none, or more than a database holds."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None  # noqa: PLR2004


@dataclass(frozen=True)
class Visit:
    """One request. `token` is what the browser's cookie holds; a person stands behind it once they logged in."""

    site: Site
    request: Request
    words: Words
    token: str
    person: Person | None = None
    form: FormData | None = None

    @property
    def hub(self) -> Hub:
        """The hub these pages show."""
        return self.site.hub

    @property
    def actor(self) -> Actor:
        """Who acts; raises `PermissionError` where nobody with a role does."""
        actor = self.person.actor if self.person else None
        if actor is None:
            raise PermissionError("nobody was admitted")
        return actor

    @property
    def address(self) -> str:
        """Where the request comes from, as far as the server knows."""
        return self.request.client.host if self.request.client else "?"

    @cached_property
    def now(self) -> datetime:
        """The moment of this request."""
        return self.hub.now()

    def may(self, needed: Role | str) -> bool:
        """Whether the person's roles cover this one."""
        return self.person is not None and self.person.may(Role(needed))

    def secret(self, purpose: str) -> str:
        """A value that only this browser's cookie can bring forth: it ties a form, or a way back, to this browser."""
        return hmac.new(self.token.encode(), purpose.encode(), hashlib.sha256).hexdigest()

    def field(self, name: str, default: str = "") -> str:
        """One field of the form, without white space around it."""
        value = self.form.get(name, default) if self.form else default
        return value.strip() if isinstance(value, str) else default

    def fields(self, name: str) -> list[str]:
        """Every value of a field that stands several times in the form."""
        return [value for value in self.form.getlist(name) if isinstance(value, str)] if self.form else []

    def asked(self, name: str) -> str | None:
        """One parameter of the address; None where it is absent or empty."""
        return self.request.query_params.get(name) or None

    def number(self, name: str, default: int) -> int:
        """A whole number of the address; the default where it is none."""
        found = whole(self.request.query_params.get(name, ""))
        return default if found is None else found

    def place(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    def page(self, template: str, /, status: int = HTTPStatus.OK, **values: object) -> Response:
        """A page of a template."""
        return HTMLResponse(self.site.render(self, template, values), status_code=status)

    def to(self, name: str, /, places: Mapping[str, str] | None = None, **query: str | int | None) -> str:
        """The address of a page; what is None is left out of its query."""
        address = str(self.request.app.url_path_for(name, **(places or {})))
        more = {key: value for key, value in query.items() if value is not None}
        return f"{address}?{urlencode(more)}" if more else address

    @property
    def here(self) -> str:
        """The path asked for, as a link may hold it: `//elsewhere` would be another site."""
        return "/" + quote(str(self.request.scope["path"]).lstrip("/"), safe="/:@!$&'()*+,;=~")

    def same(self, **query: str | int) -> str:
        """The page asked for, with other parameters."""
        address = self.request.url.include_query_params(**query).remove_query_params(["told", "lang"])
        return f"{self.here}?{address.query}"

    def go(self, name: str, /, told: str = "", query: Mapping[str, str] | None = None, **places: str) -> Response:
        """On to another page after a form, saying there what was done (`told`: a key of the catalogue)."""
        more = {**(query or {}), **({"told": told} if told else {})}
        return RedirectResponse(self.to(name, places, **more), HTTPStatus.SEE_OTHER)

    def refuse(self, status: HTTPStatus, key: str, /, **values: object) -> Response:
        """A page that says why not."""
        return self.page("refused.html", status, said=self.words.say(key, **values))
