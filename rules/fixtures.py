"""Fixtures of a rulebook: what is given and what the rules must make of it, in `<rulebook>.fixtures.yaml` beside it.

    fixtures:
      - name: Stock is short of a made part
        given:
          fact: planned_order
          event: created
          record: {reference: M|A|1, sourcing: make, quantity: 60}
        expect:
          fires: [make-to-order]
          commands: [{command: order_work, to: mes, body: {quantity: 60}}]

`was` holds the fields of a changed record that were otherwise before; fields that are not named are null. Of an
expected command, notice or task only what is written is compared, and there must be as many as are written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import Field

from canonical.entities import ENTITIES
from canonical.errors import ConfigurationError, Fault
from canonical.facts import FACTS
from canonical.strict_json import dumps, loads
from canonical.strict_yaml import Document, Path_, load_document, suggest
from rules.decide import CommandDraft, Decision, Notice, Task, decide
from rules.diff import Change
from rules.explain import Verdict, explained
from rules.loading import RULEBOOKS
from rules.records import FrameRecords
from rules.rows import typed_row, types_of
from rules.rulebook import HUB, About, Closed, EventKind
from rules.ruleset import RuleSet
from rules.scope import key_of

Row = dict[str, Any]


class Given(About):
    """One change, and the records it is related to."""

    event: EventKind
    record: Row
    was: Row = Field(default_factory=dict)
    origin: str = HUB
    related: dict[str, tuple[Row, ...]] = Field(default_factory=dict)


class Expected(Closed):
    """What must come of it; what is left out is not looked at."""

    fires: tuple[str, ...] | None = None
    commands: tuple[Row, ...] | None = None
    notices: tuple[Row, ...] | None = None
    tasks: tuple[Row, ...] | None = None


class Fixture(Closed):
    """One case."""

    name: str
    given: Given
    expect: Expected


class _File(Closed):
    fixtures: tuple[Fixture, ...]


@dataclass(frozen=True, slots=True)
class Tried:
    """How one fixture came out: its place, and what was otherwise than expected (empty: all is well)."""

    book: str
    name: str
    place: str
    wrong: tuple[str, ...]
    verdicts: tuple[Verdict, ...]


def try_fixtures(book: str, rules: RuleSet, folder: Path = RULEBOOKS) -> list[Tried]:
    """Every fixture of a rulebook over the deployment's rules; none where it has no file.

    Raises `ConfigurationError` with every fault of the file.
    """
    path = folder / f"{book}.fixtures.yaml"
    if not path.is_file():
        return []
    file, document = load_document(path, _File, shown_as=f"rules/rulebooks/{path.name}")
    faults = [fault for index, one in enumerate(file.fixtures) for fault in _faults(one, document, ("fixtures", index))]
    if faults:
        raise ConfigurationError(faults=tuple(faults))
    return [_tried(book, one, rules, document, ("fixtures", index)) for index, one in enumerate(file.fixtures)]


def _faults(fixture: Fixture, document: Document, path: Path_) -> Iterator[Fault]:
    given, here = fixture.given, (*path, "given")
    parts: list[tuple[Path_, str, Row]] = [
        ((*here, "record"), given.subject, given.record), ((*here, "was"), given.subject, given.was)
    ]  # fmt: skip
    for subject, rows in given.related.items():
        parts += [((*here, "related", subject, index), subject, row) for index, row in enumerate(rows)]
    for place, subject, row in parts:
        if subject not in FACTS and subject not in ENTITIES:
            yield document.fault(place, f"unknown fact or entity {subject!r}", suggest(subject, (*FACTS, *ENTITIES)))
            continue
        yield from _row_faults(subject, row, document, place)


def _row_faults(subject: str, row: Row, document: Document, path: Path_) -> Iterator[Fault]:
    known = types_of(subject)
    for name, value in row.items():
        if name not in known:
            yield document.fault((*path, name), f"{subject} has no field {name!r}", suggest(name, known))
            continue
        try:
            typed_row(subject, {name: value})
        except (ArithmeticError, KeyError, ValueError):
            yield document.fault((*path, name), f"{name}: {value!r} is no {known[name].__name__}")


def _tried(book: str, fixture: Fixture, rules: RuleSet, document: Document, path: Path_) -> Tried:
    given, expect = fixture.given, fixture.expect
    change, records = _change(given), FrameRecords(_frames(given))
    verdicts = tuple(explained(change, rules, records))
    decisions = decide([change], rules, records)
    wrong = [*_fires(expect, verdicts), *_decided(expect, decisions)]
    place = str(document.fault((*path, "name"), "")).strip()
    return Tried(book, fixture.name, place, tuple(wrong), verdicts)


def _full(subject: str, row: Row) -> Row:
    return {**dict.fromkeys(types_of(subject)), **typed_row(subject, row)}


def _change(given: Given) -> Change:
    now = _full(given.subject, given.record)
    key = str(now[key_of(given.subject)])
    if given.event == "changed":
        was = {**now, **typed_row(given.subject, given.was)}
        return Change(given.subject, key, "changed", was, now, tuple(given.was), given.origin)
    old, new = (now, None) if given.event == "deleted" else (None, now)
    return Change(given.subject, key, given.event, old, new, tuple(now), given.origin)


def _frames(given: Given) -> Callable[[str], pl.DataFrame | None]:
    frames = {
        subject: pl.DataFrame([_full(subject, row) for row in rows], infer_schema_length=None)
        for subject, rows in given.related.items()
    }
    return frames.get


def _fires(expect: Expected, verdicts: Sequence[Verdict]) -> Iterator[str]:
    fired = {verdict.rule.name for verdict in verdicts if verdict.fired}
    if expect.fires is not None and fired != set(expect.fires):
        yield f"fires: expected {sorted(expect.fires)}, found {sorted(fired)}"


def _decided(expect: Expected, decisions: Sequence[Decision]) -> Iterator[str]:
    found: Mapping[str, list[Row]] = {
        "commands": [_command(one) for one in decisions if isinstance(one, CommandDraft)],
        "notices": [
            {"notify": one.audience, "key": one.key, "text": one.text, "urgent": one.urgent, "rule": one.rule}
            for one in decisions
            if isinstance(one, Notice)
        ],
        "tasks": [
            {"task": one.kind, "owner": one.owner, "key": one.key, "title": one.title, "withdraw": one.withdrawn}
            for one in decisions
            if isinstance(one, Task)
        ],
    }
    for word, rows in found.items():
        wanted: tuple[Row, ...] | None = getattr(expect, word)
        if wanted is not None:
            yield from _compared(word, wanted, rows)


def _command(draft: CommandDraft) -> Row:
    return {
        "command": draft.kind, "to": draft.role, "entity": draft.entity, "key": draft.business_key, "body": draft.body,
        "cancel": draft.cancelled, "after": list(draft.after), "approve": draft.approve, "rule": draft.rule,
    }  # fmt: skip


def _compared(word: str, wanted: Sequence[Row], rows: list[Row]) -> Iterator[str]:
    left = list(rows)
    for row in wanted:
        match = next((one for one in left if _covers(one, row)), None)
        if match is None:
            yield f"{word}: expected {dumps(row)}, found {dumps(left)}"
        else:
            left.remove(match)
    for row in left:
        yield f"{word}: not expected {dumps(row)}"


def _covers(found: object, wanted: object) -> bool:
    """Whether everything written stands in what was found; numbers and dates as text."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return all(name in found and _covers(found[name], value) for name, value in wanted.items())
    if isinstance(wanted, list) and isinstance(found, list):
        return len(wanted) == len(found) and all(map(_covers, found, wanted))
    return found == wanted or _plain(found) == _plain(wanted)


def _plain(value: object) -> str:
    text: object = loads(dumps(value))
    return str(text)
