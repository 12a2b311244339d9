"""What the loader refuses: every slip with its place and what may have been meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.rules.books import faults_of, rules_of

BOOK = """\
authority:
  sales_order:
    customer: [crm]
    "*": [hub]
rules:
  - name: big-order
    why: {en: a big order, zh: 大单}
    when: {entity: sales_order, event: [created, changed], fields: [status], origin: [crm]}
    related:
      buyer: {entity: partner, key: customer}
      open: {fact: open_order, key: number, by: sales_order}
    if: status == "open" and old.status != "open" and buyer.name != null
    unless: urgent
    priority: 3
    approve: open.started > 1000
    within: {hours: 24, calendar: office, from: ordered_on}
    until:
      - {entity: shipment, event: [created], key: "{sales_order}", if: status == "shipped"}
    then:
      - notify: sales
        key: "{golden_id}"
        text: {en: "{buyer.name} orders", zh: "{buyer.name} 下单"}
      - task: big_order_review
        owner: sales
        key: "{golden_id}"
        title: {en: look, zh: 看}
        due: {days: 1, calendar: office}
    escalate:
      - {notify: boss, key: "{golden_id}", text: {en: late, zh: 迟}}
"""


def test_whole_language__loads() -> None:
    (rule,) = rules_of(BOOK)
    assert rule.scope.relations == {"buyer": "partner", "open": "open_order"}
    assert rule.place == "book.yaml:6:5"


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("buyer.name != null", "buyer.nmae != null", "book0.yaml:12:5 partner has no field 'nmae'. Did you"),
        ("buyer.name != null", "byer.name != null", "nothing here is called 'byer'. Did you mean 'buyer'?"),
        ("unless: urgent", "unless: urgent == 1", "book0.yaml:13:5 urgent == 1: urgent is a yes or no, 1 is a number"),
        ("unless: urgent", "unless: customer", "customer is a text. compare it with something"),
        ('status == "open"', 'status == "opne"', "status is never \"opne\". Did you mean 'open'?"),
        ('status == "open"', "ordered_on == 20261102", "ordered_on is a day, 20261102 is a number"),
        ('status == "open"', 'ordered_on > "2026-11-02"', 'dates are written d"2026-11-02"'),
        ("key: customer}", "key: urgent}", "urgent is a yes or no, partner.golden_id a text"),
        ("by: sales_order", "by: sales_ordr", "open_order has no field 'sales_ordr'. Did you mean 'sales_order'?"),
        ("entity: partner", "entity: partnr", "unknown entity 'partnr'. Did you mean 'partner'?"),
        ("fact: open_order", "entity: open_order", "open_order is no entity: write the other key"),
        ("from: ordered_on", "from: number", "number is a text, not a day or a moment"),
        ("{buyer.name} orders", "{buyer.name!r} orders", "takes no format"),
        ("{buyer.name} orders", "{buyer.__class__} orders", "partner has no field '__class__'"),
        ("{buyer.name} orders", "{buyer.name", "expected '}'"),
        (", zh: 看}", "}", "title is missing in 'zh'"),
        ("task: big", "tsk: big", "an action needs `command`, `notify` or `task`"),
        ("priority: 3", "priorty: 3", "unknown key 'priorty'. Did you mean 'priority'?"),
        ("    escalate:\n      - {notify: boss", "    thn:\n      - {notify: boss", "unknown key 'thn'"),
        ("origin: [crm]", "origin: [crm], entty: x", "unknown key 'entty'"),
        ('key: "{sales_order}"', 'key: "{order}"', "shipment has no field 'order'"),
        ("customer: [crm]", "custmer: [crm]", "book0.yaml:3:5 sales_order has no field 'custmer'"),
    ],
)  # fmt: skip
def test_slip__is_told_with_its_place(tmp_path: Path, right: str, wrong: str, said: str) -> None:
    found = faults_of(tmp_path, BOOK.replace(right, wrong, 1))
    assert any(said in fault for fault in found), found


WRITES = """\
authority:
  sales_order: {customer: [crm], status: [hub, crm]}
rules:
  - name: tell-erp
    why: {en: e, zh: z}
    when: {ORIGIN entity: sales_order, event: [changed], fields: [customer]}
    then:
      - {command: take_over, to: erp, entity: ENTITY, key: "{number}", with: {FIELD: FIELD}}
"""


def _writes(field: str, origin: str = "", entity: str = "sales_order") -> str:
    return WRITES.replace("FIELD", field).replace("ORIGIN", origin).replace("ENTITY", entity)


def test_authority__lets_a_rule_carry_on_what_its_origin_owns() -> None:
    rules_of(_writes("customer", "origin: [crm],"))
    rules_of(_writes("status"))


@pytest.mark.parametrize(
    ("field", "origin", "said"),
    [
        ("customer", "", "book0.yaml:8:84 hub may not write sales_order.customer: that is for crm"),
        ("customer", "origin: [crm, mes],", "mes may not write sales_order.customer: that is for crm"),
        ("urgent", "origin: [crm],", "crm may not write sales_order.urgent: that is for hub"),
    ],
)
def test_authority__refuses_what_a_rule_may_not_write(tmp_path: Path, field: str, origin: str, said: str) -> None:
    found = faults_of(tmp_path, _writes(field, origin))
    assert any(said in fault for fault in found), found


def test_authority__is_claimed_once(tmp_path: Path) -> None:
    other = "authority:\n  sales_order: {customer: [erp]}\nrules: []\n"
    found = faults_of(tmp_path, _writes("status"), other)
    assert any("book1.yaml:2:17 another rulebook gives sales_order.customer to crm" in fault for fault in found), found


CIRCLE = """\
rules:
  - name: first
    why: {en: e, zh: z}
    when: {entity: work_order, event: [changed], fields: [due]}
    then:
      - {command: a, to: erp, entity: purchase_order, key: "{code}", with: {due: due}}
  - name: second
    why: {en: e, zh: z}
    when: {entity: purchase_order, event: [changed], fields: [due]}
    then:
      - {command: b, to: mes, entity: work_order, key: "{number}", with: {due: due}}
"""


def test_circle__is_found_at_load(tmp_path: Path) -> None:
    (found,) = faults_of(tmp_path, CIRCLE)
    assert found.startswith(
        "rules/rulebooks/book0.yaml:2:5 rules set each other off in a circle: first → second → first"
    )


def test_circle__that_cannot_close_is_none() -> None:
    rules_of(
        CIRCLE.replace(
            "purchase_order, event: [changed], fields: [due]", "purchase_order, event: [changed], fields: [quantity]"
        )
    )
    rules_of(CIRCLE.replace("purchase_order, event: [changed], fields: [due]", "purchase_order, event: [deleted]"))
    claimed = CIRCLE.replace("rules:\n", "authority: {work_order: {due: [crm]}}\nrules:\n", 1)
    rules_of(claimed.replace("{entity: purchase_order,", "{entity: purchase_order, origin: [crm],"))
