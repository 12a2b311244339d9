"""How a declared system is read: streams page by page, documents by our reference, and whether it answers.

A protocol says only how one declared request is exchanged for a reply; what a reply means is the same for all.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from canonical.errors import (
    AuthenticationFailed,
    ConfigurationError,
    MillstreamError,
    SchemaDrift,
    StreamHalted,
    SystemUnavailable,
)
from connectors import port
from connectors.auth import Auth
from connectors.batches import chunks, quoted
from connectors.moments import moment
from connectors.paging import Place, first, pages
from connectors.sorting import Verdict, read_error, search, sort, text
from connectors.spec import Brings, Errors, LookUp, Operation, Request, Rule, Stream, SystemSpec, credentials
from connectors.template import fill, look
from connectors.transport import Reply, Wire

Known = Mapping[str, Any]
_LOGINS: Final = 2
FETCHED_AT_ONCE: Final = 100
ALL_AT_ONCE: Final = 10_000
"""A list that is read through answers for every reference."""
SETTLED: Final = timedelta(seconds=1)
"""A system says the time in whole seconds, and a change may bear a time shortly before it can be read."""
CLOCKS_APART: Final = timedelta(minutes=5)
"""How far the clock of a system that does not say the time may be from ours."""

_FOR_EVER: Final = datetime.max.replace(tzinfo=UTC)


def _now() -> datetime:
    return datetime.now(UTC)


class DeclaredReader(ABC):
    """The reading half of `port.Connector`. Safe to use from several threads."""

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

    # Reading

    def read(self, stream: str, since: str | None = None) -> Iterator[port.Page]:
        """Pages of a stream, changed at or after `since`, inclusive; None: everything.

        What changes while the pages are read may be missing from them, on a page that was read already; so no
        watermark goes beyond the moment the first page was asked for, by the system's own clock.
        """
        if stream not in self.spec.streams:
            raise ConfigurationError(f"{self.system} has no stream {stream!r}; known: {', '.join(self.spec.streams)}")
        declared = self.spec.streams[stream]

        asked: list[datetime] = []

        def fetch(place: Place) -> tuple[Any, Sequence[Any]]:
            now, began = self._now(), time.monotonic()
            reply = self._asked(declared.request, _reading(declared, since, place))
            if not asked:
                asked.append(_asked_at(reply, now, time.monotonic() - began))
            return reply.body, self._records(declared.records, declared.columns, reply.body)

        for records in pages(declared.paging, fetch, self.system):
            yield self._page(declared, records, until=asked[0])

    def brought(self, payload: object) -> Mapping[str, Sequence[port.Record]]:
        """Stream → the records an event holds or names."""
        found: dict[str, list[port.Record]] = {}
        for one in self.spec.webhook.brings if self.spec.webhook else ():
            if all(text(search(path, payload)) in values for path, values in one.where.items()):
                held = search(one.records, payload)
                held = held if isinstance(held, list) else [] if held is None else [held]
                found.setdefault(one.stream, []).extend(self._whole(one, held))
        return {stream: records for stream, records in found.items() if records}

    def _whole(self, brought: Brings, held: Sequence[Any]) -> Iterator[port.Record]:
        """Records as the stream gives them; keys are asked for."""
        stream = self.spec.streams[brought.stream]
        if brought.fetch is not None:
            yield from self._fetched(stream, brought.fetch, [str(key) for key in held])
        elif all(isinstance(record, dict) for record in held):
            yield from self._page(stream, held).records
        else:
            raise SchemaDrift(f"an event holds no records at {brought.records!r}", system=self.system)

    def _fetched(self, stream: Stream, request: Request, keys: Sequence[str]) -> Iterator[port.Record]:
        for chunk in chunks(keys, FETCHED_AT_ONCE if "{keys_clause}" in request.model_dump_json() else 1):
            clause = quoted(chunk)
            if clause is None:
                raise SchemaDrift("an event names a key no query can hold", system=self.system)
            known = {"key": chunk[0], "keys_clause": clause, "columns": ",".join(stream.columns)}
            body = self._asked(request, known).body
            yield from self._page(stream, self._records(stream.records, stream.columns, body)).records

    def _page(self, stream: Stream, records: Sequence[dict[str, Any]], until: datetime = _FOR_EVER) -> port.Page:
        mark = self._watermark(stream, records, until)
        if stream.explode:
            records = [line for record in records for line in self._exploded(stream.explode, record)]
        return port.Page(records, mark)

    def _records(self, path: str, columns: Sequence[str], body: object) -> list[dict[str, Any]]:
        found = search(path, body)
        if not isinstance(found, list):
            hint = f"it holds {', '.join(map(str, body))}" if isinstance(body, dict) else None
            raise SchemaDrift(f"the reply holds no list at {path!r}", system=self.system, hint=hint)
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
        lines = look(path, record)
        if not isinstance(lines, list | None):
            raise SchemaDrift(f"a record holds no list at {path!r}", system=self.system)
        for line in lines or ():
            yield {**head, inner or outer: line}

    def _watermark(self, stream: Stream, records: Sequence[Mapping[str, Any]], until: datetime) -> str | None:
        """The newest change among some records that is not after `until`, in the system's own writing."""
        if stream.watermark is None:
            return None
        times = {str(value) for record in records if (value := look(stream.watermark.field, record)) is not None}
        zone = ZoneInfo(self.spec.timezone)
        try:
            moments = {said: moment(said, zone, stream.watermark.format) for said in times}
        except (ValueError, OverflowError):
            raise SchemaDrift(
                f"{stream.watermark.field} holds something else than times", system=self.system,
                hint=f"found {min(times)[:40]!r}; watermark.format says how it is written",
            ) from None  # fmt: skip
        return max((said for said, at in moments.items() if at <= until), key=moments.__getitem__, default=None)

    def _asked(self, request: Request, known: Known) -> Reply:
        """A read, repeated while the trouble may pass."""
        return self._wire.patiently(lambda: self._asked_once(request, known))

    def _asked_once(self, request: Request, known: Known) -> Reply:
        try:
            reply, verdict = self._answered(request, known, (), writes=False)
            if verdict.outcome != "applied":
                raise read_error(verdict, reply, self.system)
        except AuthenticationFailed as error:
            error.hint = error.hint or self._our_part()
            raise
        return reply

    def _our_part(self) -> str:
        """Where a refused log-in may be put right."""
        return f"look at {', '.join(credentials(self.spec.auth))}"

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

    def _operation(self, name: str) -> Operation:
        if name not in self.spec.operations:
            raise ConfigurationError(
                f"{self.system} has no operation {name!r}; known: {', '.join(self.spec.operations)}"
            )
        return self.spec.operations[name]

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
                reply = self._asked_once(stream.request, _reading(stream, None, first(stream.paging)))
                self._records(stream.records, stream.columns, reply.body)
        except MillstreamError as error:
            hint = error.hint or self._probed_part(error, reached="connect" in timings)
            message = f"{error.message} ({hint})" if hint else error.message
            return port.ProbeResult(self.system, "connect" in timings, timings, message=message)
        return port.ProbeResult(self.system, reachable=True, timings=timings, clock_skew_seconds=_skew(reply, now))

    def _probed_part(self, error: MillstreamError, *, reached: bool) -> str | None:
        """What of ours to look at, where a probe failed and nothing else says."""
        if not reached:
            return f"look at {self.spec.base_url.env}"
        return self._our_part() if isinstance(error, AuthenticationFailed) else None

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
    shown = operation.look_up.done_steps if operation.look_up else {}
    variants = {
        variant: tuple(
            port.StepSpec(step, operation.steps[step].delivery, can_look_up, step in shown) for step in steps
        )
        for variant, steps in operation.variants.items()
    }
    size = max((step.batch.size for step in operation.steps.values() if step.batch), default=1)
    look_up = operation.look_up
    together = ALL_AT_ONCE if look_up and look_up.stream else look_up.batch.size if look_up and look_up.batch else 1
    return port.OperationSpec(name, operation.entity, variants, operation.settle_seconds, size, together)


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
        "page": place.page,
        "limit": place.limit,
    }


def _asked_at(reply: Reply, now: datetime, seconds: float) -> datetime:
    """When something was asked for, at the latest: by the clock of the system that took so long to answer."""
    skew = _skew(reply, now)
    return now - CLOCKS_APART if skew is None else now + timedelta(seconds=skew - seconds) - SETTLED


def _skew(reply: Reply, now: datetime) -> float | None:
    """Seconds their clock is ahead of `now`, by the reply's Date."""
    try:
        return (parsedate_to_datetime(reply.headers["Date"]) - now).total_seconds()
    except (KeyError, TypeError, ValueError):
        return None
