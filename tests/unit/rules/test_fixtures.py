"""Fixtures say what a rulebook must do, and are told apart from what it does."""

from __future__ import annotations

from pathlib import Path

import pytest

from canonical.errors import ConfigurationError
from rules.fixtures import try_fixtures
from rules.loading import load_rulebooks
from rules.ruleset import RuleSet

RULES = RuleSet(load_rulebooks(("fulfilment", "urgent")))
CASE = """\
fixtures:
  - name: stock is short
    given:
      fact: planned_order
      event: created
      record: {reference: M|A|1, item: A, sourcing: make, quantity: "60.5", due: 2026-11-09, priority: 5, kit: "[]"}
    expect:
      fires: [make-to-order]
      commands:
        - {command: order_work, to: mes, body: {quantity: 60.5, due: 2026-11-09, kit: []}}
        - {command: order_production, to: erp, key: M|A|1, cancel: false}
      notices: []
"""


def _write(folder: Path, text: str) -> None:
    (folder / "fulfilment.fixtures.yaml").write_text(text, encoding="utf-8")


def tried(folder: Path, text: str) -> tuple[str, ...]:
    _write(folder, text)
    (one,) = try_fixtures("fulfilment", RULES, folder)
    assert one.place == "rules/rulebooks/fulfilment.fixtures.yaml:2:5"
    return one.wrong


def test_fixture__that_holds(tmp_path: Path) -> None:
    assert tried(tmp_path, CASE) == ()


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("fires: [make-to-order]", "fires: []", "fires: expected [], found ['make-to-order']"),
        ("quantity: 60.5", "quantity: 61", "commands: expected"),
        ("notices: []", "notices: [{notify: boss}]", 'notices: expected {"notify":'),
        ("        - {command: order_production, to: erp, key: M|A|1, cancel: false}\n", "", "commands: not expected"),
    ],
)
def test_fixture__that_does_not_hold(tmp_path: Path, right: str, wrong: str, said: str) -> None:
    assert any(said in one for one in tried(tmp_path, CASE.replace(right, wrong)))


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("item: A", "itm: A", "fulfilment.fixtures.yaml:6:34 planned_order has no field 'itm'. Did you mean 'item'?"),
        ('quantity: "60.5"', "quantity: many", "quantity: 'many' is no Decimal"),
        ("fact: planned_order", "fact: planed_order", "unknown fact or entity 'planed_order'"),
    ],
)
def test_fixture__with_a_slip(tmp_path: Path, right: str, wrong: str, said: str) -> None:
    _write(tmp_path, CASE.replace(right, wrong))
    with pytest.raises(ConfigurationError) as refused:
        try_fixtures("fulfilment", RULES, tmp_path)
    assert any(said in str(fault) for fault in refused.value.faults), refused.value.faults


def test_changed_record__was_otherwise_in_the_fields_named(tmp_path: Path) -> None:
    text = CASE.replace("event: created", "event: changed\n      was: {quantity: 50}")
    assert tried(tmp_path, text) == ()
