"""From changes to decisions: which rules fire for each change, and what they want done.

A decision is a draft: it names a role, not a system, and has no revision yet. The decide stage gives it both inside
the transaction that marks the change as decided. One change at a time here; `rules.bulk` finds the firings of many at
once, and both end in `acts`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from canonical.strict_json import canonical, loads_canonical
from rules.compiling import Action, CompiledRule
from rules.diff import Change
from rules.records import Records, View, no_records, view_of
from rules.rulebook import CommandThen, NotifyThen, TaskThen
from rules.ruleset import RuleSet
from rules.scope import Symbol
from rules.timers import Watched, Within


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
    """What one rule wants somebody to settle, and by when."""

    rule: str
    change: Change
    kind: str
    owner: str
    key: str
    title: dict[str, str]
    due: Within | None = None
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class TimerEnd:
    """An `until` is met: the timer of this rule, subject and record key, if one stands, is over."""

    rule: str
    subject: str
    key: str


Decision = CommandDraft | Notice | Task | Watched | TimerEnd


def decide(changes: Iterable[Change], rules: RuleSet, records: Records = no_records) -> list[Decision]:
    """Every decision of every rule that fires, in the order of the changes, and within one of the rules' priority."""
    return [decision for change in changes for decision in _decided(change, rules, records)]


def _decided(change: Change, rules: RuleSet, records: Records) -> Iterator[Decision]:
    fired = set()
    for rule in rules.concerned(change):
        view = view_of(rule, change, records)
        if holds(rule, view):
            fired.add(rule.name)
            yield from acts(rule, change, view)
    yield from timed(change, rules, records, fired)


def holds(rule: CompiledRule, view: View) -> bool:
    """Whether a rule's conditions let it act on a record."""
    if rule.condition is not None and not rule.condition.holds(view):
        return False
    return rule.unless is None or not rule.unless.holds(view)


def acts(rule: CompiledRule, change: Change, view: View) -> Iterator[Decision]:
    """What a rule that fires wants done."""
    yield from _actions(rule, rule.then, change, view)


def escalations(rule: CompiledRule, change: Change, records: Records = no_records) -> list[Decision]:
    """What is due when a timer of a rule has run out; `change` is the one that set it (its event holds it)."""
    return list(_actions(rule, rule.escalate, change, view_of(rule, change, records)))


def timed(
    change: Change, rules: RuleSet, records: Records = no_records, fired: Collection[str] = ()
) -> Iterator[Watched | TimerEnd]:
    """What a change means for timers: those of its own record, and those an `until` ends."""
    for rule in rules.timed(change.entity):
        within = rule.spec.within
        assert within is not None, "a timed rule has a timer"
        still = change.kind != "deleted" and holds(rule, view_of(rule, change, records))
        yield Watched(rule.name, within, change, fired=rule.name in fired, holds=still)
    for rule, ending in rules.endings(change.entity):
        view: View = {"": change.row, "old": change.old or {}, "new": change.new or {}}
        if change.kind in ending.spec.event and (ending.condition is None or ending.condition.holds(view)):
            yield TimerEnd(rule.name, rule.subject, ending.key.fill(partial(_value, view)))


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
    return Task(rule.name, change, spec.task, spec.owner, key, title, spec.due, withdrawn=spec.withdraw)


def _draft(rule: CompiledRule, action: Action, spec: CommandThen, change: Change, view: View) -> CommandDraft:
    value = partial(_value, view)
    row = view[""]
    body = {target: value(symbol) for target, symbol in action.body.items()} | spec.values
    coded = {target: text for target in action.coded - spec.values.keys() if isinstance(text := body[target], str)}
    plain = {target: given for target, given in body.items() if target not in coded}
    return CommandDraft(
        rule=rule.name,
        change=change,
        kind=spec.command,
        role=spec.to,
        entity=spec.entity,
        business_key=action.key.fill(value),
        body=canonical(plain) | {target: loads_canonical(text) for target, text in coded.items()},
        cancelled=spec.cancel,
        after=tuple(text.fill(value) for text in action.after),
        sales_orders=(str(row["sales_order"]),) if row.get("sales_order") else (),
        priority=rule.spec.priority,
        approve=rule.spec.approve is True or (rule.approve is not None and rule.approve.holds(view)),
    )
