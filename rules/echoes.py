"""What comes back: changes that only show what the hub itself wrote act no more, and circles come to rest.

A command's effect is seen again in the next pull. Where a record shows what was last written for it, that is an echo,
known by its revision. Where the target altered what was written, the change counts as following from that command; a
chain of such events, or a record that returns to the same state again and again, is a circle no loader could see.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from canonical.strict_json import canonical
from rules.diff import Change

LOOP_AFTER = 5
"""So many events in a row that follow from our own commands, or returns to one state within a day, are a circle."""


@dataclass(frozen=True, slots=True)
class Written:
    """What the hub last wrote for a record: `body` as JSON values; `own` documents were made by the hub."""

    command: str
    revision: int
    body: Mapping[str, Any]
    cancelled: bool
    own: bool
    shown: frozenset[str] = frozenset()
    """Fields in which the record has shown it since: where they show it again, somebody changed them back."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A change as rules see it, the `revision` it echoes, and the `cause` it follows from."""

    change: Change
    revision: int | None = None
    cause: str | None = None


def heard(change: Change, written: Iterable[Written]) -> Heard:
    """A change without what it only echoes. What is an echo through and through acts no more."""
    answer = Heard(change)
    for one in written:
        answer = _against(answer, one)
    return answer


def _against(answer: Heard, written: Written) -> Heard:
    change = answer.change
    if change.echo:
        return answer
    if (change.kind == "created" and written.own) or (change.kind == "deleted" and written.cancelled):
        return Heard(replace(change, echo=True), written.revision, written.command)
    if change.kind != "changed":
        return answer
    same = {name for name in change.fields if name in written.body and _same(change.row.get(name), written, name)}
    echoed = same - written.shown
    left = tuple(name for name in change.fields if name not in echoed)
    altered = any(name in written.body and name not in same for name in left)
    return Heard(
        replace(change, fields=left, echo=not left),
        written.revision if echoed else answer.revision,
        written.command if altered or not left else answer.cause,
    )


def shown(body: Mapping[str, Any], states: Iterable[Mapping[str, Any] | None]) -> frozenset[str]:
    """The fields of what was written that stood so in one of a record's states (JSON values)."""
    said = [state for state in states if state is not None]
    return frozenset(
        name for name in body if any(name in state and _plain(state[name]) == _plain(body[name]) for state in said)
    )


def _same(value: object, written: Written, name: str) -> bool:
    return _plain(value) == _plain(written.body[name])


def _plain(value: object) -> object:
    """As JSON says it, numbers and truths as text: a constant of a rule is written as text."""
    said = canonical(value)
    return str(said).lower() if isinstance(said, bool) else str(said) if isinstance(said, int | Decimal) else said


def returns(change: Change, earlier: Iterable[Mapping[str, Any] | None]) -> int:
    """How often the record was in this very state before; `earlier` are its states as JSON values."""
    known = [state for state in earlier if state is not None]
    if change.new is None or not known:
        return 0
    now = canonical(dict(change.new))
    return known.count(now)


def circles(hops: int) -> bool:
    """Whether a chain of events is a circle: what it wants waits for a person."""
    return hops >= LOOP_AFTER
