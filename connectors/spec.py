"""What a `system.yaml` may say, as pydantic models: faults point at file, line and column."""

from __future__ import annotations

import zoneinfo
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import jmespath
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from canonical.commands import DeliveryClass
from canonical.strict_yaml import Document, load_document, suggest
from connectors.moments import Written
from connectors.port import Variant


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def _path(text: str) -> str:
    try:
        jmespath.compile(text)
    except jmespath.exceptions.ParseError as error:
        raise ValueError(f"not a JMESPath: {str(error).splitlines()[0]}") from None
    return text


def _zone(name: str) -> str:
    if name not in zoneinfo.available_timezones():
        raise ValueError(f"no time zone {name!r}. {suggest(name, zoneinfo.available_timezones()) or ''}".strip())
    return name


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


ZoneName = Annotated[str, AfterValidator(_zone)]
SystemRole = Literal["crm", "erp", "mes", "wms", "other"]
JmesPath = Annotated[str, AfterValidator(_path)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Statuses = Annotated[tuple[int, ...], BeforeValidator(_listed)]


class EnvName(_Closed):
    """A secret or an address, by the name of the environment variable that holds it."""

    env: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$")

    @model_validator(mode="before")
    @classmethod
    def _names_a_variable(cls, given: object) -> object:
        if isinstance(given, str):
            message = "secrets and addresses stand in the environment, never here: write {env: NAME}"
            raise ValueError(message)  # noqa: TRY004 - pydantic's way to say it
        return given


class OAuth2(_Closed):
    """Client credentials, sent as HTTP Basic or in the form body."""

    kind: Literal["oauth2_client_credentials"]
    token_path: str = Field(pattern=r"^/")
    client: Literal["basic", "body"] = "basic"
    client_id: EnvName
    client_secret: EnvName
    scope: str | None = None


class KingdeeSignature(_Closed):
    """Every call signed with the application's secrets; there is no session."""

    kind: Literal["kingdee_signature"]
    account: EnvName
    user: EnvName
    app_id: EnvName
    app_secret: EnvName
    language: int = 2052
    organisation: str = "100"


class WsSecurity(_Closed):
    """WS-Security UsernameToken (PasswordText) in every envelope."""

    kind: Literal["ws_security_username"]
    user: EnvName
    password: EnvName


class Bearer(_Closed):
    """A long-lived token."""

    kind: Literal["bearer"]
    token: EnvName


class Basic(_Closed):
    """HTTP Basic: a user and a password with every call."""

    kind: Literal["basic"]
    user: EnvName
    password: EnvName


class ApiKey(_Closed):
    """A long-lived key in a header of the system's choice; `scheme` is the word before it, as in `token <key>`."""

    kind: Literal["api_key"]
    key: EnvName
    header: str = Field(default="X-API-Key", pattern=r"^[A-Za-z0-9-]+$")
    scheme: str | None = Field(default=None, pattern=r"^[A-Za-z0-9-]+$")


class Session(_Closed):
    """Log in for a session; how is said by the system's `client.py`."""

    kind: Literal["session"]
    user: EnvName
    password: EnvName
    database: EnvName | None = None


class NoAuth(_Closed):
    """The system asks for nothing."""

    kind: Literal["none"]


AuthSpec = Annotated[
    OAuth2 | KingdeeSignature | WsSecurity | Bearer | Basic | ApiKey | Session | NoAuth, Field(discriminator="kind")
]


def credentials(auth: AuthSpec) -> tuple[str, ...]:
    """The environment variables that hold what we log in with."""
    return tuple(value.env for _, value in auth if isinstance(value, EnvName))


class Limits(_Closed):
    """How patient and how gentle the hub is with this system, for all its streams, look-ups and writes together.

    After `breaker_failures` failed calls in a row, or `breaker_silences` that no answer came to within the time
    limit, the system is left alone for `breaker_seconds`, and longer each time it is tried in vain.
    """

    timeout_seconds: float = Field(default=20, gt=0, le=600)
    connect_seconds: float = Field(default=5, gt=0, le=60)
    requests_per_second: int = Field(default=20, gt=0)
    concurrency: int = Field(default=4, gt=0, le=64)
    reply_megabytes: int = Field(default=32, gt=0, le=64)
    read_attempts: int = Field(default=5, gt=0, le=10)
    breaker_failures: int = Field(default=10, gt=0)
    breaker_silences: int = Field(default=2, gt=0)
    breaker_seconds: float = Field(default=10, gt=0)


class Request(_Closed):
    """One call: an HTTP request, or an `operation` of a SOAP or JSON-RPC service."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    path: str = ""
    operation: str | None = None
    params: dict[str, str] = {}
    headers: dict[str, str] = {}
    body: Any = None


class NoPaging(_Closed):
    """One reply holds everything."""

    kind: Literal["none"] = "none"


class CursorPaging(_Closed):
    """The reply names a cursor or page token, put at `{cursor?}` of the next request."""

    kind: Literal["cursor"]
    at: JmesPath


class NextPathPaging(_Closed):
    """The reply names the next page's path on the same host."""

    kind: Literal["next_path"]
    at: JmesPath


class OffsetPaging(_Closed):
    """`{offset}` and `{limit}` count records; a page with fewer than `limit` is the last."""

    kind: Literal["offset"]
    limit: int = Field(gt=0)


class NumberPaging(_Closed):
    """`{page}` counts pages from `first`, `{limit}` is their size; a page with fewer than `limit` is the last."""

    kind: Literal["number"]
    limit: int = Field(gt=0)
    first: int = Field(default=1, ge=0, le=1)


Paging = Annotated[NoPaging | CursorPaging | NextPathPaging | OffsetPaging | NumberPaging, Field(discriminator="kind")]


class Watermark(_Closed):
    """Where a record says when it changed and how it writes it; `clause` is `{since_clause}`, empty on a full fetch."""

    field: str
    format: Written = "rfc3339"
    clause: str | None = None


class Stream(_Closed):
    """One thing that can be pulled."""

    entity: str
    request: Request
    records: JmesPath = "@"
    columns: Texts = ()
    explode: str | None = None
    paging: Paging = NoPaging()
    watermark: Watermark | None = None
    complete: bool = False

    @model_validator(mode="after")
    def _can_be_followed(self) -> Self:
        if not (self.watermark or self.complete):
            raise ValueError("a stream needs a watermark or `complete: true`")
        return self


OutcomeName = Literal["applied", "unchanged", "rejected", "stale", "retry", "unknown", "expired"]


class Rule(_Closed):
    """Which outcome a reply means, by HTTP status, error code and pieces of the message; all given must fit.

    A piece may name our document (`[{native_number}]`), so that another's refusal does not pass for ours.
    """

    status: Statuses = ()
    code: Texts = ()
    message: Texts = ()
    outcome: OutcomeName


class Errors(_Closed):
    """Where a system's replies tell of an error, and what its errors mean."""

    code: JmesPath | None = None
    message: JmesPath | None = None
    failed: JmesPath | None = None
    outcomes: tuple[Rule, ...] = ()


class ReplyFields(_Closed):
    """Where a reply to a write names the document; `echo` must equal what was sent."""

    native_id: JmesPath | None = None
    native_number: JmesPath | None = None
    reference: JmesPath | None = None
    echo: dict[JmesPath, str] = {}


class Batch(_Closed):
    """How a step is carried out for many documents in one call.

    `request` knows `{items}`: each document's `item`, a list, or a text where `joined_by` says so.
    `refused` tells that the call was refused as a whole though its status is good. The reply is the list
    at `results`, one for each item in order, each told apart by `errors`; a `client.py` may know better.
    """

    size: int = Field(gt=1, le=200)
    request: Request
    fields: dict[str, Any] = {}
    item: str = "{payload}"
    joined_by: str | None = None
    refused: JmesPath | None = None
    results: JmesPath | None = None
    errors: Errors | None = None


class Step(_Closed):
    """One call of an operation. `only` keeps some of the payload's fields, `fields` sets more on it."""

    delivery: DeliveryClass = Field(alias="class")
    request: Request
    only: Texts = ()
    fields: dict[str, str] = {}
    reply: ReplyFields = ReplyFields()
    outcomes: tuple[Rule, ...] = ()
    read_back: bool = False
    batch: Batch | None = None


class LookUpBatch(_Closed):
    """Many references in one question; `{references_clause}` is the quoted list.

    A reply of `limit` records may have been cut short, so that each reference is then asked for alone.
    """

    size: int = Field(gt=1, le=200)
    limit: int = Field(gt=1)
    request: Request


class LookUp(_Closed):
    """How to find a document by our reference: by a request of its own, or by reading a stream through."""

    request: Request | None = None
    stream: str | None = None
    records: JmesPath = "@"
    columns: Texts = ()
    reference: str
    native_id: str
    native_number: str | None = None
    version: str | None = None
    version_request: Request | None = None
    done_steps: dict[str, JmesPath] = {}
    batch: LookUpBatch | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.request is None) == (self.stream is None):
            raise ValueError("a look-up needs either a request or a stream")
        if self.batch is not None and self.request is None:
            raise ValueError("a stream is read once for all references: it needs no batch")
        return self


