"""One claimed command on its way: what to do next, and what an outcome means.

This is the whole of the promise (docs/adr: delivery classes). The intent of a step is durable before the
step is sent. An unknown outcome is never sent again blindly: a keyed step (class A) is repeated under its
key, a step that can be looked up (B) is looked up, given time to settle, and looked up again, a blind one
(C) is parked for a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from canonical.commands import DeliveryClass, Outcome, OutcomeKind, State, StepReceipt
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
from store.deliveries import ClaimedCommand
from store.documents import Document
from store.unit_of_work import Transaction

MAX_ATTEMPTS = 25
AWAITING_SECONDS = 0.5
BACKOFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


@dataclass(frozen=True, slots=True)
class Deferred:
    """Not now: try again later."""

    state: State
    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of a delivery."""

    state: State
    reason: str | None = None


Ending = Deferred | Finished


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
        )


def set_out(connector: Connector, claimed: ClaimedCommand, standing: Document | None) -> Journey:
    """Choose the variant: a document that stands is changed or cancelled, one that does not is created."""
    command = claimed.command
    if command.kind not in connector.operations:
        raise ConfigurationError(f"{command.system} has no operation {command.kind!r}")
    spec = connector.operations[command.kind]
    variant: Variant = "create" if standing is None else "change"
    if command.cancelled:
        variant = "cancel"
    journey = Journey(claimed, spec, variant, receipts=dict(claimed.receipts))
    if command.cancelled and standing is None and not claimed.steps:
        journey.ending = Finished(State.UNCHANGED, "never stood in the target")
    elif variant not in spec.variants:
        journey.ending = Finished(State.REJECTED, f"{command.kind} cannot {variant} a document")
    return journey


def prepare(journey: Journey, connector: Connector, lookups: Lookups, now: datetime) -> None:
    """Payload, existing document, and the answer to any doubt; sets the ending where there is nothing to send."""
    try:
        if not _prerequisites(journey, lookups):
            return
        journey.payload = build_payload(lookups, journey.claimed.command)
        if journey.claimed.in_doubt:
            _answer_doubt(journey, connector, now)
        elif _needs_existing(journey):
            _fetch_existing(journey, connector)
    except CrosswalkPending as pending:
        journey.ending = Deferred(State.AWAITING, AWAITING_SECONDS, str(pending))
    except TransientError as error:
        journey.ending = _later(journey, State.PENDING, str(error), error.retry_after)
    except (RecordRejected, CommandUndeliverable, ConfigurationError) as error:
        journey.ending = Finished(State.PARKED, str(error))
    except MillstreamError as error:
        journey.ending = _later(journey, State.PENDING, str(error), None)


def _prerequisites(journey: Journey, lookups: Lookups) -> bool:
    missing = [named for named in journey.claimed.command.after if not lookups.stands(named)]
    if missing and not journey.claimed.command.cancelled:
        journey.ending = Deferred(State.AWAITING, AWAITING_SECONDS, f"waits for {missing[0]}")
    return journey.ending is None


def _needs_existing(journey: Journey) -> bool:
    """A change or cancellation needs the document's id and version, unless it is the same upsert as a creation."""
    variants = journey.spec.variants
    return journey.variant != "create" and variants[journey.variant] != variants.get("create")


def _fetch_existing(journey: Journey, connector: Connector) -> None:
    command = journey.claimed.command
    if not any(step.can_look_up for step in journey.steps):
        return
    found = connector.look_up(command.kind, [command.business_key])[command.business_key]
    if found:
        journey.existing = found[0]
    elif journey.variant == "cancel":
        journey.ending = Finished(State.UNCHANGED, "no longer stands in the target")
    else:
        journey.ending = Finished(State.PARKED, "the document to change no longer stands in the target")


def _answer_doubt(journey: Journey, connector: Connector, now: datetime) -> None:
    """A former attempt may have been carried out."""
    step = _doubtful(journey)
    if step.delivery_class is DeliveryClass.BLIND:
        journey.ending = Finished(State.PARKED, f"{step.name} was sent and never answered; nobody can look it up")
        return
    if step.can_look_up:
        _look(journey, connector, step, now)
    elif _needs_existing(journey):
        _fetch_existing(journey, connector)


def _doubtful(journey: Journey) -> StepSpec:
    unanswered = {record.step for record in journey.claimed.steps if record.state == "intent"}
    return next((step for step in journey.steps if step.name in unanswered), journey.steps[0])


def _look(journey: Journey, connector: Connector, step: StepSpec, now: datetime) -> None:
    command = journey.claimed.command
    found = connector.look_up(command.kind, [command.business_key])[command.business_key]
    if found:
        journey.existing = found[0]
        if step.name in found[0].done_steps and not _repeatable(journey, step):
            journey.receipts[step.name] = _receipt(step.name, found[0], now)
            return
    if step.delivery_class is DeliveryClass.LOOKED_UP and not _settled(journey):
        journey.ending = Deferred(State.IN_DOUBT, journey.spec.settle_seconds, f"{step.name}: not there yet, settling")


def _repeatable(journey: Journey, step: StepSpec) -> bool:
    """Writing the same content onto a document that stands has no further effect; a look-up cannot tell if it did."""
    return journey.variant == "change" and step.name == journey.spec.variants["create"][0].name


def _settled(journey: Journey) -> bool:
    """Whether somebody looked already, found nothing, and gave the target time to finish what it may have begun."""
    sent = max((record.sent_at for record in journey.claimed.steps if record.state == "intent"), default=None)
    waited = journey.claimed.not_before
    return sent is not None and waited is not None and waited >= sent


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
    else:
        journey.ending = Finished(State.REJECTED, message)


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


def write_down_doubt(tx: Transaction, journey: Journey, now: datetime) -> None:
    """What the look-up said of a doubtful step: done, or surely not done and free to be sent again."""
    if not journey.claimed.in_doubt or journey.ending is not None:
        return
    command, owner = journey.claimed.command, journey.claimed.owner
    for record in journey.claimed.steps:
        if record.state != "intent":
            continue
        receipt = journey.receipts.get(record.step)
        if receipt is not None:
            deliveries.record_receipt(tx, command.id, owner, receipt, now)
        else:
            deliveries.void_intent(tx, command.id, owner, record.step, now)


def write_down_ending(tx: Transaction, journey: Journey, now: datetime) -> bool:
    """Finish or defer; False when the lease was lost and somebody else decides."""
    command, owner, ending = journey.claimed.command, journey.claimed.owner, journey.ending
    if isinstance(ending, Deferred):
        later = now + timedelta(seconds=ending.seconds)
        return deliveries.defer(tx, command.id, owner, ending.state, now, not_before=later, error=ending.reason)
    assert ending is not None
    return deliveries.finish(tx, command.id, owner, ending.state, now, error=ending.reason)


def write_down_document(tx: Transaction, journey: Journey, now: datetime) -> None:
    """Remember the document that now stands in the target."""
    command = journey.claimed.command
    receipt = next((receipt for receipt in journey.receipts.values() if receipt.native_id), None)
    native_id = receipt.native_id if receipt else journey.existing.native_id if journey.existing else None
    if native_id is None:
        return
    number = next((one.native_number for one in journey.receipts.values() if one.native_number), None)
    if number is None and journey.existing is not None:
        number = journey.existing.native_number
    row = Document(
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
    documents.record(tx, [row])
