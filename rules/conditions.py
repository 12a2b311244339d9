"""Rule conditions: typed and exact, checked when loaded, evaluated over one record or (in `rules.bulk`) over frames."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Any

from rules.nodes import (
    Both,
    Compare,
    Constant,
    Contains,
    Field,
    Node,
    Not,
    OneOf,
    Otherwise,
    Sum,
    parts,
    symbols,
    written,
)
from rules.parsing import MAX_LENGTH, PLACES, ConditionError, parsed, parsed_value
from rules.scope import Kind, Names, Symbol

__all__ = ["MAX_LENGTH", "Condition", "ConditionError", "Formula", "Step", "View"]

View = Mapping[str, Mapping[str, Any]]
"""Source ("", `old`, `new`, a relation) → the fields of that record; an empty one where there is none."""
Evaluate = Callable[[View], Any]

_EXACT = Context(prec=90, rounding=ROUND_HALF_EVEN)
_LARGEST = Decimal(10) ** 29
"""Frames hold 29 digits before the point; what does not fit counts as null."""
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """One part of a condition as it came out for one record: its text, its value, and what it compared."""

    text: str
    held: bool
    values: Mapping[str, object]
    parts: tuple[Step, ...] = ()


class Condition:
    """One compiled condition over what a rule can name."""

    def __init__(self, text: str, scope: Names) -> None:
        self.text = text
        self.node = parsed(text, scope)
        self.holds: Callable[[View], bool] = _truth(self.node)
        """Whether the condition holds for a record and what is related to it."""

    @property
    def symbols(self) -> frozenset[Symbol]:
        """What it reads."""
        return symbols(self.node)

    def explained(self, view: View) -> Step:
        """Every part with the values it saw: which of them was false."""
        return _step(self.node, view)


class Formula:
    """One compiled expression of a known kind, in the same language: `2 * stages + 1`."""

    def __init__(self, text: str, scope: Names) -> None:
        self.text = text
        self.node = parsed_value(text, scope)
        self.value: Callable[[View], Any] = _compiled(self.node)
        """What it comes to; null where it reads null or divides by zero."""

    @property
    def kind(self) -> Kind:
        """What its value is."""
        return self.node.kind

    @property
    def symbols(self) -> frozenset[Symbol]:
        """What it reads."""
        return symbols(self.node)


def _step(node: Node, view: View) -> Step:
    held = bool(_truth(node)(view))
    if isinstance(node, Both | Not):
        return Step(str(node), held, {}, tuple(_step(part, view) for part in parts(node)))
    values = {str(symbol): view[symbol.source].get(symbol.name) for symbol in sorted(symbols(node), key=str)}
    return Step(str(node), held, {name: written(value) for name, value in values.items()})


def _truth(node: Node) -> Evaluate:
    """A node as yes or no: null is no."""
    evaluate = _compiled(node)
    if isinstance(node, Compare | OneOf | Contains | Both | Not):
        return evaluate
    return lambda view: evaluate(view) is True


def _compiled(node: Node) -> Evaluate:
    evaluate: Callable[[Any], Evaluate] = _COMPILERS[type(node)]
    return evaluate(node)


def _constant(node: Constant) -> Evaluate:
    value = node.value
    return lambda _: value


def _field(node: Field) -> Evaluate:
    source, name = node.symbol.source, node.symbol.name
    return lambda view: view[source].get(name)


def _compare(node: Compare) -> Evaluate:
    left, right = _compiled(node.left), _compiled(node.right)
    if node.order == "eq":
        return lambda view: bool(left(view) == right(view))
    if node.order == "ne":
        return lambda view: bool(left(view) != right(view))
    return _ordered(_ORDERS[node.order], left, right)


def _ordered(order: Callable[[Any, Any], bool], left: Evaluate, right: Evaluate) -> Evaluate:
    def compare(view: View) -> bool:
        one, other = left(view), right(view)
        return one is not None and other is not None and order(one, other)

    return compare


def _one_of(node: OneOf) -> Evaluate:
    member, values = _compiled(node.member), frozenset(each.value for each in node.values)
    return lambda view: member(view) in values


def _contains(node: Contains) -> Evaluate:
    text, part = _compiled(node.text), _compiled(node.part)

    def contains(view: View) -> bool:
        whole, piece = text(view), part(view)
        return whole is not None and piece is not None and piece in whole

    return contains


def _both(node: Both) -> Evaluate:
    left, right = _truth(node.left), _truth(node.right)
    if node.word == "and":
        return lambda view: left(view) and right(view)
    return lambda view: left(view) or right(view)


def _not(node: Not) -> Evaluate:
    inner = _truth(node.inner)
    return lambda view: not inner(view)


def _otherwise(node: Otherwise) -> Evaluate:
    first, second = _compiled(node.first), _compiled(node.second)

    def choose(view: View) -> object:
        value = first(view)
        return second(view) if value is None else value

    return choose


def _sum(node: Sum) -> Evaluate:
    left, right = _compiled(node.left), _compiled(node.right)
    numbers = node.kind is Kind.NUMBER
    work = _NUMBERS[node.sign] if numbers else _TIMES[node.sign]

    def calculate(view: View) -> object:
        one, other = left(view), right(view)
        if one is None or other is None:
            return None
        try:
            return work(one, other)
        except (InvalidOperation, ZeroDivisionError, OverflowError):
            return None

    return calculate


def _fitting(value: Decimal) -> Decimal | None:
    return value if abs(value) < _LARGEST else None


def _quotient(one: Decimal, other: Decimal) -> Decimal | None:
    return _fitting(_EXACT.divide(one, other).quantize(PLACES, context=_EXACT)) if other else None


_NUMBERS: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda one, other: _fitting(_EXACT.add(one, other)),
    "sub": lambda one, other: _fitting(_EXACT.subtract(one, other)),
    "mul": lambda one, other: _fitting(_EXACT.multiply(one, other).quantize(PLACES, context=_EXACT)),
    "tdiv": _quotient,
}
_TIMES: dict[str, Callable[[Any, Any], Any]] = {"add": operator.add, "sub": operator.sub}
_COMPILERS: dict[type, Callable[[Any], Evaluate]] = {
    Constant: _constant, Field: _field, Compare: _compare, OneOf: _one_of, Contains: _contains, Both: _both,
    Not: _not, Sum: _sum, Otherwise: _otherwise,
}  # fmt: skip
