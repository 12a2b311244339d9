"""The pages of one hub: its templates, and what every template may use."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request

from canonical.errors import ConfigurationError, MillstreamError
from canonical.strict_json import dumps, loads
from console.web.allowance import Allowance
from console.web.assets import assets
from console.web.cookies import remembered_language
from console.web.menu import menu
from console.web.oidc import OpenId
from console.web.values import acting, shown, spoken
from console.words.field_names import broken
from console.words.words import Words
from pipeline.access import Access
from pipeline.hub import Hub

if TYPE_CHECKING:
    from console.web.visit import Visit

_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Site:
    """The hub shown, and how its pages are drawn."""

    hub: Hub
    address: str = "http://127.0.0.1:8720"
    """Where the pages stand when the deployment names no public address."""

    @property
    def access(self) -> Access:
        """What the deployment chose about log-in."""
        return self.hub.deployment.access

    @cached_property
    def openid(self) -> OpenId | None:
        """The provider that vouches for people too; raises `ConfigurationError` where its secret is not set."""
        provider = self.access.provider
        if provider is None:
            return None
        named = provider.client_secret
        if named is not None and not self.hub.environ.get(named.env):
            raise ConfigurationError(f"{named.env} is not set", hint=f"it holds the secret of {provider.title}")
        place = self.access.public_url or self.address
        return OpenId(provider, self.hub.environ[named.env] if named else None, f"{place}/log-in/provider/back")

    @cached_property
    def of_tokens(self) -> Allowance:
        """How often each token may ask."""
        return Allowance(self.access.token_requests_per_minute)

    @cached_property
    def of_strangers(self) -> Allowance:
        """How often an address may come with a token that opens nothing."""
        return Allowance(self.access.failures_per_address)

    @cached_property
    def of_log_ins(self) -> Allowance:
        """How often a name may be tried, whatever becomes of it: attempts that run side by side count too."""
        return Allowance(2 * self.access.failures_per_name)

    @cached_property
    def hashing(self) -> BoundedSemaphore:
        """So many passwords are hashed at a time: each takes 64 MiB."""
        return BoundedSemaphore(4)

    @cached_property
    def uses(self) -> Counter[str]:
        """How often each token was used since that was written down."""
        return Counter()

    @cached_property
    def zone(self) -> ZoneInfo:
        """Times are shown as the plant's clocks show them."""
        return ZoneInfo(self.hub.deployment.timezone)

    @cached_property
    def hosts(self) -> frozenset[str]:
        """The names these pages answer to; any other is a browser that was led astray."""
        public = urlsplit(self.access.public_url or "").hostname
        return frozenset({"127.0.0.1", "localhost", "::1"} | ({public} if public else set()))

    def is_asked(self, request: Request) -> bool:
        """Whether the browser asked for a name of ours: just that, and a port perhaps."""
        found = _HOST.fullmatch(request.headers.get("host", ""))
        return found is not None and found["name"].strip("[]").lower() in self.hosts

    def places(self, request: Request) -> frozenset[str]:
        """Where a form of ours may come from: the host asked, and the one people see before the proxy."""
        public = urlsplit(self.access.public_url or "").netloc
        return frozenset({request.url.netloc, public} - {""})

    @cached_property
    def _environment(self) -> Environment:
        environment = Environment(
            loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True,
        )  # fmt: skip
        environment.filters |= {"moment": self.moment, "shown": shown, "pretty": pretty}
        return environment

    def render(self, visit: Visit, template: str, values: Mapping[str, object]) -> str:
        """One page, in the language of who asks."""
        return self._environment.get_template(template).render({**self._common(visit), **values})

    def plain(self, request: Request, template: str, values: Mapping[str, object]) -> str:
        """A page for whom no person stands behind: without menu and forms, in the language the browser prefers."""
        words = Words(remembered_language(request))
        common = {
            "say": words.say, "term": words.shown, "lang": words.language,
            "asset": partial(_asset, request.app.url_path_for),
        }  # fmt: skip
        return self._environment.get_template(template).render({**common, **values})

    def _common(self, visit: Visit) -> dict[str, object]:
        words, request = visit.words, visit.request
        told = request.query_params.get("told", "")
        return {
            "visit": visit, "say": words.say, "term": words.shown, "told": words.told, "lang": words.language,
            "broken": partial(broken, words),
            "me": visit.person, "may": visit.may, "url": request.app.url_path_for, "now": visit.now,
            "csrf": visit.secret("form"), "plant": self.hub.deployment.name, "menu": menu(visit),
            "asset": partial(_asset, request.app.url_path_for), "other_language": _in(visit, "zh", "en"),
            "done": words.say(told) if told.startswith("done.") and words.knows(told) else "",
            "plain": partial(spoken, words, self.moment), "who": partial(acting, words),
            "times": words.say("page.times", zone=self.zone.key, offset=self._offset(visit.now)),
        }  # fmt: skip

    def _offset(self, now: datetime) -> str:
        """How far the plant's clocks are from UTC: `+08:00`."""
        return now.astimezone(self.zone).isoformat(timespec="minutes")[-6:]

    def moment(self, value: datetime | None) -> str:
        """A moment as the plant's clocks show it; in UTC where they cannot, as at the end of time."""
        try:
            return "–" if value is None else f"{value.astimezone(self.zone):%Y-%m-%d %H:%M}"
        except OverflowError:
            return f"{value:%Y-%m-%d %H:%M} UTC"


def _asset(url_path_for: Any, name: str) -> str:  # noqa: ANN401 - Starlette's own
    return str(url_path_for("static", digest=assets()[name].digest, file=name))


def _in(visit: Visit, *languages: str) -> str:
    """The page asked for, in the other language."""
    other = next(one for one in languages if one != visit.words.language)
    address = visit.request.url.include_query_params(lang=other).remove_query_params("told")
    return f"{visit.here}?{address.query}" if visit.request.method == "GET" else f"/?lang={other}"


def pretty(value: object) -> str:
    """A payload, line by line; text that is JSON is read."""
    if isinstance(value, str):
        try:
            value = loads(value)
        except (ValueError, MillstreamError):
            return str(value)
    return json.dumps(json.loads(dumps(value)), ensure_ascii=False, indent=2)
