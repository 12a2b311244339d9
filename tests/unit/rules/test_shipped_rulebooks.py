"""The shipped rulebooks: each rule has a fixture that makes it fire, all fixtures hold, and the plant runs them all."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from canonical.strict_yaml import load
from pipeline.settings import DEPLOYMENTS, Deployment
from rules.calendars import load_calendars
from rules.fixtures import Tried, try_fixtures
from rules.loading import RULEBOOKS, load_rulebooks
from rules.rulebook import NotifyThen, TaskThen
from rules.ruleset import RuleSet

SHIPPED = tuple(sorted(path.stem for path in RULEBOOKS.glob("*.yaml") if "." not in path.stem))
REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "shipped-rulebooks.md"


@cache
def rules() -> RuleSet:
    return RuleSet(load_rulebooks(SHIPPED))


@cache
def tried(book: str) -> list[Tried]:
    return try_fixtures(book, rules())


@pytest.mark.parametrize("book", SHIPPED)
def test_fixtures__hold(book: str) -> None:
    found = tried(book)
    assert found
    assert {one.place: one.wrong for one in found if one.wrong} == {}


def test_fixtures__make_every_rule_fire() -> None:
    fired = {verdict.rule.name for book in SHIPPED for one in tried(book) for verdict in one.verdicts if verdict.fired}
    assert {rule.name for rule in rules()} - fired == set()


def test_plant__runs_every_shipped_rulebook() -> None:
    assert set(load(DEPLOYMENTS / "plant.yaml", Deployment).rulebooks) == set(SHIPPED)


def test_calendars__that_rules_count_by_are_there() -> None:
    known = load_calendars()
    assert {rule.spec.within.calendar for rule in rules() if rule.spec.within is not None} <= set(known)


def test_reference__lists_every_rule_with_its_reason_and_only_those() -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([a-z-]+)` \| .* \| (.*) \| (.*) \|$", text, re.MULTILINE)
    assert set(listed) == {(rule.name, rule.spec.why["en"], rule.spec.why["zh"]) for rule in rules()}
    assert len(listed) == len(rules())
    assert re.findall(r"^## `(\w+)`", text, re.MULTILINE) == list(
        load(DEPLOYMENTS / "plant.yaml", Deployment).rulebooks
    )


def test_reference__names_everybody_who_is_told_or_asked() -> None:
    actions = [action for rule in rules() for action in (*rule.spec.then, *rule.spec.escalate)]
    people = {one.notify for one in actions if isinstance(one, NotifyThen)}
    people |= {one.owner for one in actions if isinstance(one, TaskThen)}
    text = REFERENCE.read_text(encoding="utf-8")
    part = text.partition("## Who is told")[2].partition("## What waits")[0]
    assert re.findall(r"^\| `(\w+)`", part, re.MULTILINE) == sorted(people)
