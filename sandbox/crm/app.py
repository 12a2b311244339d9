"""The CRM's HTTP face: token, query, sobjects, upsert, collections, deleted, describe, limits."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.common.hostile import Dialect, Reply
from sandbox.common.state import SystemState
from sandbox.crm import records
from sandbox.crm.cursors import Cursors
from sandbox.crm.errors import CrmError
from sandbox.crm.schema import OBJECTS, Field, SObject, moment, shown, sobject, stamp
from sandbox.crm.sessions import Sessions
from sandbox.crm.soql import compile_soql

TOKEN_PATH: Final = "/services/oauth2/token"  # noqa: S105 - a path
VERSIONS: Final = ("v57.0", "v58.0", "v59.0", "v60.0")
MOST_IN_A_COLLECTION: Final = 200
DAILY_LIMIT: Final = 100_000
_EXPIRED: Final = CrmError(401, "INVALID_SESSION_ID", "Session expired or invalid")
_NOT_FOUND: Final = CrmError(404, "NOT_FOUND", "The requested resource does not exist")

Endpoint = Callable[[Request], Awaitable[Response]]


def create_app(state: SystemState) -> ASGIApp:
    """The CRM over one database. Sessions and cursors live in memory, as long as the process."""
    return Crm(state).application()


def expired_response(scope: Scope, body: bytes) -> Reply:  # noqa: ARG001 - the shape every dialect gives
    """How this system says that a session ended."""
    return Reply(401, json.dumps(_EXPIRED.body()).encode(), ((b"content-type", b"application/json"),))


def _is_write(scope: Scope, body: bytes) -> bool:  # noqa: ARG001 - the shape every dialect gives
    return scope["method"] in ("POST", "PATCH", "DELETE") and scope["path"] != TOKEN_PATH


def _operation(scope: Scope, body: bytes) -> str:  # noqa: ARG001 - the shape every dialect gives
    return str(scope["method"])


DIALECT: Final = Dialect(_is_write, _operation, expired_response)


class Crm:
    """The endpoints and what they share. One instance per process."""

    def __init__(self, state: SystemState) -> None:
        self.state = state
        self.sessions = Sessions(state)
        self.cursors = Cursors()
        self._calls = 0

    def application(self) -> ASGIApp:
        """The ASGI application."""
        base = "/services/data/{version}"
        routes = [
            Route(TOKEN_PATH, self.token, methods=["POST"]),
            Route("/services/data", self.versions, methods=["GET"]),
            self._route(f"{base}/query", self.query, "GET"),
            self._route(f"{base}/query/{{locator}}", self.query_more, "GET"),
            self._route(f"{base}/limits", self.limits, "GET"),
            self._route(f"{base}/sobjects", self.describe_global, "GET"),
            self._route(f"{base}/sobjects/{{type}}", self.create, "POST"),
            self._route(f"{base}/sobjects/{{type}}/describe", self.describe, "GET"),
            self._route(f"{base}/sobjects/{{type}}/deleted", self.deleted, "GET"),
            self._route(f"{base}/sobjects/{{type}}/updated", self.updated, "GET"),
            self._route(f"{base}/sobjects/{{type}}/{{id}}", self.record, "GET", "PATCH", "DELETE"),
            self._route(f"{base}/sobjects/{{type}}/{{key}}/{{value:path}}", self.by_external_id, "GET", "PATCH"),
            self._route(f"{base}/composite/sobjects", self.create_many, "POST"),
            self._route(f"{base}/composite/sobjects", self.update_many, "PATCH"),
            self._route(f"{base}/composite/sobjects/{{type}}/{{key}}", self.upsert_many, "PATCH"),
        ]
        handlers: Mapping[Any, Any] = {CrmError: self._refused, HTTPException: self._unrouted}
        usage = Middleware(_LimitInfo, self)
        return _without_trailing_slash(Starlette(routes=routes, exception_handlers=handlers, middleware=[usage]))

    def limit_info(self) -> str:
        """The usage header's value after one more call."""
        self._calls += 1
        return f"api-usage={self._calls}/{DAILY_LIMIT}"

    def _route(self, path: str, endpoint: Endpoint, *methods: str) -> Route:
        async def guarded(request: Request) -> Response:
            if not self.sessions.valid(request.headers.get("authorization", "")):
                raise _EXPIRED
            if request.path_params["version"] not in VERSIONS:
                raise _NOT_FOUND
            return await endpoint(request)

        return Route(path, guarded, methods=list(methods))

    async def _refused(self, _: Request, error: Exception) -> Response:
        assert isinstance(error, CrmError)
        return JSONResponse(error.body(), error.status)

    async def _unrouted(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 405:  # noqa: PLR2004 - HTTP's own number
            text = f"HTTP Method '{request.method}' not allowed."
            return JSONResponse(CrmError(405, "METHOD_NOT_ALLOWED", text).body(), 405)
        return JSONResponse(_NOT_FOUND.body(), 404)

    async def token(self, request: Request) -> Response:
        """`POST /services/oauth2/token`: client credentials only."""
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        if form.get("grant_type") != "client_credentials":
            return _oauth_error("unsupported_grant_type", "grant type not supported")
        if not self.sessions.opened_by(request.headers.get("authorization", ""), form):
            return _oauth_error("invalid_client", "invalid client credentials")
        instance = f"http://{request.headers['host']}"
        return JSONResponse(
            {
                "access_token": self.sessions.open(),
                "instance_url": instance,
                "id": f"{instance}/id/00DDm0000001sbxMAA/005Dm0000001sbxIAA",
                "token_type": "Bearer",
                "issued_at": str(int(time.time() * 1000)),
                "scope": "api",
            }
        )

    async def versions(self, _: Request) -> Response:
        """`GET /services/data`: no session needed."""
        return JSONResponse([{"version": name[1:], "url": f"/services/data/{name}"} for name in VERSIONS])

    async def query(self, request: Request) -> Response:
        """`GET query?q=`: the first page of a SOQL query."""
        version = request.path_params["version"]
        text = request.query_params.get("q")
        if not text:
            raise CrmError(400, "MALFORMED_QUERY", "SOQL statements must be given in the parameter q")
        statement = compile_soql(text)
        if statement.count_only:
            total = records.count(self.state, statement)
            return JSONResponse({"totalSize": total, "done": True, "records": []})
        found = records.select(self.state, statement, version)
        size = _batch_size(request.headers.get("sforce-query-options", ""))
        return JSONResponse(self.cursors.first(found, size, version))

    async def query_more(self, request: Request) -> Response:
        """`GET query/<locator>`: the page that `nextRecordsUrl` named."""
        return JSONResponse(self.cursors.page(request.path_params["locator"], request.path_params["version"]))

    async def limits(self, _: Request) -> Response:
        """`GET limits`: the daily quota."""
        quota = {"Max": DAILY_LIMIT, "Remaining": DAILY_LIMIT - self._calls}
        return JSONResponse({"DailyApiRequests": quota})

    async def describe_global(self, _: Request) -> Response:
        """`GET sobjects`: the object types."""
        known = [{"name": each.name, "keyPrefix": each.prefix} for each in OBJECTS.values()]
        return JSONResponse({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": known})

    async def describe(self, request: Request) -> Response:
        """`GET sobjects/<type>/describe`: the fields."""
        kind = sobject(request.path_params["type"])
        fields = [_described(field) for field in kind.fields.values()]
        return JSONResponse({"name": kind.name, "keyPrefix": kind.prefix, "fields": fields})

    async def deleted(self, request: Request) -> Response:
        """`GET sobjects/<type>/deleted?start=&end=`: what was removed in that span."""
        kind, start, end = self._span(request)
        with self.state.lock:
            rows = self.state.db.execute(
                "SELECT id, at FROM deleted WHERE object = ? AND at >= ? AND at <= ? ORDER BY at",
                (kind.name, start, end),
            ).fetchall()
        gone = [{"id": row[0], "deletedDate": row[1]} for row in rows]
        earliest = self.state.meta("earliest") or start
        return JSONResponse({"deletedRecords": gone, "earliestDateAvailable": earliest, "latestDateCovered": end})

    async def updated(self, request: Request) -> Response:
        """`GET sobjects/<type>/updated?start=&end=`: the ids that changed in that span."""
        kind, start, end = self._span(request)
        sql = f'SELECT Id FROM "{kind.name}" WHERE SystemModstamp >= ? AND SystemModstamp <= ? ORDER BY 1'
        with self.state.lock:
            rows = self.state.db.execute(sql, (start, end)).fetchall()
        return JSONResponse({"ids": [row[0] for row in rows], "latestDateCovered": end})

    def _span(self, request: Request) -> tuple[SObject, str, str]:
        kind = sobject(request.path_params["type"])
        try:
            start, end = (stamp(moment(request.query_params[name])) for name in ("start", "end"))
        except (KeyError, ValueError) as error:
            raise CrmError(400, "INVALID_REPLICATION_DATE", "start and end must be date-times with a zone") from error
        if start >= end:
            raise CrmError(400, "INVALID_REPLICATION_DATE", "startDate before endDate is required")
        return kind, start, min(end, stamp(self.state.now()))

    async def create(self, request: Request) -> Response:
        """`POST sobjects/<type>`: one new record, 201."""
        kind = sobject(request.path_params["type"])
        new = records.create(self.state, kind, await _object(request))
        return JSONResponse({"id": new, "success": True, "errors": []}, 201)

    async def record(self, request: Request) -> Response:
        """`GET`, `PATCH` (204) or `DELETE` (204) one record by its id."""
        kind = sobject(request.path_params["type"])
        row = self._row(kind, kind.fields["Id"], request.path_params["id"])
        if request.method == "GET":
            return self._shown(kind, row, request)
        _check_unmodified(request, row)
        if request.method == "DELETE":
            records.delete(self.state, kind, row)
        else:
            records.update(self.state, kind, row, await _object(request))
        return Response(status_code=204)

    async def by_external_id(self, request: Request) -> Response:
        """`GET`, or `PATCH` to create (201) or change (200), the record with this external id."""
        kind = sobject(request.path_params["type"])
        key, value = _external_key(kind, request.path_params["key"]), request.path_params["value"]
        if request.method == "GET":
            return self._shown(kind, self._row(kind, key, value), request)
        body = await _object(request)
        new, effect = records.upsert(self.state, kind, key, value, body)
        created = effect == "created"
        answer = {"id": new, "success": True, "errors": [], "created": created}
        return JSONResponse(answer, 201 if created else 200)

    async def create_many(self, request: Request) -> Response:
        """`POST composite/sobjects`: up to 200 new records, an answer for each."""
        items, whole = await _collection(request)
        return JSONResponse(self._each(items, self._create_one, whole=whole))

    async def update_many(self, request: Request) -> Response:
        """`PATCH composite/sobjects`: up to 200 changes of records named by their id, an answer for each."""
        items, whole = await _collection(request)
        return JSONResponse(self._each(items, self._update_one, whole=whole))

    async def upsert_many(self, request: Request) -> Response:
        """`PATCH composite/sobjects/<type>/<external id>`: up to 200 upserts, an answer for each."""
        kind = sobject(request.path_params["type"])
        key = _external_key(kind, request.path_params["key"])
        items, whole = await _collection(request)

        def upsert_one(item: dict[str, Any]) -> dict[str, Any]:
            value = item.get(key.name)
            if not isinstance(value, str) or not value:
                raise CrmError(400, "MISSING_ARGUMENT", f"{key.name} not specified", (key.name,))
            body = {name: each for name, each in item.items() if name != key.name}
            new, effect = records.upsert(self.state, kind, key, value, body)
            return {"id": new, "success": True, "errors": [], "created": effect == "created"}

        return JSONResponse(self._each(items, upsert_one, whole=whole))

    def _create_one(self, item: dict[str, Any]) -> dict[str, Any]:
        kind = sobject(str(item.get("attributes", {}).get("type", "")))
        return {"id": records.create(self.state, kind, item), "success": True, "errors": []}

    def _update_one(self, item: dict[str, Any]) -> dict[str, Any]:
        kind = sobject(str(item.get("attributes", {}).get("type", "")))
        named = next((str(value) for name, value in item.items() if name.lower() == "id"), "")
        row = self._row(kind, kind.fields["Id"], named)
        records.update(self.state, kind, row, {name: value for name, value in item.items() if name.lower() != "id"})
        return {"id": row["Id"], "success": True, "errors": []}

    def _each(
        self, items: list[dict[str, Any]], one: Callable[[dict[str, Any]], dict[str, Any]], *, whole: bool
    ) -> list[dict[str, Any]]:
        """Apply `one` to each item; with `whole` a single failure rolls all of them back."""
        answers: list[dict[str, Any]] = []
        try:
            with self.state.transaction():
                answers = [_answer(item, one) for item in items]
                _insist(answers, whole=whole)
        except _RolledBackError:
            return [_rolled_back(answer) for answer in answers]
        return answers

    def _row(self, kind: SObject, key: Field, value: str) -> dict[str, Any]:
        row = records.fetch(self.state, kind, key, value)
        if row is None:
            raise _NOT_FOUND
        return row

    def _shown(self, kind: SObject, row: dict[str, Any], request: Request) -> Response:
        url = f"/services/data/{request.path_params['version']}/sobjects/{kind.name}/{row['Id']}"
        wanted = [name for name in request.query_params.get("fields", "").split(",") if name]
        fields = [kind.field(name) for name in wanted] if wanted else list(kind.fields.values())
        body = {field.name: shown(field, row[field.name]) for field in fields}
        modified = moment(row["SystemModstamp"]).strftime("%a, %d %b %Y %H:%M:%S GMT")
        return JSONResponse(
            {"attributes": {"type": kind.name, "url": url}, **body}, headers={"Last-Modified": modified}
        )


class _RolledBackError(Exception):
    """One record of an all-or-none collection failed."""


def _insist(answers: list[dict[str, Any]], *, whole: bool) -> None:
    if whole and not all(answer["success"] for answer in answers):
        raise _RolledBackError


class _LimitInfo:
    """Adds the usage header to every reply."""

    def __init__(self, app: ASGIApp, crm: Crm) -> None:
        self._app, self._crm = app, crm

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"sforce-limit-info", self._crm.limit_info().encode())]
            await send(message)

        await self._app(scope, receive, counted)


def _without_trailing_slash(app: ASGIApp) -> ASGIApp:
    """Salesforce takes `query/` and `query` alike."""

    async def stripped(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].rstrip("/") or "/"
        await app({**scope, "path": path}, receive, send)

    return stripped


def _answer(item: dict[str, Any], one: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    try:
        return one(item)
    except CrmError as error:
        fault = {"statusCode": error.code, "message": error.message, "fields": list(error.fields)}
        return {"success": False, "errors": [fault]}


def _rolled_back(answer: dict[str, Any]) -> dict[str, Any]:
    if not answer["success"]:
        return answer
    text = "Record rolled back because not all records were valid and the request was using AllOrNone header"
    return {
        "success": False,
        "errors": [{"statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK", "message": text, "fields": []}],
    }


def _external_key(kind: SObject, name: str) -> Field:
    field = kind.field(name)
    if not field.external_id:
        text = f"Provided external ID field does not exist or is not accessible: {name}"
        raise CrmError(400, "INVALID_FIELD", text, (name,))
    return field


def _oauth_error(code: str, description: str) -> Response:
    return JSONResponse({"error": code, "error_description": description}, 400)


def _described(field: Field) -> dict[str, Any]:
    return {
        "name": field.name,
        "type": field.type,
        "nillable": not field.required,
        "externalId": field.external_id,
        "referenceTo": [field.target] if field.target else [],
        "relationshipName": field.relation,
        "picklistValues": [{"value": value, "active": True} for value in field.picklist],
    }


def _batch_size(options: str) -> int:
    """`batchSize=n` of the header, kept between 200 and 2000 as Salesforce does; 200 without one."""
    for part in options.split(","):
        name, _, value = part.strip().partition("=")
        if name == "batchSize" and value.isdigit():
            return min(2000, max(200, int(value)))
    return 200


def _check_unmodified(request: Request, row: Mapping[str, Any]) -> None:
    header = request.headers.get("if-unmodified-since")
    if header is None:
        return
    try:
        since = parsedate_to_datetime(header).astimezone(UTC)
    except ValueError as error:
        raise CrmError(400, "MALFORMED_HEADER", "If-Unmodified-Since is not an HTTP date") from error
    if _whole_second(moment(row["SystemModstamp"])) > since:
        raise CrmError(412, "PRECONDITION_FAILED", "The record was modified since the given date")


def _whole_second(at: datetime) -> datetime:
    return at.replace(microsecond=0)


async def _json(request: Request) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return json.loads(await request.body(), parse_float=str, parse_constant=str)
    except ValueError as error:
        raise CrmError(400, "JSON_PARSER_ERROR", f"Unexpected character: {error}") from error


async def _object(request: Request) -> dict[str, Any]:
    body = await _json(request)
    if not isinstance(body, dict):
        raise CrmError(400, "JSON_PARSER_ERROR", "a JSON object was expected")
    return body


async def _collection(request: Request) -> tuple[list[dict[str, Any]], bool]:
    body = await _object(request)
    items = body.get("records")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise CrmError(400, "JSON_PARSER_ERROR", "records must be a list of objects")
    if len(items) > MOST_IN_A_COLLECTION:
        raise CrmError(400, "EXCEEDED_ID_LIMIT", f"record limit reached: {MOST_IN_A_COLLECTION}")
    return items, bool(body.get("allOrNone", False))
