"""The control routes under `/_sandbox/`: what a test or the `sandbox` command may ask a system directly.

Never hostile, never part of a dialect, always guarded by the run's control token.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
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


def control_app(  # noqa: C901 - six small endpoints that share the state
    state: SystemState, hostile: Hostile, controls: Mapping[str, Control]
) -> Starlette:
    """`GET ledger`, `GET attempts`, `GET|POST hostile`, and a `POST` per entry of `controls`.

    A control gets the state and the JSON body; a ValueError or KeyError it raises answers 400.
    """

    async def read_ledger(_: Request) -> Response:
        return _json(await run_in_threadpool(state.ledger.rows))

    async def read_attempts(_: Request) -> Response:
        return _json(await run_in_threadpool(state.ledger.attempts))

    async def read_weather(_: Request) -> Response:
        now = hostile.weather
        return _json({"seed": now.seed, "rate": now.rate, "kinds": now.kinds, "faults": hostile.faults})

    async def set_weather(request: Request) -> Response:
        try:
            hostile.weather = Weather.from_json(await request.json())
        except ValueError as error:
            return _json({"error": str(error)}, 400)
        return await read_weather(request)

    async def control(request: Request) -> Response:
        name = request.path_params["name"]
        if request.method == "GET" and name not in READABLE:
            return _json({"error": f"POST /_sandbox/{name}"}, 405)
        chosen = controls.get(name)
        if chosen is None:
            return _json({"error": f"no such control; known: {', '.join(sorted(controls))}"}, 404)
        body = await request.body()
        try:
            return _json(await run_in_threadpool(chosen, state, json.loads(body or b"{}")))
        except (ValueError, KeyError) as error:
            return _json({"error": f"{type(error).__name__}: {error}"}, 400)

    def guarded(endpoint: Callable[[Request], Any]) -> Callable[[Request], Any]:
        async def guard(request: Request) -> Response:
            given = request.headers.get(TOKEN_HEADER, "").encode()
            if not secrets.compare_digest(given, state.secrets[TOKEN_NAME].encode()):
                return _json({"error": f"{TOKEN_HEADER} is missing or wrong"}, 403)
            answer: Response = await endpoint(request)
            return answer

        return guard

    return Starlette(
        routes=[
            Route("/_sandbox/ledger", guarded(read_ledger), methods=["GET"]),
            Route("/_sandbox/attempts", guarded(read_attempts), methods=["GET"]),
            Route("/_sandbox/hostile", guarded(read_weather), methods=["GET"]),
            Route("/_sandbox/hostile", guarded(set_weather), methods=["POST"]),
            Route("/_sandbox/{name}", guarded(control), methods=["GET", "POST"]),
        ]
    )


def _json(content: Any, status: int = 200) -> Response:  # noqa: ANN401 - any JSON-safe value
    return JSONResponse(content, status)
