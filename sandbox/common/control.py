"""The control routes under `/_sandbox/`: what a test or the `sandbox` command may ask a system directly.

Never hostile, never part of a dialect, always guarded by the run's control token.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.common.hostile import Hostile, Weather
from sandbox.common.state import SystemState

TOKEN_NAME: Final = "MILLSTREAM_SANDBOX_TOKEN"  # noqa: S105 - the name under which the token is passed
TOKEN_HEADER: Final = "X-Sandbox-Token"  # noqa: S105 - a header's name
READABLE: Final = ("stock",)  # controls that change nothing and answer a GET too

Control = Callable[[SystemState, dict[str, Any]], dict[str, Any]]


def control_app(state: SystemState, hostile: Hostile, controls: Mapping[str, Control]) -> Starlette:
    """`GET ledger`, `GET attempts`, `GET|POST hostile`, and a `POST` per entry of `controls`.

    A control gets the state and the JSON body; a ValueError or KeyError it raises answers 400.
    """
    desk = _Desk(state, hostile, controls)
    return Starlette(
        routes=[
            Route("/_sandbox/ledger", desk.guarded(desk.read_ledger), methods=["GET"]),
            Route("/_sandbox/attempts", desk.guarded(desk.read_attempts), methods=["GET"]),
            Route("/_sandbox/hostile", desk.guarded(desk.read_weather), methods=["GET"]),
            Route("/_sandbox/hostile", desk.guarded(desk.set_weather), methods=["POST"]),
            Route("/_sandbox/{name}", desk.guarded(desk.control), methods=["GET", "POST"]),
        ]
    )


@dataclass(frozen=True, slots=True)
class _Desk:
    """The endpoints, and what they share."""

    state: SystemState
    hostile: Hostile
    controls: Mapping[str, Control]

    async def read_ledger(self, _: Request) -> Response:
        return _json(await run_in_threadpool(self.state.ledger.rows))

    async def read_attempts(self, _: Request) -> Response:
        return _json(await run_in_threadpool(self.state.ledger.attempts))

    async def read_weather(self, _: Request) -> Response:
        now = self.hostile.weather
        return _json({"seed": now.seed, "rate": now.rate, "kinds": now.kinds, "faults": self.hostile.faults})

    async def set_weather(self, request: Request) -> Response:
        try:
            self.hostile.weather = Weather.from_json(await request.json())
        except ValueError as error:
            return _json({"error": str(error)}, 400)
        return await self.read_weather(request)

    async def control(self, request: Request) -> Response:
        name = request.path_params["name"]
        if request.method == "GET" and name not in READABLE:
            return _json({"error": f"POST /_sandbox/{name}"}, 405)
        chosen = self.controls.get(name)
        if chosen is None:
            return _json({"error": f"no such control; known: {', '.join(sorted(self.controls))}"}, 404)
        body = await request.body()
        try:
            return _json(await run_in_threadpool(chosen, self.state, json.loads(body or b"{}")))
        except (ValueError, KeyError) as error:
            return _json({"error": f"{type(error).__name__}: {error}"}, 400)

    def guarded(self, endpoint: Callable[[Request], Any]) -> Callable[[Request], Any]:
        async def guard(request: Request) -> Response:
            given = request.headers.get(TOKEN_HEADER, "").encode()
            if not secrets.compare_digest(given, self.state.secrets[TOKEN_NAME].encode()):
                return _json({"error": f"{TOKEN_HEADER} is missing or wrong"}, 403)
            answer: Response = await endpoint(request)
            return answer

        return guard


def _json(content: Any, status: int = 200) -> Response:  # noqa: ANN401 - any JSON-safe value
    return JSONResponse(content, status)
