"""What comes back from our own writing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from rules.diff import Change
from rules.echoes import LOOP_AFTER, Written, circles, heard, returns
from tests.unit.rules.books import rules_of

ROW: dict[str, Any] = {"golden_id": "W1", "quantity": Decimal(60), "due": None, "our_reference": "M|1"}
ON_ANY = rules_of("""\
rules:
  - name: any
    why: {en: e, zh: z}
    when: {entity: work_order, event: [created, changed, deleted]}
    then:
      - {notify: a, key: "{golden_id}", text: {en: e, zh: z}}
""")


def changed(*fields: str) -> Change:
    return Change("work_order", "W1", "changed", ROW, ROW, fields)


def written(own: bool = True, cancelled: bool = False, **body: Any) -> Written:
    return Written("c1", 4, body, cancelled, own)


def acts(change: Change) -> bool:
    return bool(ON_ANY.concerned(change))


def test_what_we_wrote__is_an_echo_known_by_its_revision() -> None:
    answer = heard(changed("quantity"), [written(quantity="60")])
    assert (answer.revision, answer.change.fields, acts(answer.change)) == (4, (), False)


def test_what_else_changed__is_left() -> None:
    answer = heard(changed("quantity", "due"), [written(quantity="60")])
    assert (answer.revision, answer.change.fields, answer.cause) == (4, ("due",), None)
    assert acts(answer.change)


def test_what_the_target_altered__follows_from_our_command() -> None:
    answer = heard(changed("quantity"), [written(quantity="61")])
    assert (answer.revision, answer.change.fields, answer.cause) == (None, ("quantity",), "c1")
    assert acts(answer.change)


@pytest.mark.parametrize(("value", "said"), [(60, "60"), (Decimal("60.5"), "60.5"), (True, "true"), ("60", "60")])
def test_constant_we_wrote__is_text_in_the_rule(value: object, said: str) -> None:
    change = Change("work_order", "W1", "changed", ROW, {**ROW, "good": value}, ("good",))
    assert heard(change, [written(good=said)]).change.echo
    assert not heard(change, [written(good="61")]).change.echo


def test_null_we_wrote__is_an_echo_and_a_field_we_did_not_write_is_none() -> None:
    assert heard(changed("due"), [written(due=None)]).change.echo
    assert not heard(changed("due"), [written(quantity="60")]).change.echo


@pytest.mark.parametrize(("kind", "own", "cancelled", "echo"), [
    ("created", True, False, True),
    ("created", False, False, False),
    ("deleted", True, True, True),
    ("deleted", True, False, False),
])  # fmt: skip
def test_documents_of_ours__come_and_go_as_echoes(kind: Any, own: bool, cancelled: bool, echo: bool) -> None:
    old, new = (ROW, None) if kind == "deleted" else (None, ROW)
    answer = heard(Change("work_order", "W1", kind, old, new, tuple(ROW)), [written(own, cancelled)])
    assert answer.change.echo is echo
    assert acts(answer.change) is not echo


def test_nothing_written__leaves_the_change_as_it_is() -> None:
    change = changed("due")
    assert heard(change, []).change is change


def test_returns__counts_the_same_state_only() -> None:
    state = {"golden_id": "W1", "quantity": "60", "due": None, "our_reference": "M|1"}
    assert returns(changed("quantity"), [state, {**state, "quantity": "61"}, None, state]) == 2
    assert circles(LOOP_AFTER)
    assert not circles(LOOP_AFTER - 1)
