"""What rules do with related records, origins, priorities, approvals, tasks and timers."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from canonical.entities import ENTITIES, golden_schema
from rules.bulk import decide_all
from rules.decide import CommandDraft, Notice, Task, TimerEnd, decide, escalations
from rules.diff import Change, diff
from rules.explain import explained, failing
from rules.records import FrameRecords
from rules.timers import Watched
from tests.unit.rules.books import order, rules_of

WHEN = "when: {entity: sales_order, event: [created, changed, deleted]}"
RULE = f"""\
rules:
  - name: rule
    why: {{en: e, zh: z}}
    {WHEN}
    related: {{buyer: {{entity: partner, key: customer}}}}
    if: buyer.name == "Acme"
    then:
      - {{command: mark, to: erp, entity: purchase_order, key: "{{golden_id}}", with: {{status: status, was: old.status, who: buyer.name}}}}
"""  # noqa: E501


def partners(*rows: tuple[str, str]) -> FrameRecords:
    schema = golden_schema(ENTITIES["partner"])
    frame = pl.DataFrame(
        [{**dict.fromkeys(schema), "golden_id": key, "name": name} for key, name in rows], schema=schema
    )
    return FrameRecords({"partner": frame}.get)


def changed(origin: str = "crm", **was: Any) -> Change:
    return Change("sales_order", "SO-1", "changed", order(**was), order(), tuple(was), origin)


def test_related_record__is_read_in_conditions_and_bodies() -> None:
    (draft,) = decide([changed(status="draft")], rules_of(RULE), partners(("P-1", "Acme")))
    assert isinstance(draft, CommandDraft)
    assert draft.body == {"status": "open", "was": "draft", "who": "Acme"}
    assert decide([changed(status="draft")], rules_of(RULE), partners(("P-1", "Other"))) == []
    assert decide([changed(status="draft")], rules_of(RULE)) == []


def test_related_record__of_several_is_the_one_with_the_smallest_key() -> None:
    text = (
        RULE.replace("key: customer}", "key: number, by: code}")
        .replace("buyer.name ==", "buyer.golden_id ==")
        .replace("Acme", "A")
    )
    schema = golden_schema(ENTITIES["partner"])
    rows = [{**dict.fromkeys(schema), "golden_id": key, "code": "SO-1", "name": key} for key in ("C", "A", "B")]
    frames = {"partner": pl.DataFrame(rows, schema=schema)}.get
    rules, records = rules_of(text), FrameRecords(frames)
    old, new = (pl.DataFrame([order(status=status)]).cast({"ordered_on": pl.Date}) for status in ("draft", "open"))
    changes = diff("sales_order", old, new, "golden_id")
    assert len(decide(changes.rows(), rules, records)) == 1
    assert decide_all(changes, rules, records, frames) == decide(changes.rows(), rules, records)


@pytest.mark.parametrize(("origin", "fires"), [("crm", True), ("crm+mes", True), ("mes", False), ("hub", False)])
def test_origin__narrows_a_rule(origin: str, fires: bool) -> None:
    text = RULE.replace("[created, changed, deleted]}", "[changed], origin: [crm]}").replace(
        'if: buyer.name == "Acme"', 'if: status == "open"'
    )
    text = text.replace("rules:\n", "authority: {purchase_order: {'*': [crm]}}\nrules:\n", 1)
    assert bool(decide([changed(origin, status="draft")], rules_of(text))) is fires


def test_priority__decides_who_comes_last() -> None:
    second = (
        RULE.split("rules:\n")[1]
        .replace("name: rule", "name: first")
        .replace("if: buyer", "priority: -1\n    if: buyer")
    )
    found = decide([changed(status="draft")], rules_of(RULE + second), partners(("P-1", "Acme")))
    assert [(draft.rule, draft.priority) for draft in found if isinstance(draft, CommandDraft)] == [
        ("first", -1),
        ("rule", 0),
    ]


@pytest.mark.parametrize(("unless", "fires"), [('status == "open"', False), ('status == "draft"', True)])
def test_unless__keeps_a_rule_from_acting_whose_condition_holds(unless: str, fires: bool) -> None:
    text = RULE.replace("    then:", f"    unless: {unless}\n    then:")
    assert bool(decide([changed(status="draft")], rules_of(text), partners(("P-1", "Acme")))) is fires


@pytest.mark.parametrize(("approve", "wanted"), [("true", True), ("urgent", False), ("not urgent", True)])
def test_approval__is_asked_for_always_or_on_a_condition(approve: str, wanted: bool) -> None:
    text = RULE.replace("    then:", f"    approve: {approve}\n    then:")
    (draft,) = decide([changed(status="draft")], rules_of(text), partners(("P-1", "Acme")))
    assert isinstance(draft, CommandDraft)
    assert draft.approve is wanted


TIMED = """\
rules:
  - name: review
    why: {en: e, zh: z}
    when: {entity: sales_order, event: [created]}
    if: custom
    within: {hours: 24, calendar: office}
    until:
      - {entity: shipment, event: [created], key: "{sales_order}", if: status == "shipped"}
    then:
      - {task: order_review, owner: production, key: "{golden_id}", title: {en: "Review {number}", zh: "评审 {number}"}, due: {hours: 24, calendar: office}}
      - {notify: production, key: "{golden_id}", text: {en: "{old.status}{number}", zh: z}}
    escalate:
      - {notify: boss, key: "{golden_id}", text: {en: "{number} waits", zh: "{number} 等待"}}
