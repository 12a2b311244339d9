"""Configured products: what stands, what does not and why, and one item for the same content."""

from __future__ import annotations

from decimal import Decimal
from itertools import product
from typing import Any
from unittest.mock import Mock

import pytest

from planning.configuration import (
    Computed,
    Constraint,
    NotConfigurable,
    Option,
    OptionLine,
    OptionModel,
    OptionOperation,
    Template,
    Value,
    Values,
    configure,
)
from planning.configuration_variants import Variants

SIZES: tuple[Value, ...] = tuple(Decimal(n) for n in (10, 20, 30))


def fixed(value: str) -> Any:
    return lambda _: Decimal(value)


def two_fifths(values: Values) -> Value:
    size = values["size"]
    return size * 2 / 5 if isinstance(size, Decimal) else None


def line(item: str, quantity: Any = None, reads: tuple[str, ...] = (), **more: Any) -> OptionLine:
    return OptionLine(item, quantity or fixed("1"), frozenset(reads), **more)


def model(*constraints: Constraint, extra: tuple[OptionLine, ...] = ()) -> OptionModel:
    options = (
        Option("size", SIZES),
        Option("colour", ("red", "blue"), default="red"),
        Option("drive", ("hand", "motor"), default="hand"),
        Option("volts", (Decimal(24), Decimal(48)), when=lambda v: v["drive"] == "motor", reads=frozenset({"drive"})),
        Computed("bolts", ((None, two_fifths),), frozenset({"size"})),
    )
    head = (
        line("BODY"),
        line("PAINT", reads=("colour",), when=lambda v: v["colour"] == "blue"),
        line("MOTOR", reads=("drive",), when=lambda v: v["drive"] == "motor"),
        *extra,
    )
    body = (line("BOLT", lambda v: v["bolts"], ("bolts",)), line("PLATE"))
    steps = (OptionOperation(10, "WELD", fixed("5"), lambda v: v["size"], frozenset({"size"})),)
    templates = {"CART": Template("CART", head), "BODY": Template("BODY", body, steps)}
    return OptionModel("cart", "CART", options, constraints, templates)


def rule(name: str, holds: Any, *reads: str) -> Constraint:
    return Constraint(name, holds, frozenset(reads), name)


HEAVY = rule("heavy-needs-motor", lambda v: v["size"] < 30 or v["drive"] == "motor", "size", "drive")
NO_BLUE_MOTOR = rule("no-blue-motor", lambda v: v["drive"] != "motor" or v["colour"] != "blue", "drive", "colour")


def refused(of: OptionModel, **given: Value) -> tuple[Any, ...]:
    with pytest.raises(NotConfigurable) as caught:
        configure(of, given)
    return caught.value.violations


def test_configure__fills_in_defaults_and_computes_exactly() -> None:
    found = configure(model(), {"size": Decimal(20)})
    assert found.values == {
        "size": Decimal(20), "colour": "red", "drive": "hand", "volts": None, "bolts": Decimal(8)
    }  # fmt: skip
    assert found.chosen == {"size"}


@pytest.mark.parametrize(
    ("given", "kind", "name"),
    [
        ({}, "missing", "size"),
        ({"size": Decimal(11)}, "not_allowed", "size"),
        ({"size": "10"}, "not_allowed", "size"),
        ({"size": Decimal(10), "wings": "two"}, "unknown_option", "wings"),
        ({"size": Decimal(10), "volts": Decimal(24)}, "not_offered", "volts"),
        ({"size": Decimal(10), "drive": "motor"}, "missing", "volts"),
    ],
)
def test_configure__what_no_option_has_is_named(given: dict[str, Value], kind: str, name: str) -> None:
    assert (kind, name) in [(row.kind, row.name) for row in refused(model(), **given)]


def test_conflict__names_the_constraint_and_the_fewest_choices() -> None:
    (found,) = refused(model(HEAVY), size=Decimal(30), colour="blue")
    assert (found.kind, found.name) == ("constraint", "heavy-needs-motor")
    assert found.conflict == (("size", Decimal(30)), ("drive", "hand"))
    assert ("size", Decimal(20)) in found.remedies  # the nearest that stands
    assert "colour" not in dict(found.remedies)


def test_conflict__of_two_constraints_needs_no_choice_between_them() -> None:
    """Size 30 wants a motor, a motor wants no blue: size and colour conflict whatever the drive is."""
    (found,) = refused(model(HEAVY, NO_BLUE_MOTOR), size=Decimal(30), colour="blue", drive="motor", volts=Decimal(24))
    assert found.name == "no-blue-motor"
    assert dict(found.conflict) in ({"colour": "blue", "drive": "motor"}, {"size": Decimal(30), "colour": "blue"})


