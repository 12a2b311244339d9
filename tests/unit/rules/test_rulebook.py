"""Rulebooks: every slip is found at load, with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from canonical.errors import ConfigurationError
from rules.diff import Change
from rules.loading import RULEBOOKS, load_rulebooks
from rules.ruleset import RuleSet

GOOD = """\
rules:
  - name: make-to-order
    why: {en: stock is short, zh: 库存不足}
    when: {fact: planned_order, event: [created, changed], fields: [quantity]}
    if: sourcing == "make"
    then:
      - {command: order_production, to: erp, entity: work_order, key: "{reference}", with: {quantity: quantity}}
"""


SHIPPED = tuple(sorted(path.stem for path in RULEBOOKS.glob("*.yaml") if "." not in path.stem))


def faults_of(folder: Path, text: str) -> list[str]:
    (folder / "book.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        load_rulebooks(("book",), folder)
    return [str(fault) for fault in refused.value.faults]


def test_shipped_rulebook__loads() -> None:
    names = [rule.name for rule in load_rulebooks(SHIPPED)]
    assert len(names) == len(set(names))
    assert {"ship-from-stock", "make-to-order", "report-production", "urgent-order"} <= set(names)


def test_good_rulebook__loads(tmp_path: Path) -> None:
    (tmp_path / "book.yaml").write_text(GOOD, encoding="utf-8")
    rules = RuleSet(load_rulebooks(("book",), tmp_path))

    def concerned(kind: Any, *fields: str) -> bool:
        return bool(rules.concerned(Change("planned_order", "k", kind, {}, {}, fields)))

    assert concerned("created", "quantity", "due")
    assert concerned("changed", "quantity")
    assert not concerned("changed", "due")
    assert not concerned("deleted")


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ("fact: planed_order", "fact: planned_order", "book.yaml:4:12 unknown fact 'planed_order'"),
        ("with: {quantity: qty}", "with: {quantity: quantity}", "planned_order has no field 'qty'"),
        ("{refrence}", "{reference}", "planned_order has no field 'refrence'. Did you mean 'reference'?"),
        ("entity: work_ordre", "entity: work_order", "unknown entity 'work_ordre'. Did you mean 'work_order'?"),
        ('sorcing == "make"', 'sourcing == "make"', "book.yaml:5:5 planned_order has no field 'sorcing'"),
        ("fields: [quantiy]", "fields: [quantity]", "planned_order has no field 'quantiy'"),
        ("unles: 1 == 1\n    if:", "if:", "unknown key 'unles'. Did you mean 'unless'?"),
    ],
)
def test_faulty_rulebook__says_where_and_what_was_meant(tmp_path: Path, wrong: str, right: str, said: str) -> None:
    found = faults_of(tmp_path, GOOD.replace(right, wrong))
    assert any(said in fault for fault in found), found


def test_double_rule__is_a_fault(tmp_path: Path) -> None:
    twice = GOOD + GOOD.removeprefix("rules:\n")
    assert any("stands twice" in fault for fault in faults_of(tmp_path, twice))
