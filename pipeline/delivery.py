"""One claimed command on its way: what to do next, and what an outcome means.

This is the whole of the promise (docs/adr: delivery classes). The intent of a step is durable before the
step is sent. An unknown outcome is never sent again blindly: a keyed step (class A) is repeated under its
key, a step that can be looked up (B) is looked up, given time to settle, and looked up again, a blind one
(C) is parked for a person.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from canonical.commands import Command, DeliveryClass, Outcome, OutcomeKind, State, StepReceipt
from canonical.errors import (
    CommandUndeliverable,
    ConfigurationError,
    CrosswalkPending,
    MillstreamError,
    RecordRejected,
    TransientError,
)
from connectors.port import Connector, FoundDocument, OperationSpec, StepRequest, StepSpec, Variant
from pipeline.outbound import Lookups, build_payload
from store import deliveries, documents
from store.deliveries import ClaimedCommand, Deferral
from store.documents import Document
from store.step_records import Attempts
from store.unit_of_work import Transaction

MAX_ATTEMPTS = 100
"""An hour and a half of a target that fails, or of workers that die: longer than most maintenance."""
AWAITING_SECONDS = 2.0
"""Another process may make the document; one that this process makes wakes who waits for it at once."""
ALONE_AFTER = 3
"""A command still in doubt after so many attempts goes out alone: refusals of a batch do not always say whose."""
FAILURES_RUNNING = 2
RENEWED_AFTER = 8
"""Leases run anew after so many questions."""
BACKOFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


@dataclass(frozen=True, slots=True)
class Deferred:
    """Not now: try again later."""

    state: State
    seconds: float
    reason: str
    missing: str | None = None
    """The document `system/entity/key` it waits for."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of a delivery."""

    state: State
    reason: str | None = None


Ending = Deferred | Finished
Found = Mapping[tuple[str, str], "Sequence[FoundDocument] | MillstreamError"]
"""(operation, reference) → the documents in the target, or why it could not say."""


@dataclass(slots=True)
class Journey:
    """A claimed command and what has been found out about it in this attempt."""

    claimed: ClaimedCommand
    spec: OperationSpec
    variant: Variant
    payload: Mapping[str, Any] = field(default_factory=dict)
    existing: FoundDocument | None = None
    receipts: dict[str, StepReceipt] = field(default_factory=dict)
    changed: bool = False
    ending: Ending | None = None

    @property
    def steps(self) -> tuple[StepSpec, ...]:
        """The steps of the chosen variant."""
        return self.spec.variants[self.variant]

    @property
    def next_step(self) -> StepSpec | None:
        """The first step without a receipt."""
        return next((step for step in self.steps if step.name not in self.receipts), None)

    @property
    def alone(self) -> bool:
        """Whether its answer has to be beyond doubt its own."""
        return self.claimed.in_doubt and self.claimed.attempts > ALONE_AFTER

    def request(self, step: StepSpec) -> StepRequest:
        """What the connector needs to carry out one step."""
        command = self.claimed.command
        return StepRequest(
            command_id=command.id,
            operation=command.kind,
            variant=self.variant,
            step=step.name,
            reference=command.business_key,
            payload=self.payload,
            receipts=self.receipts,
            existing=self.existing,
            idempotency_key=command.id,
            alone=self.alone,
        )


def set_out(connector: Connector, claimed: ClaimedCommand, standing: Document | None) -> Journey:
    """Choose the variant: a document that stands is changed or cancelled, one that does not is created."""
    command = claimed.command
    if command.kind not in connector.operations:
        raise ConfigurationError(f"{command.system} has no operation {command.kind!r}")
    spec = connector.operations[command.kind]
    creates = standing is None or _begun(claimed, spec, standing)
    variant: Variant = "create" if creates and not _taken_over(claimed, spec) else "change"
    if command.cancelled:
        variant = "cancel"
    journey = Journey(claimed, spec, variant, receipts=dict(claimed.receipts))
    if command.cancelled and standing is None and not _left_behind(claimed, spec):
        journey.ending = Finished(State.UNCHANGED, "never stood in the target")
    elif variant not in spec.variants:
        journey.ending = Finished(State.REJECTED, f"{command.kind} cannot {variant} a document")
    elif variant == "create" and standing is None and claimed.half_made and not _can_take_over(journey):
        journey.ending = Finished(State.PARKED, "an earlier revision was begun and given up; nobody can look it up")
    return journey


