"""Why a rule fired, or why it did not: what its `when` asked, and which part of its conditions was false."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rules.compiling import CompiledRule
from rules.conditions import Step
from rules.decide import Decision, acts, escalations
from rules.diff import Change
from rules.records import Records, no_records, view_of
from rules.ruleset import RuleSet, comes_from

Reason = Literal["fired", "overdue", "echo", "event", "fields", "origin", "if", "unless"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One rule's answer to one change: the first thing that stopped it, and its conditions part by part."""

    rule: CompiledRule
    reason: Reason
    condition: Step | None = None
    unless: Step | None = None
    decisions: tuple[Decision, ...] = ()

    @property
    def fired(self) -> bool:
        """Whether it acted."""
        return self.reason in {"fired", "overdue"}


def overdue(change: Change, rule: CompiledRule, records: Records = no_records) -> Verdict:
    """The verdict of a rule whose timer ran out: what its `escalate` wants."""
    return Verdict(rule, "overdue", decisions=tuple(escalations(rule, change, records)))


def explained(change: Change, rules: RuleSet, records: Records = no_records) -> list[Verdict]:
    """The verdict of every rule on the subject of a change, in the order they act."""
    return [_verdict(rule, change, records) for rule in rules.about(change.entity)]


def _verdict(rule: CompiledRule, change: Change, records: Records) -> Verdict:
    stopped = _stopped(rule, change)
    if stopped is not None:
        return Verdict(rule, stopped)
    view = view_of(rule, change, records)
    condition = rule.condition.explained(view) if rule.condition else None
    unless = rule.unless.explained(view) if rule.unless else None
    if condition is not None and not condition.held:
        return Verdict(rule, "if", condition, unless)
    if unless is not None and unless.held:
        return Verdict(rule, "unless", condition, unless)
    return Verdict(rule, "fired", condition, unless, tuple(acts(rule, change, view)))


def _stopped(rule: CompiledRule, change: Change) -> Reason | None:
    """What of its `when` the change does not meet."""
    when = rule.spec.when
    if change.echo:
        return "echo"
    if change.kind not in when.event:
        return "event"
    if change.kind == "changed" and when.fields and set(when.fields).isdisjoint(change.fields):
        return "fields"
    return None if comes_from(rule, change.origin) else "origin"


def failing(step: Step, *, wanted: bool = True) -> list[Step]:
    """The smallest parts that made a condition come out other than `wanted`."""
    if step.held == wanted:
        return []
    if not step.parts:
        return [step]
    turned = len(step.parts) == 1
    inner = [one for part in step.parts for one in failing(part, wanted=wanted is not turned)]
    return inner or [step]