class Operation(_Closed):
    """A command kind this system can carry out."""

    entity: str
    steps: dict[str, Step]
    variants: dict[Variant, Texts]
    outcomes: tuple[Rule, ...] = ()
    look_up: LookUp | None = None
    settle_seconds: float = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _steps_stand(self) -> Self:
        for variant, names in self.variants.items():
            for name in names:
                if name not in self.steps:
                    hint = suggest(name, self.steps)
                    raise ValueError(f"variant {variant} names the unknown step {name!r}. {hint or ''}".strip())
        if self.look_up is None and any(step.delivery is DeliveryClass.LOOKED_UP for step in self.steps.values()):
            raise ValueError("steps of class B need a look_up")
        if self.look_up is None and any(step.read_back for step in self.steps.values()):
            raise ValueError("read_back needs a look_up")
        return self


class Brings(_Closed):
    """Which records of a stream an event brings: whole ones at `records`, or the keys by which to `fetch` them.

    `fetch` is asked as the stream's own request is, and knows `{key}`, or `{keys_clause}` for many at once.
    """

    stream: str
    records: JmesPath = "@"
    where: dict[JmesPath, Texts] = {}
    """Only events that have one of these values at each of these paths."""
    fetch: Request | None = None


class Webhook(_Closed):
    """How a system signs what it posts to us: HMAC-SHA256 over `<timestamp>.<raw body>`, in hex.

    An event that `brings` nothing only says that something changed: the streams are then read from their watermarks.
    """

    event_id_header: str
    event_id: JmesPath | None = None
    """Where the signed body repeats the id (JMESPath): a header is not signed, so a copy under a new id could pass."""
    timestamp_header: str
    signature_header: str
    prefix: str = ""
    """Stands before the hex digest, e.g. `v1=`."""
    secrets: tuple[EnvName, ...] = Field(min_length=1, max_length=2)
    """Two live secrets at most, so that one can be replaced without losing an event; an unset one is not used."""
    brings: tuple[Brings, ...] = ()