def _left_behind(claimed: ClaimedCommand, spec: OperationSpec) -> bool:
    """Whether there may be something to cancel though no document is known."""
    can_look_up = any(step.can_look_up for step in spec.variants.get("cancel", ()))
    return bool(claimed.steps) or claimed.half_made or (claimed.sent_before and can_look_up)


def _begun(claimed: ClaimedCommand, spec: OperationSpec, standing: Document) -> bool:
    """Whether the document is this command's own, half made: pulled after it was sent, before it was finished."""
    first = spec.variants["create"][0].name
    return any(
        record.step == first and record.state != "void" and record.sent_at < standing.applied_at
        for record in claimed.steps
    )


def _taken_over(claimed: ClaimedCommand, spec: OperationSpec) -> bool:
    """Whether an earlier attempt found the document standing and went on to change it."""
    created = {step.name for step in spec.variants["create"]}
    changed = {step.name for step in spec.variants.get("change", ())}
    return any(record.step in changed - created for record in claimed.steps)


Draft = Mapping[str, Any] | MillstreamError
"""The payload of a command, or why there is none."""


def draft(command: Command, lookups: Lookups) -> Draft:
    """The payload, once what the command waits for stands; nothing is written, so it may be made before the claim."""
    try:
        if not command.cancelled and (missing := [named for named in command.after if not lookups.stands(named)]):
            system, entity, key = missing[0].split("/", 2)
            return CrosswalkPending(f"waits for {missing[0]}", system=system, entity=entity, key=key)
        return build_payload(lookups, command)
    except MillstreamError as error:
        return error


def prepare(journey: Journey, drafted: Draft) -> None:
    """The payload; sets the ending where there is nothing to send."""
    if isinstance(drafted, MillstreamError):
        journey.ending = _hindered(journey, drafted)
    else:
        journey.payload = drafted


def look_up_together(
    connector: Connector, journeys: Iterable[Journey], after_part: Callable[[], None] = lambda: None
) -> Found:
    """Ask for the documents of all journeys that have to know theirs, part by part; a slow target takes its time."""
    wanted: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
    for journey in journeys:
        if journey.ending is None and has_to_look(journey):
            wanted[journey.claimed.command.kind, journey.spec.look_up_size].append(journey.claimed.command.business_key)
    found: dict[tuple[str, str], Sequence[FoundDocument] | MillstreamError] = {}
    for (kind, size), keys in wanted.items():
        found |= {(kind, key): answer for key, answer in _in_parts(connector, kind, keys, size, after_part).items()}
    return found


