"""A connector built from its `system.yaml`: everything the protocols have in common.

A protocol (REST, SOAP, JSON-RPC) says only how one declared request is exchanged for a reply. Reading
page by page, sorting replies into outcomes, checking that a reply speaks of our document, and looking
documents up are the same for all of them.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from canonical.commands import DeliveryClass, Outcome, OutcomeKind, StepReceipt
from canonical.errors import (
    AuthenticationFailed,
    ConfigurationError,
    MillstreamError,
    OutcomeUnknown,
    RecordRejected,
    SchemaDrift,
    StreamHalted,
    SystemUnavailable,
    TransientError,
)
from connectors import port
from connectors.auth import Auth
from connectors.batches import Item, calls, chunks, joined, quoted
from connectors.paging import Place, pages
from connectors.sorting import Verdict, read_error, same, search, sort, speaking_of, text
from connectors.spec import Batch, Errors, LookUp, Operation, Request, Rule, Step, Stream, SystemSpec
from connectors.template import fill, look
from connectors.transport import Reply, Wire

Known = Mapping[str, Any]
_LOGINS: Final = 2
_WORTH_THREADS: Final = 2
_OPEN: Final = (OutcomeKind.UNKNOWN, OutcomeKind.RETRY)
_DONE: Final = (OutcomeKind.APPLIED, OutcomeKind.UNCHANGED)
_NOT_SHOWN: Final = "the target does not show what was written"
_ENDS: Final = (OutcomeUnknown, TransientError, StreamHalted, RecordRejected, ConfigurationError)


def _now() -> datetime:
    return datetime.now(UTC)


class DeclaredConnector(ABC):
    """Fulfils `port.Connector`. Safe to use from several threads."""

    def __init__(self, spec: SystemSpec, wire: Wire, auth: Auth, *, now: Callable[[], datetime] = _now) -> None:
        self.spec, self._wire, self._auth, self._now = spec.system, wire, auth, now
        self.system: str = self.spec.system
        self.role: str = self.spec.role
        self.streams: Mapping[str, port.StreamSpec] = {
            name: port.StreamSpec(name, stream.entity, stream.watermark is not None, stream.complete)
            for name, stream in self.spec.streams.items()
        }
        self.operations: Mapping[str, port.OperationSpec] = {
            name: _operation_spec(name, operation) for name, operation in self.spec.operations.items()
        }

    @abstractmethod
    def exchange(self, request: Request, known: Known, headers: Mapping[str, str], *, writes: bool) -> Reply:
        """Fill a declared request from `known` and carry it out once, with these authentication headers.

        Raises what `Wire.send` raises, and `RecordRejected` where the request cannot be filled.
        """

    def payload(self, step: Step, request: port.StepRequest, known: Known) -> dict[str, Any]:
        """The mapped payload as this step sends it."""
        kept = {name: value for name, value in request.payload.items() if not step.only or name in step.only}
        return {**kept, **fill(step.fields, known)}

    # Reading

    def read(self, stream: str, since: str | None = None) -> Iterator[port.Page]:
        """Pages of a stream, changed at or after `since`, inclusive; None: everything."""
        if stream not in self.spec.streams:
            raise ConfigurationError(f"{self.system} has no stream {stream!r}; known: {', '.join(self.spec.streams)}")
        declared = self.spec.streams[stream]

        def fetch(place: Place) -> tuple[Any, Sequence[Any]]:
            body = self._asked(declared.request, _reading(declared, since, place)).body
            return body, self._records(declared.records, declared.columns, body)

        for records in pages(declared.paging, fetch, self.system):
            yield self._page(declared, records)

    def _page(self, stream: Stream, records: Sequence[dict[str, Any]]) -> port.Page:
        mark = self._watermark(stream, records)
        if stream.explode:
            records = [line for record in records for line in self._exploded(stream.explode, record)]
        return port.Page(records, mark)

    def _records(self, path: str, columns: Sequence[str], body: object) -> list[dict[str, Any]]:
        found = search(path, body)
        if not isinstance(found, list):
            raise SchemaDrift(f"the reply holds no list at {path!r}", system=self.system)
        if columns:
            if any(not isinstance(row, list) or len(row) != len(columns) for row in found):
                raise SchemaDrift(f"a row has not the {len(columns)} declared columns", system=self.system)
            return [dict(zip(columns, row, strict=True)) for row in found]
        if not all(isinstance(record, dict) for record in found):
            raise SchemaDrift(f"a record at {path!r} is no object", system=self.system)
        return found

    def _exploded(self, path: str, record: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """`lines.line`: one record per line, with the head's fields and the line under `line`."""
        outer, _, inner = path.partition(".")
        head = {name: value for name, value in record.items() if name != outer}
        for line in look(path, record) or ():
            yield {**head, inner or outer: line}

    def _watermark(self, stream: Stream, records: Sequence[Mapping[str, Any]]) -> str | None:
        if stream.watermark is None:
            return None
        times = [str(value) for record in records if (value := look(stream.watermark.field, record)) is not None]
        try:
            return max(times, key=datetime.fromisoformat, default=None)
        except (ValueError, TypeError):
            raise SchemaDrift(f"{stream.watermark.field} holds something else than times", system=self.system) from None

    def _asked(self, request: Request, known: Known) -> Reply:
        """A read, repeated while the trouble may pass."""
        return self._wire.patiently(lambda: self._asked_once(request, known))

    def _asked_once(self, request: Request, known: Known) -> Reply:
        reply, verdict = self._answered(request, known, (), writes=False)
        if verdict.outcome != "applied":
            raise read_error(verdict, reply, self.system)
        return reply

    def _answered(
        self, request: Request, known: Known, rules: Sequence[Rule], *, writes: bool, errors: Errors | None = None
    ) -> tuple[Reply, Verdict]:
        """One exchange; when the session had ended, the request was surely not carried out and goes out once more."""
        for _ in range(_LOGINS):
            headers = self._auth.headers(str(known.get("path") or request.path))
            reply = self.exchange(request, known, headers, writes=writes)
            verdict = sort(reply, errors or self.spec.errors, rules)
            if verdict.outcome != "expired":
                return reply, verdict
            self._auth.expired(headers)
        raise AuthenticationFailed(str(verdict), system=self.system)

    # Writing

    def write(self, requests: Sequence[port.StepRequest]) -> Sequence[Outcome]:
        """Carry out one step for each request, many in one call where the step can; one outcome each, in order."""
        outcomes: dict[int, Outcome] = {}
        singly: list[int] = []
        for places in calls(requests, self._batch):
            if len(places) == 1:
                singly += places
            else:
                together = self._carried_out_together([requests[place] for place in places])
                outcomes.update(zip(places, together, strict=True))
        outcomes.update(zip(singly, self._one_by_one([requests[place] for place in singly]), strict=True))
        return [outcomes[place] for place in range(len(requests))]

    def _one_by_one(self, requests: Sequence[port.StepRequest]) -> Sequence[Outcome]:
        """Calls of their own; several at a time where each goes under a key, as many as the system bears."""
        at_once = min(len(requests), self.spec.limits.concurrency)
        if at_once < _WORTH_THREADS or not all(map(self._keyed, requests)):
            return [self._carried_out(request) for request in requests]
        with ThreadPoolExecutor(at_once, thread_name_prefix=f"write-{self.system}") as pool:
            return list(pool.map(self._carried_out, requests))

    def _keyed(self, request: port.StepRequest) -> bool:
        step = self._step_or_none(request)
        return step is not None and step.delivery is DeliveryClass.KEYED

    def _batch(self, request: port.StepRequest) -> Batch | None:
        step = self._step_or_none(request)
        return step.batch if step else None

    def _step_or_none(self, request: port.StepRequest) -> Step | None:
        operation = self.spec.operations.get(request.operation)
        return operation.steps.get(request.step) if operation else None

    def _carried_out(self, request: port.StepRequest) -> Outcome:
        try:
            operation, step = self._step(request)
            known = self._known(request)
            payload = self.payload(step, request, known)
            rules = speaking_of((*step.outcomes, *operation.outcomes), known)
            reply, verdict = self._answered(step.request, {**known, "payload": payload}, rules, writes=True)
        except _ENDS as error:
            return _ended(error)
        return self._outcome(step, request, payload, reply, verdict)

    # Many in one call

    def _carried_out_together(self, requests: Sequence[port.StepRequest]) -> list[Outcome]:
        """One call for requests of one step; what cannot even be put into words is refused before it."""
        outcomes: list[Outcome | None] = [None] * len(requests)
        items: dict[int, Item] = {}
        for place, request in enumerate(requests):
            try:
                items[place] = self._item(request)
            except (RecordRejected, ConfigurationError) as error:
                outcomes[place] = _ended(error)
        if len(items) > 1:
            sent = self._sent_together(list(items.values()))
        else:
            sent = [self._carried_out(item.request) for item in items.values()]
        for place, outcome in zip(items, sent, strict=True):
            outcomes[place] = outcome
        return [outcome for outcome in outcomes if outcome is not None]

    def _item(self, request: port.StepRequest) -> Item:
        operation, step = self._step(request)
        assert step.batch
        known = self._known(request)
        payload = self.payload(step, request, known)
        sent = {**payload, **fill(step.batch.fields, known)}
        rules = speaking_of((*step.outcomes, *operation.outcomes), known)
        return Item(request, payload, fill(step.batch.item, {**known, "payload": sent}), tuple(rules))

    def _sent_together(self, items: Sequence[Item]) -> list[Outcome]:
        _, step = self._step(items[0].request)
        batch = step.batch
        assert batch
        whole = self.spec.errors.model_copy(update={"failed": batch.refused})
        try:
            known = {"items": joined([item.sent for item in items], batch.joined_by)}
            reply, verdict = self._answered(batch.request, known, (), writes=True, errors=whole)
        except _ENDS as error:
            return [_ended(error)] * len(items)
        if verdict.outcome != "applied":
            kind = OutcomeKind.RETRY if verdict.outcome in ("retry", "expired") else OutcomeKind.UNKNOWN
            return [Outcome(kind, message=f"the batch: {verdict}", retry_after=reply.retry_after)] * len(items)
        replies = self.single_replies(batch, reply, [item.request for item in items])
        outcomes = [self._sorted(step, batch, item, said) for item, said in zip(items, replies, strict=True)]
        return self._read_back_together(items, outcomes) if step.read_back else _believed(outcomes)

    def single_replies(self, batch: Batch, reply: Reply, requests: Sequence[port.StepRequest]) -> Sequence[Reply | str]:
        """The reply to a batch as replies to each of its requests; why not, where it says nothing of one."""
        found = search(batch.results, reply.body)
        if not isinstance(found, list) or len(found) != len(requests):
            return ["the reply to the batch has not one result for each document"] * len(requests)
        return [replace(reply, body=result) for result in found]

    def _sorted(self, step: Step, batch: Batch, item: Item, said: Reply | str) -> Outcome:
        """One document's outcome from its part of the reply; the read-back follows for all at once."""
        if isinstance(said, str):
            return Outcome(OutcomeKind.UNKNOWN, message=said)
        errors = self.spec.errors
        if batch.errors is not None:
            errors = batch.errors.model_copy(update={"outcomes": (*batch.errors.outcomes, *errors.outcomes)})
        unread = step.model_copy(update={"read_back": False})
        return self._outcome(unread, item.request, item.payload, said, sort(said, errors, item.rules))

    def _read_back_together(self, items: Sequence[Item], outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Done only where the target shows what was sent, refused only where it does not.

        Results in order name no document: a reply that belongs to another batch must not decide anything.
        """
        asked = items[0].request.operation
        try:
            found = self.look_up(asked, [item.request.reference for item in items])
        except MillstreamError as error:
            doubt = Outcome(OutcomeKind.UNKNOWN, message=f"the write could not be read back: {error.message}")
            return [outcome if outcome.kind in _OPEN else doubt for outcome in outcomes]
        return [
            _against(outcome, shown=_shows(found[item.request.reference], item.payload))
            for item, outcome in zip(items, outcomes, strict=True)
        ]

    # One request

    def _step(self, request: port.StepRequest) -> tuple[Operation, Step]:
        operation = self._operation(request.operation)
        if request.step not in operation.variants.get(request.variant, ()):
            raise ConfigurationError(f"{request.operation} has no step {request.step!r} to {request.variant}")
        return operation, operation.steps[request.step]

    def _operation(self, name: str) -> Operation:
        if name not in self.spec.operations:
            raise ConfigurationError(
                f"{self.system} has no operation {name!r}; known: {', '.join(self.spec.operations)}"
            )
        return self.spec.operations[name]

    def _known(self, request: port.StepRequest) -> dict[str, Any]:
        newest: port.FoundDocument | StepReceipt | None = request.existing
        for receipt in request.receipts.values():
            newest = receipt if receipt.native_id else newest
        return {
            "reference": request.reference,
            "command_id": request.command_id,
            "idempotency_key": f"{request.idempotency_key or request.command_id}:{request.step}",
            "payload": request.payload,
            "receipts": request.receipts,
            "existing": request.existing,
            "native_id": newest.native_id if newest else None,
            "native_number": newest.native_number if newest else None,
        }

    def _outcome(
        self, step: Step, request: port.StepRequest, payload: dict[str, Any], reply: Reply, verdict: Verdict
    ) -> Outcome:
        if verdict.outcome not in ("applied", "unchanged"):
            return Outcome(_kind(verdict), message=str(verdict), retry_after=reply.retry_after)
        receipt = self._receipt(step, request, reply, refused=verdict.failed)
        if doubt := self._doubt(step, request, payload, reply, receipt, refused=verdict.failed):
            return Outcome(OutcomeKind.UNKNOWN, message=doubt)
        return Outcome(_kind(verdict), receipt=receipt, message=verdict.message)

    def _receipt(self, step: Step, request: port.StepRequest, reply: Reply, *, refused: bool) -> StepReceipt:
        """What the reply says; a refusal that means "done already" says little, so the ids known before stand."""
        where, body = step.reply, reply.body
        known = self._known(request) if refused else {}
        return StepReceipt(
            step=request.step,
            native_id=text(search(where.native_id, body)) or known.get("native_id"),
            native_number=text(search(where.native_number, body)) or known.get("native_number"),
            echoed_reference=text(search(where.reference, body)),
            received_at=self._now(),
            reply=body if isinstance(body, dict) else {},
        )

    def _doubt(
        self,
        step: Step,
        request: port.StepRequest,
        payload: dict[str, Any],
        reply: Reply,
        receipt: StepReceipt,
        *,
        refused: bool,
    ) -> str | None:
        """Why this reply may belong to another request, if it may. A refusal repeats only our reference."""
        if step.reply.reference is not None and receipt.echoed_reference != request.reference:
            return f"the reply speaks of {receipt.echoed_reference!r}, not of {request.reference!r}"
        if refused:
            return None
        known = {**self._known(request), "payload": payload}
        for path, sent in fill(step.reply.echo, known).items():
            if not same(sent, search(path, reply.body)):
                return f"the reply does not confirm {path}"
        return self._read_back(request, payload) if step.read_back else None

    def _read_back(self, request: port.StepRequest, payload: dict[str, Any]) -> str | None:
        try:
            found = self.look_up(request.operation, [request.reference])[request.reference]
        except MillstreamError as error:
            return f"the write could not be read back: {error.message}"
        return None if _shows(found, payload) else _NOT_SHOWN

    # Looking up

    def look_up(self, operation: str, references: Sequence[str]) -> Mapping[str, Sequence[port.FoundDocument]]:
        """Documents in the target by our reference; several for one reference are doubles."""
        declared = self._operation(operation).look_up
        if declared is None:
            raise ConfigurationError(f"{self.system}: {operation} has no look-up")
        try:
            return self._all_found(declared, references)
        except StreamHalted as error:  # a doubt stays a doubt while the target does not let us look
            raise SystemUnavailable(error.message, system=self.system, hint=error.hint) from error

    def _all_found(self, declared: LookUp, references: Sequence[str]) -> Mapping[str, Sequence[port.FoundDocument]]:
        if declared.request is None:
            return self._found_in_stream(declared, references)
        found: dict[str, list[port.FoundDocument]] = {}
        for chunk in chunks(references, declared.batch.size if declared.batch else 1):
            together = self._found_together(declared, chunk) if len(chunk) > 1 else None
            found |= together or {reference: self._found(declared, declared.request, reference) for reference in chunk}
        return found

    def _found_together(
        self, declared: LookUp, references: Sequence[str]
    ) -> dict[str, list[port.FoundDocument]] | None:
        """Documents of many references by one question; None where each has to be asked for alone."""
        clause = quoted(references)
        if declared.batch is None or clause is None:
            return None
        known = {"references_clause": clause, "columns": ",".join(declared.columns)}
        records = self._records(declared.records, declared.columns, self._asked(declared.batch.request, known).body)
        if len(records) >= declared.batch.limit:
            return None
        return self._by_reference(declared, references, records)

    def _by_reference(
        self, declared: LookUp, references: Sequence[str], records: Iterable[Mapping[str, Any]]
    ) -> dict[str, list[port.FoundDocument]]:
        ours: dict[str, list[dict[str, Any]]] = {reference: [] for reference in references}
        for record in records:
            reference = text(look(declared.reference, record))
            if reference in ours:
                ours[reference].append(dict(record))
        return {reference: self._documents(declared, rows) for reference, rows in ours.items()}

    def _found(self, declared: LookUp, request: Request, reference: str) -> list[port.FoundDocument]:
        known = {"reference": reference, "columns": ",".join(declared.columns)}
        records = self._records(declared.records, declared.columns, self._asked(request, known).body)
        ours = [record for record in records if text(look(declared.reference, record)) == reference]
        return self._documents(declared, ours)

    def _found_in_stream(self, declared: LookUp, references: Sequence[str]) -> dict[str, list[port.FoundDocument]]:
        records = (record for page in self.read(declared.stream or "") for record in page.records)
        return self._by_reference(declared, references, records)

    def _documents(self, declared: LookUp, records: Sequence[dict[str, Any]]) -> list[port.FoundDocument]:
        """One document for each native id; its entry rows, where there are several, stand under `rows`."""
        groups: dict[str, list[dict[str, Any]]] = {}
        for record in records:
            groups.setdefault(str(look(declared.native_id, record)), []).append(record)
        found = (self._document(declared, native_id, rows) for native_id, rows in groups.items())
        return [document for document in found if document]

    def _document(self, declared: LookUp, native_id: str, rows: list[dict[str, Any]]) -> port.FoundDocument | None:
        first = rows[0]
        document = port.FoundDocument(
            reference=str(look(declared.reference, first)),
            native_id=native_id,
            native_number=text(look(declared.native_number, first)) if declared.native_number else None,
            version=text(look(declared.version, first)) if declared.version else None,
            done_steps=tuple(name for name, when in declared.done_steps.items() if search(when, first)),
            content={**first, "rows": rows} if len(rows) > 1 else first,
        )
        return self._versioned(declared, document) if declared.version_request else document

    def _versioned(self, declared: LookUp, document: port.FoundDocument) -> port.FoundDocument:
        assert declared.version_request
        reply = self._asked(declared.version_request, {"native_id": document.native_id})
        content = reply.body if isinstance(reply.body, dict) else document.content
        return replace(document, version=reply.headers.get("ETag"), content=content)

    # Probing

    def probe(self, now: datetime) -> port.ProbeResult:
        """Reach, log in and read one page; each in milliseconds."""
        timings: dict[str, float] = {}
        try:
            with _timed(timings, "connect"):
                self._wire.connect()
            with _timed(timings, "log_in"):
                self._auth.headers("/")
            with _timed(timings, "read"):
                stream = next(iter(self.spec.streams.values()))
                paging = Place(limit=getattr(stream.paging, "limit", None))
                reply = self._asked_once(stream.request, _reading(stream, None, paging))
        except MillstreamError as error:
            return port.ProbeResult(self.system, "connect" in timings, timings, message=error.message)
        return port.ProbeResult(self.system, reachable=True, timings=timings, clock_skew_seconds=_skew(reply, now))

    def close(self) -> None:
        """Give connections back."""
        self._wire.close()


class _timed:  # noqa: N801 - reads as a word of the language
    """Notes how long a block took, in milliseconds, when it went well."""

    def __init__(self, timings: dict[str, float], name: str) -> None:
        self._timings, self._name = timings, name

    def __enter__(self) -> None:
        self._began = time.perf_counter()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._timings[self._name] = round((time.perf_counter() - self._began) * 1000, 1)


def _operation_spec(name: str, operation: Operation) -> port.OperationSpec:
    can_look_up = operation.look_up is not None
    variants = {
        variant: tuple(port.StepSpec(step, operation.steps[step].delivery, can_look_up) for step in steps)
        for variant, steps in operation.variants.items()
    }
    size = max((step.batch.size for step in operation.steps.values() if step.batch), default=1)
    return port.OperationSpec(name, operation.entity, variants, operation.settle_seconds, size)


def _reading(stream: Stream, since: str | None, place: Place) -> dict[str, Any]:
    """What the templates of a stream's request may ask for."""
    clause = stream.watermark.clause if stream.watermark else None
    return {
        "since": since,
        "since_clause": fill(clause, {"since": since}) if clause and since else "",
        "columns": ",".join(stream.columns),
        "cursor": place.cursor,
        "path": place.path,
        "offset": place.offset,
        "limit": place.limit,
    }


def _ended(error: MillstreamError) -> Outcome:
    """What an error on the way to a reply means."""
    if isinstance(error, OutcomeUnknown):
        return Outcome(OutcomeKind.UNKNOWN, message=error.message)
    if isinstance(error, TransientError):
        return Outcome(OutcomeKind.RETRY, message=error.message, retry_after=error.retry_after)
    if isinstance(error, StreamHalted):  # refused credentials: nothing was carried out
        return Outcome(OutcomeKind.RETRY, message=error.message)
    return Outcome(OutcomeKind.REJECTED, message=error.message)


def _believed(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """A refusal names no reference of ours: it counts where all the reply says is done is beyond doubt ours."""
    ours = any(outcome.kind in _DONE for outcome in outcomes)
    doubtful = any(outcome.kind is OutcomeKind.UNKNOWN for outcome in outcomes)
    if ours and not doubtful:
        return list(outcomes)
    return [
        outcome
        if outcome.kind in (*_DONE, OutcomeKind.UNKNOWN)
        else Outcome(OutcomeKind.UNKNOWN, message=f"perhaps another batch's: {outcome.message}")
        for outcome in outcomes
    ]


def _shows(found: Sequence[port.FoundDocument], payload: Mapping[str, Any]) -> bool:
    return any(all(same(value, document.content.get(name)) for name, value in payload.items()) for document in found)


def _against(outcome: Outcome, *, shown: bool) -> Outcome:
    if outcome.kind in _DONE and not shown:
        return Outcome(OutcomeKind.UNKNOWN, message=_NOT_SHOWN)
    if outcome.kind not in (*_DONE, *_OPEN) and shown:
        return Outcome(OutcomeKind.UNKNOWN, message=f"refused, yet the target shows it: {outcome.message}")
    return outcome


def _kind(verdict: Verdict) -> OutcomeKind:
    return OutcomeKind.RETRY if verdict.outcome == "expired" else OutcomeKind(verdict.outcome)


def _skew(reply: Reply, now: datetime) -> float | None:
    """Seconds their clock is ahead of `now`, by the reply's Date."""
    try:
        return (parsedate_to_datetime(reply.headers["Date"]) - now).total_seconds()
    except (KeyError, TypeError, ValueError):
        return None
