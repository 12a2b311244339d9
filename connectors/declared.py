"""A connector built from its `system.yaml`: everything the protocols have in common.

A protocol (REST, SOAP, JSON-RPC) says only how one declared request is exchanged for a reply. Sorting
replies into outcomes and checking that a reply speaks of our document are the same for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Final

from canonical.commands import DeliveryClass, Outcome, OutcomeKind, StepReceipt
from canonical.errors import (
    ConfigurationError,
    MillstreamError,
    OutcomeUnknown,
    RecordRejected,
    StreamHalted,
    TransientError,
)
from connectors import port
from connectors.auth import Auth
from connectors.batches import Item, calls, joined
from connectors.reading import DeclaredReader, Known
from connectors.sorting import Verdict, same, search, sort, speaking_of, text
from connectors.spec import Batch, Errors, Operation, Step, SystemSpec
from connectors.template import fill
from connectors.transport import Reply, Wire

_WORTH_THREADS: Final = 2
_OPEN: Final = (OutcomeKind.UNKNOWN, OutcomeKind.RETRY)
_DONE: Final = (OutcomeKind.APPLIED, OutcomeKind.UNCHANGED)
_NOT_SHOWN: Final = "the target does not show what was written"
_ENDS: Final = (OutcomeUnknown, TransientError, StreamHalted, RecordRejected, ConfigurationError)


class DeclaredConnector(DeclaredReader):
    """Fulfils `port.Connector`. Safe to use from several threads."""

    def __init__(self, spec: SystemSpec, wire: Wire, auth: Auth, **how: Any) -> None:  # noqa: ANN401 - as the reader takes it
        super().__init__(spec, wire, auth, **how)
        at_once = self.spec.limits.concurrency
        self._writers = ThreadPoolExecutor(at_once, thread_name_prefix=f"write-{self.system}")
        self.operations = {name: replace(spec, calls_at_once=at_once) for name, spec in self.operations.items()}

    def close(self) -> None:
        """Give connections and threads back."""
        self._writers.shutdown()
        super().close()

    def payload(self, step: Step, request: port.StepRequest, known: Known) -> dict[str, Any]:
        """The mapped payload as this step sends it."""
        kept = {name: value for name, value in request.payload.items() if not step.only or name in step.only}
        return {**kept, **fill(step.fields, known)}

    # Writing

    def write(self, requests: Sequence[port.StepRequest]) -> Sequence[Outcome]:
        """Carry out one step for each request, many in one call where the step can; one outcome each, in order."""
        lanes = self._lanes(requests)
        if self.spec.limits.concurrency < _WORTH_THREADS:
            carried = [self._carried_in(lane, requests) for lane in lanes]
        else:  # the first in this thread: most often there is no other
            others = [self._writers.submit(self._carried_in, lane, requests) for lane in lanes[1:]]
            carried = [self._carried_in(lane, requests) for lane in lanes[:1]] + [one.result() for one in others]
        outcomes = {place: outcome for lane in carried for place, outcome in lane.items()}
        return [outcomes[place] for place in range(len(requests))]

    def _lanes(self, requests: Sequence[port.StepRequest]) -> list[list[list[int]]]:
        """Places of the requests, by call, by calls that go one after the other; each that goes under a key by itself.

        Different steps have nothing to do with each other: each goes out at once.
        """
        lanes: dict[object, list[list[int]]] = {}
        for number, places in enumerate(calls(requests, self._batch)):
            one = requests[places[0]]
            lane = number if self._keyed(one) else (one.operation, one.variant, one.step)
            lanes.setdefault(lane, []).append(places)
        return list(lanes.values())

    def _carried_in(self, lane: Sequence[Sequence[int]], requests: Sequence[port.StepRequest]) -> dict[int, Outcome]:
        """Place → outcome, of calls that go one after the other."""
        found: dict[int, Outcome] = {}
        for places in lane:
            asked = [requests[place] for place in places]
            together = len(asked) > 1
            outcomes = self._carried_out_together(asked) if together else [self._carried_out(asked[0])]
            found.update(zip(places, outcomes, strict=True))
        return found

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
        errors = self.spec.errors
        if batch.errors is not None:
            errors = batch.errors.model_copy(update={"outcomes": (*batch.errors.outcomes, *errors.outcomes)})
        unread = step.model_copy(update={"read_back": False})  # all are read back together
        outcomes = [self._sorted(unread, errors, item, said) for item, said in zip(items, replies, strict=True)]
        return self._read_back_together(items, outcomes) if step.read_back else _believed(outcomes)

    def single_replies(self, batch: Batch, reply: Reply, requests: Sequence[port.StepRequest]) -> Sequence[Reply | str]:
        """The reply to a batch as replies to each of its requests; why not, where it says nothing of one."""
        found = search(batch.results, reply.body)
        if not isinstance(found, list) or len(found) != len(requests):
            return ["the reply to the batch has not one result for each document"] * len(requests)
        return [replace(reply, body=result) for result in found]

    def _sorted(self, step: Step, errors: Errors, item: Item, said: Reply | str) -> Outcome:
        """One document's outcome from its part of the reply."""
        if isinstance(said, str):
            return Outcome(OutcomeKind.UNKNOWN, message=said)
        return self._outcome(step, item.request, item.payload, said, sort(said, errors, item.rules))

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