def test_conflict__is_minimal_and_real_for_every_refused_choice() -> None:
    """By trying everything: the conflict cannot be met, and without any one of its choices it can."""
    of = model(HEAVY, NO_BLUE_MOTOR)

    def stands(part: dict[str, Value]) -> bool:
        for size, colour, drive in product(SIZES, ("red", "blue"), ("hand", "motor")):
            volts = Decimal(24) if drive == "motor" else None
            whole = {"size": size, "colour": colour, "drive": drive, "volts": part.get("volts", volts)}
            if all(whole[name] == value for name, value in part.items()) and all(
                one.holds(whole) for one in of.constraints
            ):
                return True
        return False

    seen = 0
    for size, colour, drive in product(SIZES, ("red", "blue"), ("hand", "motor")):
        given: dict[str, Value] = {"size": size, "colour": colour, "drive": drive}
        given |= {"volts": Decimal(24)} if drive == "motor" else {}
        if stands(given):
            assert configure(of, given)
            continue
        for violation in refused(of, **given):
            seen += 1
            conflict = dict(violation.conflict)
            assert conflict
            assert not stands(conflict)
            assert all(stands({k: v for k, v in conflict.items() if k != name}) for name in conflict)
    assert seen


def test_build__one_bom_and_one_routing() -> None:
    variants = Variants(model())
    code = variants.build(configure(variants.model, {"size": Decimal(20)}).values)
    cart = variants.items[code]
    (body,) = (variants.items[one.item] for one in cart.lines)
    assert cart.template == "CART"
    assert [(one.item, one.quantity) for one in body.lines] == [("BOLT", Decimal(8)), ("PLATE", Decimal(1))]
    assert [(step.sequence, step.run_minutes) for step in body.operations] == [(10, Decimal(20))]
    assert body.choices == (("bolts", Decimal(8)), ("size", Decimal(20)))


def test_build__siblings_share_what_their_choices_leave_alike() -> None:
    variants = Variants(model())
    red, blue = (
        variants.build(configure(variants.model, {"size": Decimal(20), "colour": colour}).values)
        for colour in ("red", "blue")
    )
    assert red != blue
    bodies = {one.code for code in (red, blue) for one in variants.below(code) if one.template == "BODY"}
    assert len(bodies) == 1
    assert len(variants.items) == 3


def test_build__a_line_is_worked_out_once_for_each_set_of_values_it_reads() -> None:
    rail = Mock(side_effect=two_fifths)
    variants = Variants(model(extra=(line("RAIL", rail, ("size",)),)))
    wanted = [(size, colour) for size in (Decimal(10), Decimal(20)) for colour in ("red", "blue")]
    codes = [
        variants.build(configure(variants.model, {"size": size, "colour": colour}).values) for size, colour in wanted
    ]
    rails = [next(one.quantity for one in variants.items[code].lines if one.item == "RAIL") for code in codes]
    assert rails == [4, 4, 8, 8]
    assert rail.call_count == 2
    below = [one.code for one in variants.below(*codes)]
    assert len(below) == len(set(below)) == 6  # four carts, two bodies


def test_build__the_same_content_has_the_same_code_in_another_process() -> None:
    first, second = (Variants(model()) for _ in range(2))
    values = configure(first.model, {"size": Decimal("20.0")}).values
    assert first.build(values) == second.build(configure(second.model, {"size": Decimal(20)}).values)


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ((line("A", slot="s"), line("B", slot="s")), "slot s"),
        ((line("A", slot="s", when=lambda _: False),), "slot s"),
        ((line("A", fixed("-1")),), "no quantity"),
        ((line("A", operation=70),), "operation 70"),
    ],
)
def test_build__a_structure_that_is_none_is_refused(extra: tuple[OptionLine, ...], said: str) -> None:
    of = model(extra=extra)
    with pytest.raises(NotConfigurable, match=said):
        Variants(of).build(configure(of, {"size": Decimal(10)}).values)


def test_build__a_line_of_quantity_zero_does_not_count() -> None:
    of = model(extra=(line("A", fixed("0")),))
    variants = Variants(of)
    code = variants.build(configure(of, {"size": Decimal(10)}).values)
    assert "A" not in [one.item for one in variants.items[code].lines]