class System(_Closed):
    """A whole `system.yaml`."""

    system: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    role: SystemRole
    product: str
    protocol: Literal["rest", "soap", "jsonrpc"]
    timezone: ZoneName
    base_url: EnvName
    ca_file: EnvName | None = None
    wsdl: str | None = None
    soap_path: str = "/"
    auth: AuthSpec
    limits: Limits = Limits()
    errors: Errors = Errors()
    streams: dict[str, Stream]
    operations: dict[str, Operation] = {}
    webhook: Webhook | None = None

    @model_validator(mode="after")
    def _streams_stand(self) -> Self:
        for name, operation in self.operations.items():
            stream = operation.look_up.stream if operation.look_up else None
            if stream and stream not in self.streams:
                raise ValueError(f"{name} looks up in the unknown stream {stream!r}")
        for brought in self.webhook.brings if self.webhook else ():
            if brought.stream not in self.streams:
                hint = suggest(brought.stream, self.streams)
                raise ValueError(f"the webhook brings the unknown stream {brought.stream!r}. {hint or ''}".strip())
        return self


class SystemSpec(_Closed):
    """A connector folder: what its `system.yaml` says and where it says it."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    folder: Path
    system: System
    document: Document


def load(folder: Path) -> SystemSpec:
    """Read `folder/system.yaml`; raise `ConfigurationError` with every fault and its place."""
    file = folder / "system.yaml"
    system, document = load_document(file, System, shown_as=f"{folder.parent.name}/{folder.name}/{file.name}")
    return SystemSpec(folder=folder, system=system, document=document)
