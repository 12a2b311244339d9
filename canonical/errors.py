"""Errors, sorted by what happens next. Callers switch on the seven branches, never on leaves.

```
MillstreamError
├ ConfigurationError    refuse to start; every fault with file:line:column and a hint
├ TransientError        retry, honour retry_after: RateLimited, SystemUnavailable, CrosswalkPending
├ RecordRejected        quarantine, the run goes on: UnmappableRecord, UnknownUnit, ContractBroken
├ StewardNeeded         open a task: AmbiguousMatch, SurvivorshipTie
├ StreamHalted          stop this stream only: AuthenticationFailed, SchemaDrift
├ CommandUndeliverable  park: RefusedByTarget, StaleAtTarget, AttemptsExhausted
└ OutcomeUnknown        a write timed out: look up before anything else, never re-send blind
```

An error's docstring is its default message.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Self


class MillstreamError(Exception):
    """Something went wrong in the hub."""

    def __init__(
        self,
        message: str = "",
        *,
        system: str | None = None,
        entity: str | None = None,
        key: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.message = message or inspect.getdoc(type(self)) or type(self).__name__
        self.system, self.entity, self.key, self.hint = system, entity, key, hint
        super().__init__(self.message)

    def __str__(self) -> str:
        where = "/".join(part for part in (self.system, self.entity, self.key) if part)
        text = f"{where}: {self.message}" if where else self.message
        return f"{text} ({self.hint})" if self.hint else text


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One fault in a configuration file, placed so that an editor can jump to it."""

    file: str
    line: int
    column: int
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        text = f"{self.file}:{self.line}:{self.column} {self.message}"
        return f"{text}. {self.hint}" if self.hint else text


class ConfigurationError(MillstreamError):
    """The configuration is not usable."""

    def __init__(self, message: str = "", *, faults: tuple[Fault, ...] = (), hint: str | None = None) -> None:
        self.faults = tuple(sorted(faults))
        super().__init__(message or "\n".join(map(str, self.faults)), hint=hint)

    @classmethod
    def joined(cls, errors: list[ConfigurationError]) -> Self:
        """Gather many refusals into one, so that a person mends all faults in one go."""
        loose = "\n".join(str(error) for error in errors if not error.faults)
        faults = tuple(dict.fromkeys(fault for error in errors for fault in error.faults))
        placed = "\n".join(map(str, sorted(faults)))
        return cls("\n".join(part for part in (placed, loose) if part), faults=faults)


class TransientError(MillstreamError):
    """The other side cannot answer right now; the same request may succeed later."""

    def __init__(
        self,
        message: str = "",
        *,
        retry_after: float | None = None,
        system: str | None = None,
        entity: str | None = None,
        key: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.retry_after = retry_after
        super().__init__(message, system=system, entity=entity, key=key, hint=hint)


class RateLimited(TransientError):
    """The system asks us to slow down."""


class SystemUnavailable(TransientError):
    """The system cannot be reached or failed inside."""


class StoreFailed(TransientError):
    """The hub's own store cannot go on: no room on the disk, or the database is away."""


class CrosswalkPending(TransientError):
    """A reference has no native key in the target system yet."""


class RecordRejected(MillstreamError):
    """A record cannot be used; it goes to quarantine and the run goes on."""


class UnmappableRecord(RecordRejected):
    """A record does not fit its inbound mapping."""


class UnknownUnit(RecordRejected):
    """A unit of measure is not known for this item."""


class ContractBroken(RecordRejected):
    """A record breaks a rule of its entity's rulebook."""


class StewardNeeded(MillstreamError):
    """A person has to decide."""


class AmbiguousMatch(StewardNeeded):
    """A source record matches more than one golden record."""


class SurvivorshipTie(StewardNeeded):
    """Two sources of equal rank disagree on one attribute."""


class StreamHalted(MillstreamError):
    """One stream stops; the others go on."""


class AuthenticationFailed(StreamHalted):
    """The system refused our credentials."""


class SchemaDrift(StreamHalted):
    """The system's data no longer has the shape its mapping declares."""


class CommandUndeliverable(MillstreamError):
    """A command cannot be delivered; it is parked for a person."""


class RefusedByTarget(CommandUndeliverable):
    """The target system refused the command."""


class StaleAtTarget(CommandUndeliverable):
    """The document changed in the target system since we read it."""


class AttemptsExhausted(CommandUndeliverable):
    """Every attempt failed."""


class OutcomeUnknown(MillstreamError):
    """A write was sent but its answer never came: look it up before anything else."""
