"""The ERP on the wire: one URL a method, signed headers on every call, HTTP 200 for every answer."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from decimal import Decimal
from urllib.parse import parse_qs
from uuid import uuid4

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Scope

from sandbox.common.hostile import Dialect, Reply
from sandbox.common.state import SystemState
from sandbox.erp.calls import READS, WRITES
from sandbox.erp.envelope import BAD_PARAMETER, EXCEPTION, Refused, refusal, session_lost
from sandbox.erp.signing import Credentials, is_authorised
from sandbox.erp.tables import create_tables

_SERVICE = "Kingdee.BOS.WebApi.ServicesStub.DynamicFormService"
_SESSION = "kdservice-sessionid"
_CALLS = {**READS, **WRITES}
_LOG = logging.getLogger(__name__)


def create_app(state: SystemState) -> Starlette:
    """The ASGI application over `state`; its tables are made when they are missing."""
    create_tables(state.db)
    credentials = credentials_of(state)

    async def call(request: Request) -> Response:
        method = request.path_params["method"]
        if method not in _CALLS:
            return Response(f"response_error: no such method {method}", 404)
        if not is_authorised(request.headers, request.url.path, credentials, time.time()):
            return _answer(request, _shaped(method, session_lost()))
        answer = await run_in_threadpool(_result, state, method, await request.body())
        return _answer(request, answer)

    route = Route(f"/k3cloud/{_SERVICE}.{{method}}.common.kdsvc", call, methods=["POST"])
    return Starlette(routes=[route])


def credentials_of(state: SystemState) -> Credentials:
    """What this run's clients must sign with, from the run's secrets."""
    account, user, app_id, app_secret = (
        state.secrets[f"MILLSTREAM_ERP_{name}"] for name in ("ACCOUNT", "USER", "APP_ID", "APP_SECRET")
    )
    return Credentials(account, user, app_id, app_secret)


def dialect() -> Dialect:
    """How hostile mode tells this system's reads from its writes, and what a lost session looks like."""
    return Dialect(is_write=_is_write, operation=_form_asked, expired_response=_expired)


def _result(state: SystemState, method: str, raw: bytes) -> object:
    try:
        return _CALLS[method](state, _decoded(raw))
    except Refused as error:
        return _shaped(method, refusal(error))
    except Exception:  # noqa: BLE001 - the vendor answers every failure of its own in the same envelope
        _LOG.exception("the ERP failed in %s", method)
        return _shaped(method, refusal(Refused("系统发生异常", EXCEPTION)))


def _shaped(method: str, answer: object) -> object:
    return [[answer]] if method == "ExecuteBillQuery" else answer


def _decoded(raw: bytes) -> Mapping[str, object]:
    """The body as JSON, or as a form whose fields are `formid` and `data`. Raises Refused."""
    try:
        text = raw.decode()
        if text.lstrip().startswith("{"):
            return dict(json.loads(text, parse_float=Decimal))
        return {key: values[0] for key, values in parse_qs(text, strict_parsing=True).items()}
    except ValueError:
        raise Refused("请求内容不是有效的JSON", BAD_PARAMETER, "data") from None


def _answer(request: Request, answer: object) -> Response:
    text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"), default=_number)
    session = request.headers.get(_SESSION) or request.cookies.get(_SESSION) or str(uuid4())
    response = Response(text, media_type="application/json; charset=utf-8")
    response.headers[_SESSION] = session
    response.set_cookie(_SESSION, session, httponly=True, samesite=None)
    return response


def _number(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(type(value).__name__)


def _method(scope: Scope) -> str:
    return str(scope["path"]).removesuffix(".common.kdsvc").rpartition(".")[2]


def _is_write(scope: Scope, body: bytes) -> bool:  # noqa: ARG001 - the shape a dialect gives
    return _method(scope) in WRITES


def _form_asked(scope: Scope, body: bytes) -> str:  # noqa: ARG001 - the shape a dialect gives
    """The form a request is about: hostile mode counts faults for each form apart."""
    try:
        asked = _decoded(body)
    except Refused:
        return ""
    details = asked.get("data")
    inner = details.get("FormId") if isinstance(details, dict) else None
    return str(asked.get("formid") or asked.get("FormId") or inner or "")


def _expired(scope: Scope, body: bytes) -> Reply:  # noqa: ARG001 - the shape a dialect gives
    text = json.dumps(_shaped(_method(scope), session_lost()), ensure_ascii=False)
    return Reply(200, text.encode(), ((b"content-type", b"application/json; charset=utf-8"),))
