"""Fifty rules over changed planned orders, beside the `rule-engine` library evaluating the same conditions.

The peer asks each rule of the fact whose `fields` changed, as one would write it: no index, no commands, and null makes
a whole condition false. One event in twenty sets off some three rules; ours also builds their commands.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import rule_engine

from benchmarks.measuring import Figure, best_seconds
from canonical.entities import model_schema
from canonical.facts import PlannedOrderFact
from canonical.strict_yaml import Document
from rules.bulk import decide_all
from rules.decide import CommandDraft, decide
from rules.diff import Change, Changes, diff
from rules.loading import compiled
from rules.rulebook import Rulebook
from rules.ruleset import RuleSet

FEW, MANY = 10_000, 200_000
RULES = 50
FIELDS = ("quantity", "due", "start", "supplier", "priority")
SHAPES = (
    'sourcing == "make" and quantity > {high}',
    'sourcing == "buy" and (supplier == "S{n}" or priority == 9) and quantity * 1.2 > {high}',
    'item in ["M-{n}", "M-1{n}"] and due < d"2026-11-03"',
    "priority >= 9 and not (quantity <= {high} or start == due)",
)


def measure() -> list[Figure]:
    """Events a second."""
    rules = _rules()
    few, many = _changes(FEW), _changes(MANY)
    rows = few.rows()
    peers = [(rule.spec.when.fields, rule_engine.Rule(str(rule.spec.if_))) for rule in rules]
    found = [_named(decision) for decision in decide(rows, rules) if isinstance(decision, CommandDraft)]
    at_once = [_named(decision) for decision in decide_all(few, rules) if isinstance(decision, CommandDraft)]
    if len(found) != _peer(rows, peers) or found != at_once:
        raise AssertionError("the three disagree, so their speed does not matter")
    peer = FEW / best_seconds(lambda: _peer(rows, peers), rounds=1)
    one_by_one = FEW / best_seconds(lambda: decide(rows, rules))
    in_bulk = MANY / best_seconds(lambda: decide_all(many, rules))
    return [
        Figure("events over 50 rules, one by one (peer: rule-engine)", one_by_one, peer, "events/s"),
        Figure("200,000 events over 50 rules, at once (peer: rule-engine, one by one)", in_bulk, peer, "events/s"),
    ]


def _named(draft: CommandDraft) -> tuple[str, str]:
    return draft.rule, draft.change.key


def _peer(rows: list[Change], peers: list[tuple[tuple[str, ...], rule_engine.Rule]]) -> int:
    fired = 0
    for change in rows:
        values = {name: _plain(value) for name, value in change.row.items()}
        fired += sum(bool(set(fields) & set(change.fields)) and _matches(rule, values) for fields, rule in peers)
    return fired


def _matches(rule: rule_engine.Rule, values: Mapping[str, Any]) -> bool:
    try:
        return bool(rule.matches(values))
    except rule_engine.errors.EvaluationError:
        return False


def _plain(value: object) -> object:
    return datetime(value.year, value.month, value.day, tzinfo=UTC) if isinstance(value, date) else value


def _rules() -> RuleSet:
    written = [
        {
            "name": f"rule-{number}", "why": {"en": "", "zh": ""},
            "when": {"fact": "planned_order", "event": ["changed"], "fields": [FIELDS[number % len(FIELDS)]]},
            "if": SHAPES[number % len(SHAPES)].format(n=number, high=900 + number % 7),
            "then": [{"command": "order_work", "to": "mes", "entity": "work_order", "key": "{reference}"}],
        }
        for number in range(RULES)
    ]  # fmt: skip
    book = Rulebook.model_validate({"rules": written}, strict=False)
    rules, faults = compiled([(book, Document("benchmark", {}, {}))])
    if faults:
        raise AssertionError(faults)
    return RuleSet(rules)


def _changes(count: int) -> Changes:
    """As many changed planned orders, each with one or two fields that differ."""
    chance, schema = random.Random(7), model_schema(PlannedOrderFact)
    orders = [_order(number, chance) for number in range(count)]
    old = pl.DataFrame(orders, schema=schema)
    new = pl.DataFrame([order | _other(order, chance) for order in orders], schema=schema)
    return diff("planned_order", old, new, "reference")


def _order(number: int, chance: random.Random) -> dict[str, Any]:
    start = date(2026, 11, 2) + timedelta(days=chance.randrange(60))
    return {
        "reference": f"M|{number:07d}", "item": f"M-{chance.randrange(5000)}",
        "quantity": Decimal(chance.randrange(960)),
        "sourcing": chance.choice(["make", "buy"]), "start": start, "due": start + timedelta(days=chance.randrange(9)),
        "supplier": chance.choice([None, "S1", "S13", "S25"]), "priority": chance.randrange(1, 9), "kit": "[]",
    }  # fmt: skip


def _other(order: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    other: dict[str, Any] = {
        "quantity": order["quantity"] + chance.choice([1, 2, 3, 10]),
        "due": order["due"] + timedelta(days=1), "start": order["start"] - timedelta(days=1),
        "supplier": f"S{chance.randrange(50, 99)}", "priority": order["priority"] % 9 + 1,
    }  # fmt: skip
    return {name: other[name] for name in chance.sample(FIELDS, chance.randrange(1, 3))}