"""  # noqa: E501


def test_timer__starts_stands_and_ends() -> None:
    rules = rules_of(TIMED)
    created = Change("sales_order", "SO-1", "created", None, order(custom=True), ("custom",))
    task, notice, timer = decide([created], rules)
    assert isinstance(task, Task)
    assert (task.owner, task.title["zh"], task.due is not None) == ("production", "评审 SO-1", True)
    assert isinstance(notice, Notice)
    assert notice.text["en"] == "–SO-1"
    assert isinstance(timer, Watched)
    assert (timer.fired, timer.holds) == (True, True)
    still = Change("sales_order", "SO-1", "changed", order(custom=True), order(custom=True, urgent=True), ("urgent",))
    over = Change("sales_order", "SO-1", "changed", order(custom=True), order(), ("custom",))
    gone = Change("sales_order", "SO-1", "deleted", order(custom=True), None, ())
    watched = [decide([change], rules)[0] for change in (still, over, gone)]
    assert [(one.fired, one.holds) for one in watched if isinstance(one, Watched)] == [
        (False, True), (False, False), (False, False)
    ]  # fmt: skip
    (escalated,) = escalations(rules.rules[0], created)
    assert isinstance(escalated, Notice)
    assert (escalated.audience, escalated.text["en"]) == ("boss", "SO-1 waits")


@pytest.mark.parametrize(("status", "ends"), [("shipped", True), ("open", False)])
def test_timer__is_ended_by_another_record(status: str, ends: bool) -> None:
    row = {"sales_order": "SO-1", "status": status}
    found = decide([Change("shipment", "S-1", "created", None, row, ("status",))], rules_of(TIMED))
    assert found == ([TimerEnd("review", "sales_order", "SO-1")] if ends else [])


def test_explained__names_what_was_false_with_its_values() -> None:
    text = RULE.replace('if: buyer.name == "Acme"', 'if: (status == "open" or urgent) and not (buyer.name == "Acme")')
    (verdict,) = explained(changed(status="draft"), rules_of(text), partners(("P-1", "Acme")))
    assert (verdict.reason, verdict.fired) == ("if", False)
    assert verdict.condition is not None
    (step,) = failing(verdict.condition)
    assert (step.text, step.values) == ('buyer.name == "Acme"', {"buyer.name": '"Acme"'})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (Change("sales_order", "SO-1", "created", None, order(), ("status",), "crm"), "event"),
        (changed(urgent=True), "fields"),
        (changed("mes", status="draft"), "origin"),
        (Change("sales_order", "SO-1", "changed", order(), order(), (), "crm", echo=True), "echo"),
        (changed(status="draft"), "unless"),
    ],
)
def test_explained__says_what_stopped_the_rule(change: Change, reason: str) -> None:
    text = RULE.replace("[created, changed, deleted]}", "[changed], fields: [status], origin: [crm]}")
    text = text.replace('if: buyer.name == "Acme"', 'unless: status == "open"')
    text = text.replace("rules:\n", "authority: {purchase_order: {'*': [crm]}}\nrules:\n", 1)
    (verdict,) = explained(change, rules_of(text))
    assert verdict.reason == reason
