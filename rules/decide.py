"""From changes to decisions: which rules fire for each change, and what they want done.

A decision is a draft: it names a role, not a system, and has no revision yet. The decide stage gives it both inside
the transaction that marks the change as decided. One change at a time here; `rules.bulk` finds the firings of many at
once, and both end in `acts`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from canonical.facts import FACTS, json_fields
from canonical.strict_json import dumps, loads
from rules.compiling import Action, CompiledRule
from rules.diff import Change
from rules.records import Records, View, no_records, view_of
from rules.rulebook import CommandThen, NotifyThen, Span, TaskThen
from rules.ruleset import RuleSet
from rules.scope import Symbol


@dataclass(frozen=True, slots=True)
class CommandDraft:
    """What one rule wants one role to hold for one business key."""

    rule: str
    change: Change
    kind: str
    role: str
    entity: str
    business_key: str
    body: dict[str, Any]
    cancelled: bool
    after: tuple[str, ...]
    sales_orders: tuple[str, ...]
    priority: int = 0
    approve: bool = False
    """It waits for a person's approval before it is delivered."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What one rule wants people to know."""

    rule: str
    change: Change
    audience: str
    key: str
    text: dict[str, str]
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Task:
    """What one rule wants somebody to settle, and by when: `due` of working or of elapsed time from the change."""

    rule: str
    change: Change
    kind: str
    owner: str
    key: str
    title: dict[str, str]
    due: Span | None = None
    working: bool = True
    calendar: str | None = None
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class TimerWish:
    """A rule's matter stands open: so long after `base` its `escalate` is due, see `escalations`.

    `base` is a day or a moment, None for the moment of the change. One timer per rule and record key; one that runs already goes on as it is.
    """

    rule: str
    change: Change
    key: str
    due_after: Span
    working: bool
    calendar: str | None
    base: date | None = None


@dataclass(frozen=True, slots=True)
class TimerEnd:
    """The matter is settled: the timer of this rule and record key, if one runs, is called off."""

    rule: str
    change: Change
    key: str


Decision = CommandDraft | Notice | Task | TimerWish | TimerEnd


def decide(changes: Iterable[Change], rules: RuleSet, records: Records = no_records) -> list[Decision]:
    """Every decision of every rule that fires, in the order of the changes, and within one of the rules' priority."""
    return [decision for change in changes for decision in _decided(change, rules, records)]


def _decided(change: Change, rules: RuleSet, records: Records) -> Iterator[Decision]:
    for rule in rules.concerned(change):
        view = view_of(rule, change, records)
        if holds(rule, view):
            yield from acts(rule, change, view)
    yield from ended(change, rules, records)


def holds(rule: CompiledRule, view: View) -> bool:
    """Whether a rule's conditions let it act on a record."""
    if rule.condition is not None and not rule.condition.holds(view):
        return False
    return rule.unless is None or not rule.unless.holds(view)


def acts(rule: CompiledRule, change: Change, view: View) -> Iterator[Decision]:
    """What a rule that fires wants done."""
    yield from _actions(rule, rule.then, change, view)
    within, start = rule.spec.within, rule.counts_from
    if within is not None:
        base = view[start.source].get(start.name) if start is not None else None
        yield TimerWish(rule.name, change, change.key, within.span, within.working is not None, within.calendar, base)


def escalations(rule: CompiledRule, change: Change, records: Records = no_records) -> list[Decision]:
    """What is due when a timer of a rule has run out; `change` is the one that set it (its event holds it)."""
    return list(_actions(rule, rule.escalate, change, view_of(rule, change, records)))


def ended(change: Change, rules: RuleSet, records: Records) -> Iterator[TimerEnd]:
    """The timers a change calls off: the record is gone, its rule no longer holds, or an `until` is met."""
    for rule in rules.timed(change.entity):
        if change.kind == "deleted" or not holds(rule, view_of(rule, change, records)):
            yield TimerEnd(rule.name, change, change.key)
    for rule, ending in rules.endings(change.entity):
        view: View = {"": change.row, "old": change.old or {}, "new": change.new or {}}
        if change.kind in ending.spec.event and (ending.condition is None or ending.condition.holds(view)):
            yield TimerEnd(rule.name, change, ending.key.fill(partial(_value, view)))


def _value(view: View, symbol: Symbol) -> object:
    return view[symbol.source].get(symbol.name)


def _actions(rule: CompiledRule, actions: Iterable[Action], change: Change, view: View) -> Iterator[Decision]:
    value = partial(_value, view)
    for action in actions:
        spec, key = action.spec, action.key.fill(value)
        if isinstance(spec, CommandThen):
            yield _draft(rule, action, spec, change, view)
            continue
        texts = {str(language): text.fill(value) for language, text in action.texts.items()}
        if isinstance(spec, NotifyThen):
            yield Notice(rule.name, change, spec.notify, key, texts, spec.urgent)
        else:
            yield _task(rule, spec, change, key, texts)


def _task(rule: CompiledRule, spec: TaskThen, change: Change, key: str, title: dict[str, str]) -> Task:
    calendar = rule.spec.within.calendar if rule.spec.within else None
    return Task(
        rule.name, change, spec.task, spec.owner, key, title, spec.due, spec.working, calendar, withdrawn=spec.withdraw
    )


def _draft(rule: CompiledRule, action: Action, spec: CommandThen, change: Change, view: View) -> CommandDraft:
    value = partial(_value, view)
    row = view[""]
    body = {target: _carried(rule, symbol, value(symbol)) for target, symbol in action.body.items()}
    return CommandDraft(
        rule=rule.name,
        change=change,
        kind=spec.command,
        role=spec.to,
        entity=spec.entity,
        business_key=action.key.fill(value),
        body=loads(dumps({**body, **spec.values})),
        cancelled=spec.cancel,
        after=tuple(text.fill(value) for text in action.after),
        sales_orders=(str(row["sales_order"]),) if row.get("sales_order") else (),
        priority=rule.spec.priority,
        approve=rule.spec.approve is True or (rule.approve is not None and rule.approve.holds(view)),
    )


def _carried(rule: CompiledRule, symbol: Symbol, value: object) -> object:
    """A value as a command's body carries it: JSON text decoded."""
    subject = rule.scope.relations.get(symbol.source, rule.subject)
    coded = subject in FACTS and symbol.name in json_fields(FACTS[subject])
    return loads(value) if coded and isinstance(value, str) else value
