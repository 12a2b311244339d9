"""From changes to decisions: which rules fire for each change, and what they want done.

A decision is a draft: it names a role, not a system, and has no revision yet. The decide stage gives
it both inside the transaction that marks the change as decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from canonical.facts import FACTS, json_fields
from canonical.strict_json import dumps, loads
from rules.diff import Change
from rules.rulebook import CommandThen, NotifyThen, Rule


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


@dataclass(frozen=True, slots=True)
class Notice:
    """What one rule wants people to know."""

    rule: str
    change: Change
    audience: str
    key: str
    text: dict[str, str]
    urgent: bool = False


Decision = CommandDraft | Notice


def decide(changes: Iterable[Change], rules: Iterable[Rule]) -> list[Decision]:
    """Every decision of every rule that fires, in the order of changes and rules."""
    by_fact: dict[str, list[Rule]] = {}
    for rule in rules:
        by_fact.setdefault(rule.when.fact, []).append(rule)
    return [
        decision
        for change in changes
        for rule in by_fact.get(change.entity, ())
        if rule.concerns(change.kind, change.fields)
        for decision in _act(rule, change)
    ]


def _act(rule: Rule, change: Change) -> list[Decision]:
    row = dict(change.new or change.old or {})
    if not rule.fires(row):
        return []
    return [_draft(rule, then, change, row) if isinstance(then, CommandThen) else _notice(rule, then, change, row)
            for then in rule.then]  # fmt: skip


def _draft(rule: Rule, then: CommandThen, change: Change, row: Mapping[str, Any]) -> CommandDraft:
    decoded = json_fields(FACTS[change.entity])
    chosen = then.body or {name: name for name in row}
    body = {target: loads(row[name]) if name in decoded else row[name] for target, name in chosen.items()}
    return CommandDraft(
        rule=rule.name,
        change=change,
        kind=then.command,
        role=then.to,
        entity=then.entity,
        business_key=then.key.format_map(row),
        body=loads(dumps({**body, **then.values})),
        cancelled=then.cancel,
        after=tuple(text.format_map(row) for text in then.after),
        sales_orders=(str(row["sales_order"]),) if row.get("sales_order") else (),
    )


def _notice(rule: Rule, then: NotifyThen, change: Change, row: Mapping[str, Any]) -> Notice:
    told = {name: f"{value.normalize():f}" if isinstance(value, Decimal) else value for name, value in row.items()}
    text: dict[str, str] = {language: template.format_map(told) for language, template in then.text.items()}
    return Notice(rule.name, change, then.notify, then.key.format_map(row), text, then.urgent)
