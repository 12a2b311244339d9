"""What `system.yaml` cannot say of Tryton: the context of every call, typed values, moves, and writing in batches.

Creating many productions in one call is one transaction: all of them stand, or none does. A refused batch is
therefore repeated one by one, so that one bad document does not hold up the others.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, Final

from canonical.commands import Outcome, OutcomeKind, StepReceipt
from canonical.errors import ConfigurationError, MillstreamError, OutcomeUnknown, TransientError
from connectors import port
from connectors.declared import DeclaredConnector
from connectors.jsonrpc import call
from connectors.paging import Place, pages
from connectors.reading import Known
from connectors.sorting import text
from connectors.spec import EnvName, Request, Session, Step, SystemSpec
from connectors.template import fill, look
from connectors.transport import Reply, Wire
from connectors.tryton.documents import Documents, Plant, read_plant
from connectors.tryton.session import TrytonSession
from connectors.tryton.typed import plain, typed

BATCH: Final = 20
"""So many documents in one call; SQLite cannot check many more at once."""
OVERLAP: Final = timedelta(minutes=2)
"""A change may show up later than its time says: a transaction is stamped when it begins."""
DAWN: Final = datetime(1970, 1, 1, tzinfo=UTC)
GOAL: Final = {"reopen": "draft", "cancel": "cancelled"}
"""The state a step leads to; a document that is there already needs no step."""
KEPT_CONTEXT: Final = ("company", "companies", "company_filter", "employee", "language")
BUILT_STEPS: Final = ("create", "rewrite")
MODELS: Final = {"order_production": "production", "request_purchase": "purchase.requisition"}
PARTS: Final = {"production": ("inputs", "outputs"), "purchase.requisition": ("lines",)}


def open_client(found: SystemSpec, wire: Wire, value: Callable[[EnvName], str]) -> TrytonConnector:
    """Open the connector; called by the registry."""
    if not isinstance(found.system.auth, Session):
        raise ConfigurationError("tryton: auth.kind must be session")
    return TrytonConnector(found, wire, TrytonSession(found.system.auth, value, wire))


class TrytonConnector(DeclaredConnector):
    """JSON-RPC with a context; safe to use from several threads."""

    def __init__(self, found: SystemSpec, wire: Wire, session: TrytonSession) -> None:
        super().__init__(found, wire, session)
        self._path = session.path
        self._lock = threading.Lock()
        self._context: dict[str, Any] | None = None
        self._plant: Plant | None = None
        self.operations = {
            name: replace(operation, batch_size=BATCH, calls_at_once=1) for name, operation in self.operations.items()
        }

    # The wire

    def exchange(self, request: Request, known: Known, headers: Mapping[str, str], *, writes: bool) -> Reply:
        """One call; `params` of the declared request go into the context of this call."""
        told = {**known, "since": _since(known.get("since")), "today": typed(self._now().date())}
        context = {**self._user_context(headers), **fill(request.params, told)}
        params = [*fill(request.body or [], told), context]
        reply = call(self._wire, self._path, request.operation or "", params, headers, writes=writes)
        return replace(reply, body=plain(reply.body))

    def _user_context(self, headers: Mapping[str, str]) -> Mapping[str, Any]:
        """What the user is entitled to see, asked once."""
        with self._lock:
            if self._context is None:
                reply = call(
                    self._wire, self._path, "model.res.user.get_preferences", [True, {}], headers, writes=False
                )
                found = reply.body.get("result") if isinstance(reply.body, dict) else None
                if not isinstance(found, dict):
                    return {}  # the session has ended; the call itself will find out
                self._context = {name: found[name] for name in KEPT_CONTEXT if name in found}
            return self._context

    def _ask(self, method: str, params: list[Any]) -> Any:  # noqa: ANN401 - whatever the method gives
        body = self._asked(Request(operation=method, body=params), {}).body
        return body["result"]

    def _fixed_points(self) -> Plant:
        if self._plant is None:
            self._plant = read_plant(self._ask, self._ask("model.res.user.get_preferences", [True]))
        return self._plant

    # Reading

    def read(self, stream: str, since: str | None = None) -> Iterator[port.Page]:
        """Pages of a stream; a stream whose context asks for `{locations}` is read once for each warehouse."""
        declared = self.spec.streams.get(stream)
        if declared is None or "{locations}" not in declared.request.params.values():
            yield from super().read(stream, since)
            return
        for code, place in self._fixed_points().warehouses.items():
            there = {"locations": [place["storage_location"]]}

            def fetch(at: Place, there: Known = there) -> tuple[Any, Sequence[Any]]:
                known = {**there, "offset": at.offset, "limit": at.limit}
                body = self._asked(declared.request, known).body
                return body, self._records(declared.records, (), body)

            for records in pages(declared.paging, fetch, self.system):
                yield port.Page([{"warehouse": code, **record} for record in records], None)

    # Writing

    def write(self, requests: Sequence[port.StepRequest]) -> Sequence[Outcome]:
        """One outcome for each request, in order; neighbours of one kind go out together."""
        outcomes: list[Outcome] = []
        for (_, variant, step), same in groupby(requests, lambda one: (one.operation, one.variant, one.step)):
            group = list(same)
            if variant == "create" and step in ("create", "wait"):
                for at in range(0, len(group), BATCH):
                    outcomes += self._together(group[at : at + BATCH])
            else:
                outcomes += [self._carried_out(request) for request in group]
        return outcomes

    def _together(self, group: Sequence[port.StepRequest]) -> list[Outcome]:
        """One call for the group; where that is refused, nothing stands and each goes out alone."""
        try:
            merged, step = self._merged(group)
            reply, verdict = self._answered(step.request, merged, (), writes=True)
        except MillstreamError as error:
            return self._apart(group, error)
        if verdict.outcome != "applied":
            if verdict.outcome == "unknown":
                return [Outcome(OutcomeKind.UNKNOWN, message=str(verdict)) for _ in group]
            return [self._carried_out(request) for request in group]
        if group[0].step != "create":
            return [Outcome(OutcomeKind.APPLIED, self._noted(request, None)) for request in group]
        return self._confirmed(group, reply.body.get("result"))

    def _confirmed(self, group: Sequence[port.StepRequest], made: object) -> list[Outcome]:
        """Tryton answers with ids alone: a document counts when it is read back under our reference."""
        if not isinstance(made, list) or len(made) != len(group):
            return [Outcome(OutcomeKind.UNKNOWN, message="the reply names another number of documents") for _ in group]
        model, name = MODELS[group[0].operation], _reference_field(group[0])
        try:
            rows = {row["id"]: row for row in self._ask(f"model.{model}.read", [made, [name, "number"]])}
        except MillstreamError as error:
            return [Outcome(OutcomeKind.UNKNOWN, message=f"could not be read back: {error.message}") for _ in group]
        return [
            self._confirmation(request, native_id, rows.get(native_id, {}), name)
            for request, native_id in zip(group, made, strict=True)
        ]

    def _confirmation(self, request: port.StepRequest, native_id: object, row: Known, name: str) -> Outcome:
        if row.get(name) != request.reference:
            message = f"the reply speaks of {row.get(name)!r}, not of {request.reference!r}"
            return Outcome(OutcomeKind.UNKNOWN, message=message)
        receipt = replace(self._noted(request, text(native_id)), native_number=text(row.get("number")))
        return Outcome(OutcomeKind.APPLIED, replace(receipt, echoed_reference=request.reference))

    def _apart(self, group: Sequence[port.StepRequest], error: MillstreamError) -> list[Outcome]:
        """What became of a group whose call failed before an answer came."""
        if isinstance(error, TransientError):
            return [Outcome(OutcomeKind.RETRY, message=error.message, retry_after=error.retry_after) for _ in group]
        if isinstance(error, OutcomeUnknown):
            return [Outcome(OutcomeKind.UNKNOWN, message=error.message) for _ in group]
        return [self._carried_out(request) for request in group]

    def _merged(self, group: Sequence[port.StepRequest]) -> tuple[dict[str, Any], Step]:
        """The placeholders of one call for all: the payloads of a `create`, the records of a `wait`."""
        _, step = self._step(group[0])
        if group[0].step == "create":
            documents = Documents(self._ask, self._fixed_points())
            documents.fetch_products([code for request in group for code in _codes(request.payload)])
            payloads = [self._built(documents, request) for request in group]
            return {"payloads": payloads}, _listing(step, "{payload}", "{payloads}")
        records = [self._known(request)["record"] for request in group]
        return {"records": records}, _listing(step, "{record}", "{records}")

    def payload(self, step: Step, request: port.StepRequest, known: Known) -> dict[str, Any]:
        """Tryton's values for a step that writes a document; nothing for one that presses a button."""
        if request.step not in BUILT_STEPS:
            return {}
        values = {**self._built(Documents(self._ask, self._fixed_points()), request), **fill(step.fields, known)}
        return values if request.step == "create" else self._replacing(request, values)

    def _built(self, documents: Documents, request: port.StepRequest) -> dict[str, Any]:
        make = documents.production if MODELS[request.operation] == "production" else documents.requisition
        return make({**request.payload, _reference_field(request): request.reference})

    def _replacing(self, request: port.StepRequest, values: dict[str, Any]) -> dict[str, Any]:
        """The values with every present move or line deleted before the new ones are created."""
        model = MODELS[request.operation]
        (old,) = self._ask(f"model.{model}.read", [[self._known(request)["record"]], list(PARTS[model])])
        return {
            name: [["delete", old[name]], *value] if name in PARTS[model] else value for name, value in values.items()
        }

    def _known(self, request: port.StepRequest) -> dict[str, Any]:
        known = super()._known(request)
        record = int(known["native_id"]) if known["native_id"] else None
        version = request.existing.version if request.existing else None
        stamps = {f"{MODELS[request.operation]},{record}": version} if version and record else None
        return {**known, "record": record, "timestamps": stamps}

    def _carried_out(self, request: port.StepRequest) -> Outcome:
        """One step alone; a document that is already where the step leads stays untouched."""
        if request.step in GOAL and request.existing is not None:
            try:
                if done := self._there_already(request, request.existing):
                    return done
            except TransientError as error:
                return Outcome(OutcomeKind.RETRY, message=error.message, retry_after=error.retry_after)
            except MillstreamError as error:
                return Outcome(OutcomeKind.REJECTED, message=error.message)
        return super()._carried_out(request)

    def _there_already(self, request: port.StepRequest, existing: port.FoundDocument) -> Outcome | None:
        model = MODELS[request.operation]
        ask = [[["id", "=", int(existing.native_id)]], 0, None, None, ["state"]]
        found = self._ask(f"model.{model}.search_read", ask)
        if not found or look("state", found[0]) != GOAL[request.step]:
            return None
        return Outcome(OutcomeKind.UNCHANGED, self._noted(request, existing.native_id))

    def _noted(self, request: port.StepRequest, native_id: str | None) -> StepReceipt:
        return StepReceipt(request.step, native_id, None, None, self._now())

    # Looking up

    def look_up(self, operation: str, references: Sequence[str]) -> Mapping[str, Sequence[port.FoundDocument]]:
        """Documents by our reference, all of them in one call."""
        declared = self._operation(operation).look_up
        if declared is None or declared.request is None:
            return super().look_up(operation, references)
        ours: dict[str, list[dict[str, Any]]] = {reference: [] for reference in references}
        body = self._asked(declared.request, {"references": list(ours), "offset": 0}).body if ours else {"result": []}
        for record in self._records(declared.records, (), body):
            found = text(look(declared.reference, record))
            if found in ours:
                ours[found].append(record)
        return {reference: self._documents(declared, records) for reference, records in ours.items()}


def _since(mark: object) -> dict[str, Any]:
    """From when on to read: a while before the watermark, or from the beginning."""
    if not mark:
        return typed(DAWN)
    moment = datetime.fromisoformat(str(mark))
    return typed(moment.replace(tzinfo=moment.tzinfo or UTC) - OVERLAP)


def _codes(payload: Mapping[str, Any]) -> list[str]:
    """Every product a payload speaks of."""
    lines = payload.get("lines") or [payload]
    return [str(line["product"]) for line in lines if "product" in line]


def _reference_field(request: port.StepRequest) -> str:
    return "reference" if MODELS[request.operation] == "production" else "description"


def _listing(step: Step, one: str, many: str) -> Step:
    """The step with its list of one placeholder turned into a list of many."""
    body = [many if part == [one] else part for part in step.request.body]
    return step.model_copy(update={"request": step.request.model_copy(update={"body": body})})
