"""The door for webhooks: `POST /webhooks/<system>`, acknowledged only after the event stands in the inbox.

Everything that is not a believed event of a connected system is refused without saying why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from canonical.errors import AuthenticationFailed, ConfigurationError, ContractBroken
from connectors.spec import Webhook
from connectors.webhook import MAX_BODY_BYTES, believe, live_secrets
from console.web.arrivals import Arrival, Arrivals, keep_all
from pipeline.hub import Hub

Doors = Mapping[str, tuple[Webhook, tuple[str, ...]]]


def _nobody() -> None:
    """Nobody has to be woken."""


def webhook_app(hub: Hub, wake: Callable[[], None] = _nobody) -> Starlette:
    """The application; `wake` is called when a new event stands in the inbox.

    Raises `ConfigurationError` when no connected system has a webhook whose secret is set.
    """
    doors = open_doors(hub)
    if not doors:
        raise ConfigurationError(
            "no webhook of a connected system has a secret",
            hint="declare `webhook:` in its system.yaml and set the variable it names",
        )
    route = Route(
        "/webhooks/{system}", partial(_receive, hub, doors, Arrivals(partial(keep_all, hub)), wake), methods=["POST"]
    )
    return Starlette(routes=[route])


def open_doors(hub: Hub) -> Doors:
    """System → how it signs and the live secrets; a system without a secret has no door: there is no default."""
    doors: dict[str, tuple[Webhook, tuple[str, ...]]] = {}
    for name, spec in hub.configuration.systems.items():
        webhook = spec.system.webhook
        if webhook and any(hub.environ.get(secret.env) for secret in webhook.secrets):
            doors[name] = (webhook, live_secrets(webhook, hub.environ))
    return doors


async def _receive(
    hub: Hub, doors: Doors, arrivals: Arrivals, wake: Callable[[], None], request: Request
) -> JSONResponse:
    system = request.path_params["system"]
    if system not in doors:
        return _answer(HTTPStatus.NOT_FOUND, "unknown")
    body = await _bounded(request)
    if body is None:
        return _answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too large")
    webhook, secrets = doors[system]
    try:
        event = believe(webhook, secrets, request.headers, body, hub.now())
    except AuthenticationFailed:
        return _answer(HTTPStatus.UNAUTHORIZED, "refused")
    except ContractBroken:
        return _answer(HTTPStatus.BAD_REQUEST, "refused")
    fresh = await arrivals.kept(Arrival(system, event.event_id, event.payload))
    if fresh:
        wake()
    return _answer(HTTPStatus.ACCEPTED if fresh else HTTPStatus.OK, "accepted" if fresh else "known")


async def _bounded(request: Request) -> bytes | None:
    """The raw body, or None once it is longer than allowed: the rest is not read."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return body


def _answer(status: HTTPStatus, text: str) -> JSONResponse:
    return JSONResponse({"status": text}, status_code=status)
