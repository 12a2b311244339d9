"""The MES on the wire: OAuth2, collections with cursor paging, ETags, idempotent POSTs, problem documents."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from sandbox.common.hostile import Dialect, Reply
from sandbox.common.state import SystemState
from sandbox.mes import paging
from sandbox.mes.documents import Documents
from sandbox.mes.idempotency import Action, Idempotency, Outcome, fingerprint
from sandbox.mes.outbox import Postman
from sandbox.mes.problems import Problem, problem_response
from sandbox.mes.tokens import Tokens
from sandbox.mes.work_orders import OrderBook

TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 - a path
Answer = Callable[[Request, bytes], Response]


class Mes:
    """The endpoints over one state. Each runs in a worker thread and may raise Problem."""

    def __init__(self, state: SystemState) -> None:
        """Bind to the state; a Problem raised by an endpoint becomes its document."""
        self._state, self._tokens, self._idempotency = state, Tokens(state), Idempotency(state)

    def token(self, request: Request, body: bytes) -> Response:
        """`POST /oauth/token`."""
        form = dict(parse_qsl(body.decode(errors="replace")))
        status, content = self._tokens.grant(form, request.headers.get("Authorization", ""))
        challenge = {"WWW-Authenticate": 'Basic realm="mes"'} if status == HTTPStatus.UNAUTHORIZED else {}
        return JSONResponse(content, status, {"Cache-Control": "no-store", **challenge})

    def list(self, request: Request, _: bytes) -> Response:
        """`GET /v1/<collection>`."""
        self._authorise(request)
        with self._state.transaction() as db:
            found = paging.page(Documents(db, self._state.now()), _collection(request), request.query_params)
        return JSONResponse(found)

    def get(self, request: Request, _: bytes) -> Response:
        """`GET /v1/<collection>/{id}`."""
        self._authorise(request)
        collection, id_ = _collection(request), request.path_params["id"]
        with self._state.transaction() as db:
            found = Documents(db, self._state.now()).get(collection, id_)
        if found is None:
            raise Problem(404, "not_found", f"There is no {id_} in {collection}")
        if request.headers.get("If-None-Match") == found.etag:
            return Response(status_code=304, headers={"ETag": found.etag})
        return JSONResponse(found.body, headers={"ETag": found.etag})

    def create_order(self, request: Request, body: bytes) -> Response:
        """`POST /v1/work_orders`."""
        return self._once(request, body, "POST work_orders", lambda documents: self._book(documents).create(body))

    def create_task(self, request: Request, body: bytes) -> Response:
        """`POST /v1/tasks`."""
        return self._once(request, body, "POST tasks", lambda documents: self._book(documents).create_task(body))

    def cancel_order(self, request: Request, body: bytes) -> Response:
        """`POST /v1/work_orders/{id}/cancel`."""
        id_ = request.path_params["id"]
        return self._once(request, body, "POST work_orders/cancel", lambda documents: self._book(documents).cancel(id_))

    def change_order(self, request: Request, body: bytes) -> Response:
        """`PATCH /v1/work_orders/{id}`."""
        self._authorise(request)
        with self._state.transaction() as db:
            book = self._book(Documents(db, self._state.now()))
            order = book.change(request.path_params["id"], request.headers.get("If-Match"), body)
        return JSONResponse(order.body, headers={"ETag": order.etag})

    def change_material(self, request: Request, body: bytes) -> Response:
        """`PATCH /v1/materials/{id}`."""
        self._authorise(request)
        with self._state.transaction() as db:
            book = self._book(Documents(db, self._state.now()))
            material = book.change_material(request.path_params["id"], request.headers.get("If-Match"), body)
        return JSONResponse(material.body, headers={"ETag": material.etag})

    def _authorise(self, request: Request) -> None:
        if not self._tokens.valid(request.headers.get("Authorization", "")):
            raise Problem(401, "invalid_token", "The access token is missing, unknown or expired")

    def _once(self, request: Request, body: bytes, operation: str, action: Action) -> Response:
        self._authorise(request)
        asked = fingerprint(request.method, request.url.path, body)
        key = request.headers.get("Idempotency-Key")
        return _reply(self._idempotency.once(key, asked, operation, action))

    def _book(self, documents: Documents) -> OrderBook:
        return OrderBook(self._state.db, documents, self._state.ledger)


def create_app(state: SystemState) -> Starlette:
    """The MES over `state`, with its webhook postman at work."""
    Postman(state).start()
    mes = Mes(state)
    return Starlette(
        routes=[
            Route(TOKEN_PATH, _endpoint(mes.token), methods=["POST"]),
            Route("/v1/work_orders", _endpoint(mes.create_order), methods=["POST"]),
            Route("/v1/work_orders/{id}", _endpoint(mes.change_order), methods=["PATCH"]),
            Route("/v1/work_orders/{id}/cancel", _endpoint(mes.cancel_order), methods=["POST"]),
            Route("/v1/materials/{id}", _endpoint(mes.change_material), methods=["PATCH"]),
            Route("/v1/tasks", _endpoint(mes.create_task), methods=["POST"]),
            Route("/v1/{collection}", _endpoint(mes.list), methods=["GET"]),
            Route("/v1/{collection}/{id}", _endpoint(mes.get), methods=["GET"]),
        ],
    )


def _expired(scope: Scope, body: bytes) -> Reply:  # noqa: ARG001 - the shape hostile mode asks for
    """What an expired session looks like here; the token endpoint itself has none and is out of service instead."""
    if scope["path"] == TOKEN_PATH:
        return Reply(503, b"Service Unavailable")
    refused = problem_response(Problem(401, "invalid_token", "The access token is expired"))
    return Reply(401, bytes(refused.body), tuple(refused.raw_headers))


DIALECT: Final = Dialect(expired_response=_expired)


def _endpoint(answer: Answer) -> Callable[[Request], object]:
    async def endpoint(request: Request) -> Response:
        body = await request.body()
        try:
            return await run_in_threadpool(answer, request, body)
        except Problem as problem:
            return problem_response(problem)

    return endpoint


def _collection(request: Request) -> str:
    name: str = request.path_params["collection"]
    if name not in paging.FILTERS:
        raise Problem(404, "not_found", f"There is no collection {name}; known: {', '.join(paging.FILTERS)}")
    return name


def _reply(outcome: Outcome) -> Response:
    headers = {"Idempotent-Replay": "true"} if outcome.replayed else {}
    if outcome.status >= HTTPStatus.BAD_REQUEST:
        kind = "application/problem+json"
        return JSONResponse(outcome.body, outcome.status, headers, media_type=kind)
    tag = {"ETag": outcome.etag} if outcome.etag else {}
    return JSONResponse(outcome.body, outcome.status, {**headers, **tag})
