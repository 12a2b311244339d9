"""The port every connector fulfils: read a stream page by page, write a step, look a document up.

A connector is built from its folder's `system.yaml` (and `client.py` where YAML cannot say it) by
`connectors.registry.open_connector`. It never decides anything: it moves payloads, sorts replies into
outcomes and raises the errors of `canonical.errors`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from canonical.commands import DeliveryClass, Outcome, StepReceipt

Record = Mapping[str, Any]
"""One raw record as the system gave it: JSON values, numbers with a point as Decimal."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of raw records. `watermark` is the highest change time among them, as the system writes it."""

    records: Sequence[Record]
    watermark: str | None


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """What can be pulled, as the pipeline needs to know it."""

    name: str
    entity: str
    incremental: bool
    complete: bool
    """A full fetch lists every live record, so what is missing was deleted."""


@dataclass(frozen=True, slots=True)
class StepSpec:
    """One step of an operation: its delivery class and whether its document can be looked up."""

    name: str
    delivery_class: DeliveryClass
    can_look_up: bool
    shows: bool = False
    """Whether the state of the document tells that the step is done."""


Variant = Literal["create", "change", "cancel"]
"""A command states the whole desired document; whether that means creating, changing or cancelling it is
known only at delivery, from whether the document stands in the target already."""


@dataclass(frozen=True, slots=True)
class OperationSpec:
    """One operation a target offers: a command kind and, for each variant, its steps in order."""

    name: str
    entity: str
    variants: Mapping[Variant, tuple[StepSpec, ...]]
    settle_seconds: float = 0.0
    """Longer than the target's slowest commit: how long to wait between two look-ups of an unknown outcome."""
    batch_size: int = 1
    """How many documents one call of a step may carry; steps that take one only are carried out one by one."""
    look_up_size: int = 1
    """How many references one question of a look-up covers: they get their answers together, or none does."""
    calls_at_once: int = 1
    """How many calls `write` makes at the same time: so many steps may be given to it and go out at once."""


@dataclass(frozen=True, slots=True)
class StepRequest:
    """One step to carry out for one command.

    `payload` is the outbound mapping's result; `receipts` are those of the command's earlier steps
    (submit needs the id that save returned), `existing` the document the reference already has in
    the target (an update needs its id and version).
    """

    command_id: str
    operation: str
    variant: Variant
    step: str
    reference: str
    payload: Mapping[str, Any]
    receipts: Mapping[str, StepReceipt] = field(default_factory=dict)
    existing: FoundDocument | None = None
    idempotency_key: str = ""
    alone: bool = False
    """In a call of its own, so that a refusal is beyond doubt this command's."""


@dataclass(frozen=True, slots=True)
class FoundDocument:
    """A document of the target that carries our reference.

    `done_steps` names the steps the document's state shows to be done already (saved, submitted, audited).
    """

    reference: str
    native_id: str
    native_number: str | None
    version: str | None = None
    done_steps: tuple[str, ...] = ()
    content: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What `millstream probe` shows: can we reach it, log in, read; how long each took (ms)."""

    system: str
    reachable: bool
    timings: Mapping[str, float]
    clock_skew_seconds: float | None = None
    message: str | None = None


class Connector(Protocol):
    """A door to one system. Safe to use from several threads."""

    system: str
    role: str
    streams: Mapping[str, StreamSpec]
    operations: Mapping[str, OperationSpec]

    def read(self, stream: str, since: str | None = None) -> Iterator[Page]:
        """Pages of a stream, changed at or after `since` (the last watermark), inclusive; None: everything."""
        ...

    def brought(self, payload: object) -> Mapping[str, Sequence[Record]]:
        """Stream → the records a webhook's payload holds or names, fetched where it only names them.

        Empty where the payload brings nothing. Raises `TransientError` when the system cannot be asked.
        """
        ...

    def write(self, requests: Sequence[StepRequest]) -> Sequence[Outcome]:
        """Carry out one step for each request; one outcome each, in order. Never raises for one bad request."""
        ...

    def look_up(self, operation: str, references: Sequence[str]) -> Mapping[str, Sequence[FoundDocument]]:
        """Documents in the target by our reference; several for one reference are doubles.

        Raises `TransientError` when the target cannot say, `ConfigurationError` when the operation has no look-up.
        """
        ...

    def probe(self, now: datetime) -> ProbeResult:
        """Reach, log in and read one page."""
        ...

    def close(self) -> None:
        """Give connections back."""
        ...