def _in_parts(
    connector: Connector, kind: str, keys: Sequence[str], size: int, after_part: Callable[[], None]
) -> Mapping[str, Sequence[FoundDocument] | MillstreamError]:
    """Question after question, each with its own answers; a system that fails twice running is asked no more."""
    found: dict[str, Sequence[FoundDocument] | MillstreamError] = {}
    failed = 0
    for at in range(0, len(keys), size):
        part = keys[at : at + size]
        answers = _looked_up(connector, kind, part)
        found |= answers
        if (at // size) % RENEWED_AFTER == 0:
            after_part()
        error = next((one for one in answers.values() if isinstance(one, TransientError)), None)
        failed = failed + 1 if error else 0
        if error is not None and failed == FAILURES_RUNNING:
            return found | dict.fromkeys(keys[at + size :], error)
    return found


def _looked_up(
    connector: Connector, kind: str, keys: Sequence[str]
) -> Mapping[str, Sequence[FoundDocument] | MillstreamError]:
    try:
        return connector.look_up(kind, keys)
    except TransientError as error:
        return dict.fromkeys(keys, error)
    except MillstreamError as error:
        if len(keys) == 1:
            return {keys[0]: error}
    return {key: answer for one in keys for key, answer in _looked_up(connector, kind, [one]).items()}


def has_to_look(journey: Journey) -> bool:
    """Whether the target has to be asked about the document before anything is sent."""
    if journey.claimed.in_doubt:
        step = _doubtful(journey)
        return step.delivery_class is not DeliveryClass.BLIND and (step.can_look_up or _needs_existing(journey))
    return _needs_existing(journey) or _may_stand(journey)


def heed_found(journey: Journey, found: Found, now: datetime) -> None:
    """What the look-up means: the answer to a doubt, the document to change, or one that is taken over."""
    try:
        if journey.claimed.in_doubt:
            _answer_doubt(journey, found, now)
        elif _needs_existing(journey):
            _fetch_existing(journey, found)
        elif _may_stand(journey):
            _take_over(journey, found)
        _open_again(journey)
    except MillstreamError as error:
        journey.ending = _hindered(journey, error)


def _hindered(journey: Journey, error: MillstreamError) -> Ending:
    if isinstance(error, CrosswalkPending):
        missing = f"{error.system}/{error.entity}/{error.key}"
        return Deferred(State.AWAITING, AWAITING_SECONDS, str(error), missing)
    if isinstance(error, TransientError):
        return _later(journey, State.PENDING, str(error), error.retry_after)
    if isinstance(error, RecordRejected | CommandUndeliverable | ConfigurationError):
        return Finished(State.PARKED, str(error))
    return _later(journey, State.PENDING, str(error), None)


def _may_stand(journey: Journey) -> bool:
    """Whether the document to create may stand already.

    An attempt was sent back, perhaps for that very reason; or an earlier revision was, perhaps half way.
    """
    claimed = journey.claimed
    sent_back = any(record.state == "void" for record in claimed.steps)
    return _can_take_over(journey) and not claimed.receipts and (sent_back or claimed.sent_before)


def _can_take_over(journey: Journey) -> bool:
    """Whether a document that stands already can be found, and changed into what is wanted."""
    return journey.variant == "create" and "change" in journey.spec.variants and journey.steps[0].can_look_up


def _take_over(journey: Journey, found: Found) -> None:
    """A document that carries our reference is ours: it is changed into what is wanted."""
    if documents_found := _found_for(journey, found):
        journey.variant, journey.existing = "change", documents_found[0]


def _found_for(journey: Journey, found: Found) -> Sequence[FoundDocument]:
    command = journey.claimed.command
    answer = found[command.kind, command.business_key]
    if isinstance(answer, MillstreamError):
        raise answer
    return answer


def _needs_existing(journey: Journey) -> bool:
    """A change or cancellation needs the document's id and version, unless it is the same upsert as a creation."""
    variants = journey.spec.variants
    if not any(step.can_look_up for step in journey.steps):
        return False
    return journey.variant != "create" and variants[journey.variant] != variants.get("create")


def _fetch_existing(journey: Journey, found: Found) -> None:
    if standing := _found_for(journey, found):
        journey.existing = standing[0]
    elif journey.variant == "cancel":
        journey.ending = Finished(State.UNCHANGED, "no longer stands in the target")
    else:
        journey.ending = Finished(State.PARKED, "the document to change no longer stands in the target")


def _answer_doubt(journey: Journey, found: Found, now: datetime) -> None:
    """A former attempt may have been carried out."""
    step = _doubtful(journey)
    if step.delivery_class is DeliveryClass.BLIND:
        journey.ending = Finished(State.PARKED, f"{step.name} was sent and never answered; nobody can look it up")
        return
    if step.can_look_up:
        _look(journey, found, step, now)
    elif _needs_existing(journey):
        _fetch_existing(journey, found)


def _doubtful(journey: Journey) -> StepSpec:
    unanswered = {record.step for record in journey.claimed.steps if record.state == "intent"}
    return next((step for step in journey.steps if step.name in unanswered), journey.steps[0])


def _look(journey: Journey, found: Found, step: StepSpec, now: datetime) -> None:
    if standing := _found_for(journey, found):
        journey.existing = standing[0]
        if step.name in standing[0].done_steps and _tells(journey, step):
            journey.receipts |= {
                name: _receipt(name, standing[0], now) for name in _shown_done(journey, step, standing[0])
            }
            return
    if step.delivery_class is DeliveryClass.LOOKED_UP and not _settled(journey):
        journey.ending = Deferred(State.IN_DOUBT, journey.spec.settle_seconds, f"{step.name}: not there yet, settling")


def _shown_done(journey: Journey, step: StepSpec, found: FoundDocument) -> list[str]:
    """The doubtful step; of a creation all that the document's state shows, whoever carried them out."""
    if journey.variant != "create":
        return [step.name]
    return [one.name for one in journey.steps if one.name in found.done_steps and one.name not in journey.receipts]


def _tells(journey: Journey, step: StepSpec) -> bool:
    """Whether a document that shows a doubtful step done tells that nothing of it is to come or to be done again.

    Writing the same content onto a document that stands has no further effect, and none can see whose content it is.
    What opens a document that was open before may yet come, and open it after it was written.
    """
    if step in _opening(journey):
        return _settled(journey)
    return journey.variant != "change" or step.name != _writing(journey)


def _writing(journey: Journey) -> str:
    return journey.spec.variants["create"][0].name


def _opening(journey: Journey) -> tuple[StepSpec, ...]:
    """The steps of a change that open the document, so that its content can be written."""
    names = [step.name for step in journey.steps]
    if journey.variant != "change" or _writing(journey) not in names:
        return ()
    return journey.steps[: names.index(_writing(journey))]


def _open_again(journey: Journey) -> None:
    """Forget what opened the document, where it is closed and its content not written yet, or perhaps not.

    A person closed it meanwhile, or a step that writes and closes in one was carried out and never answered.
    """
    if journey.existing is None or _writing(journey) in journey.receipts:
        return
    for step in _opening(journey):
        if step.shows and step.name not in journey.existing.done_steps:
            journey.receipts.pop(step.name, None)


def _settled(journey: Journey) -> bool:
    """Whether the target had time to finish what it may have begun, and was to be left alone until it had.

    A pause that ended sooner, after a look-up that failed, does not count.
    """
    sent = max((record.sent_at for record in journey.claimed.steps if record.state == "intent"), default=None)
    waited = journey.claimed.not_before
    settling = timedelta(seconds=journey.spec.settle_seconds)
    return sent is not None and waited is not None and waited >= sent + settling


def _receipt(step: str, found: FoundDocument, now: datetime) -> StepReceipt:
    return StepReceipt(step, found.native_id, found.native_number, found.reference, now, {"looked_up": True})


def heed(journey: Journey, step: StepSpec, outcome: Outcome) -> None:
    """What an outcome means for the journey: the receipt of the step, or an ending."""
    if outcome.kind in {OutcomeKind.APPLIED, OutcomeKind.UNCHANGED} and outcome.receipt is not None:
        journey.receipts[step.name] = outcome.receipt
        journey.changed |= outcome.kind is OutcomeKind.APPLIED
        return
    message = f"{step.name}: {outcome.message or outcome.kind.value}"
    if outcome.kind is OutcomeKind.UNKNOWN:
        journey.ending = _unknown(journey, step, message)
    elif outcome.kind is OutcomeKind.RETRY:
        journey.ending = _later(journey, State.PENDING, message, outcome.retry_after)
    elif outcome.kind is OutcomeKind.STALE and _can_catch_up(journey, step):
        journey.ending = _later(journey, State.PENDING, f"stale: {message}", None)
    else:
        journey.ending = Finished(State.REJECTED, message)


def _can_catch_up(journey: Journey, step: StepSpec) -> bool:
    """Whether the next attempt learns more: the version that stands now, or the document it will take over."""
    return step.can_look_up and (journey.variant != "create" or "change" in journey.spec.variants)


def _unknown(journey: Journey, step: StepSpec, message: str) -> Ending:
    if step.delivery_class is DeliveryClass.BLIND:
        return Finished(State.PARKED, message)
    if step.delivery_class is DeliveryClass.LOOKED_UP:
        return _later(journey, State.IN_DOUBT, message, journey.spec.settle_seconds)
    return _later(journey, State.IN_DOUBT, message, None)


def _later(journey: Journey, state: State, reason: str, wait: float | None) -> Ending:
    attempts = journey.claimed.attempts
    if attempts >= MAX_ATTEMPTS:
        return Finished(State.PARKED, f"{attempts} attempts failed; the last: {reason}")
    backoff = BACKOFF_SECONDS[min(attempts, len(BACKOFF_SECONDS)) - 1] if attempts else BACKOFF_SECONDS[0]
    return Deferred(state, max(backoff, wait or 0.0) if wait is not None else backoff, reason)


# -- writing down --------------------------------------------------------------------------------------------------


def write_down_doubts(
    tx: Transaction, journeys: Iterable[Journey], owner: str, now: datetime, known: Attempts | None = None
) -> None:
    """What look-ups said of doubtful steps: done, or surely not done and free to be sent again."""
    receipts: list[tuple[str, StepReceipt]] = []
    voids: list[tuple[str, str]] = []
    for journey in journeys:
        if not journey.claimed.in_doubt or journey.ending is not None:
            continue
        command_id = journey.claimed.command.id
        learnt = journey.receipts.keys() - journey.claimed.receipts.keys()
        receipts += [(command_id, journey.receipts[step]) for step in sorted(learnt)]
        unanswered = {record.step for record in journey.claimed.steps if record.state == "intent"}
        voids += [(command_id, step) for step in sorted(unanswered - journey.receipts.keys())]
    deliveries.record_receipts(tx, receipts, owner, now, known)
    deliveries.void_intents(tx, voids, owner, now, known)


def endings(journeys: Iterable[Journey]) -> list[deliveries.Ended]:
    """The ends of those that are finished, for `deliveries.exchange`."""
    ended = ((journey.claimed.command.id, journey.ending) for journey in journeys)
    return [(command_id, one.state, one.reason) for command_id, one in ended if isinstance(one, Finished)]


def write_down_endings(
    tx: Transaction, journeys: Iterable[Journey], held: Collection[str], owner: str, now: datetime
) -> tuple[list[Journey], list[Document]]:
    """Defer, and remember documents: the journeys that are finished and were still ours, and what they made."""
    deferrals: list[Deferral] = []
    ours: list[Journey] = []
    for journey in journeys:
        command_id, ending = journey.claimed.command.id, journey.ending
        if isinstance(ending, Deferred):
            later = now + timedelta(seconds=ending.seconds)
            deferrals.append(Deferral(command_id, ending.state, later, ending.reason))
        elif ending is not None and command_id in held:
            ours.append(journey)
    deliveries.defer_all(tx, deferrals, owner, now)
    made = [row for journey in ours if (row := _document(journey, now)) is not None]
    if made:
        documents.record(tx, made)
    return ours, made


def _document(journey: Journey, now: datetime) -> Document | None:
    """The document that now stands in the target."""
    if journey.ending is None or journey.ending.state not in {State.APPLIED, State.UNCHANGED}:
        return None
    command = journey.claimed.command
    receipt = next((receipt for receipt in journey.receipts.values() if receipt.native_id), None)
    native_id = receipt.native_id if receipt else journey.existing.native_id if journey.existing else None
    if native_id is None:
        return None
    number = next((one.native_number for one in journey.receipts.values() if one.native_number), None)
    if number is None and journey.existing is not None:
        number = journey.existing.native_number
    return Document(
        system=command.system,
        entity=command.entity,
        business_key=command.business_key,
        native_id=native_id,
        native_number=number,
        revision=command.revision,
        content=command.body,
        origin="created",
        applied_at=now,
    )
