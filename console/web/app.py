"""The pages as one application: the routes of the table, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import cast

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from canonical.actors import Scope
from console.web import admission, machine
from console.web.admission import unknown
from console.web.guard import Guarded
from console.web.routes import ROUTES, Path
from console.web.site import Site
from console.web.visit import Visit
from pipeline.hub import Hub

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]


def web_app(hub: Hub, address: str = "http://127.0.0.1:8720") -> ASGIApp:
    """The application that shows this hub; raises `ConfigurationError` where the provider's secret is not set."""
    site = Site(hub, address)
    _ = site.openid
    routes = [_route(site, path) for path in ROUTES]
    routes.append(Route("/{path:path}", partial(unknown, site), methods=METHODS))
    application = Starlette(routes=routes)
    application.router.redirect_slashes = False
    encrypted = (site.access.public_url or "").startswith("https://")
    return Guarded(application, encrypted=encrypted)


def _route(site: Site, path: Path) -> Route:
    module, _, function = path.target.partition(":")
    target = getattr(import_module(f"console.web.{module}"), function)
    if isinstance(path.needs, Scope):
        endpoint = partial(machine.answered, site, path, cast("machine.Answering", target))
    else:
        endpoint = partial(admission.answered, site, path, cast("Callable[[Visit], Response]", target))
    return Route(path.path, endpoint, methods=[path.method], name=path.name)
