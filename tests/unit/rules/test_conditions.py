"""Rule conditions are checked when loaded and exact when they run."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from rules.conditions import MAX_LENGTH, Condition, ConditionError
from rules.scope import Scope

SCOPE = Scope("planned_order")
ROW = {"sourcing": "make", "quantity": Decimal("0.3"), "due": date(2026, 11, 2), "priority": 5, "supplier": None}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('sourcing == "make"', True),
        ('sourcing == "buy"', False),
        ("quantity == 0.3", True),  # exact: 0.1 + 0.2 as floats would not be
        ("quantity > 0.3", False),
        ("priority >= 5 and quantity > 0", True),
        ("due < d'2026-11-03'", True),
        ('supplier == "S1"', False),
    ],
)
def test_condition__is_exact_and_false_for_null(text: str, holds: bool) -> None:
    assert Condition(text, SCOPE).holds({"": ROW}) is holds


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("qantity > 1", "no field 'qantity'"),
        ('quantity > "many"', 'quantity is a number, "many" is a text'),
        ('quantity == "many"', 'quantity is a number, "many" is a text'),
        ("quantity >", "not a condition"),
        ('sourcing =~ "m.*"', "not allowed"),
        ('sourcing == "mkae"', 'sourcing is never "mkae"'),
        ("quantity > 1 and " * 40 + "true", f"at most {MAX_LENGTH}"),
    ],
)
def test_condition__is_refused_with_a_reason(text: str, said: str) -> None:
    with pytest.raises(ConditionError, match=said):
        Condition(text, SCOPE)


def test_condition__suggests_the_field_that_was_meant() -> None:
    with pytest.raises(ConditionError) as refused:
        Condition("qantity > 1", SCOPE)
    assert refused.value.hint == "Did you mean 'quantity'?"
