"""From the text of a condition to a typed tree: `rule-engine` reads the language, every kind is checked here.

`rule-engine` compares unlike things without a word (`quantity == "many"` is false), and gives up a whole condition when
one part of it is null. So its grammar is kept and its evaluation is not: see `rules.nodes` for what holds instead.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, cast

from canonical.strict_yaml import suggest
from rules.grammar import ast, rule_engine
from rules.nodes import (
    SIGNS,
    Both,
    Compare,
    Constant,
    Contains,
    Field,
    Node,
    Not,
    OneOf,
    Order,
    Otherwise,
    Sign,
    Sum,
    Value,
    written,
)
from rules.scope import Kind, Names, UnknownSymbol

MAX_LENGTH = 300
PLACES = Decimal("1e-9")
LARGEST = Decimal(10) ** 18
_ORDERED = frozenset({Kind.NUMBER, Kind.TEXT, Kind.DAY, Kind.MOMENT, Kind.SPAN})
_SUMS = {
    (Kind.NUMBER, "add", Kind.NUMBER): Kind.NUMBER,
    (Kind.NUMBER, "sub", Kind.NUMBER): Kind.NUMBER,
    (Kind.NUMBER, "mul", Kind.NUMBER): Kind.NUMBER,
    (Kind.NUMBER, "tdiv", Kind.NUMBER): Kind.NUMBER,
    (Kind.DAY, "add", Kind.SPAN): Kind.DAY,
    (Kind.DAY, "sub", Kind.SPAN): Kind.DAY,
    (Kind.DAY, "sub", Kind.DAY): Kind.SPAN,
    (Kind.MOMENT, "add", Kind.SPAN): Kind.MOMENT,
    (Kind.MOMENT, "sub", Kind.SPAN): Kind.MOMENT,
    (Kind.MOMENT, "sub", Kind.MOMENT): Kind.SPAN,
    (Kind.SPAN, "add", Kind.SPAN): Kind.SPAN,
    (Kind.SPAN, "sub", Kind.SPAN): Kind.SPAN,
}
"""What may be added, taken away, multiplied and divided, and what comes of it."""


class ConditionError(ValueError):
    """A condition is not usable; the message says why, `hint` what may have been meant."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        self.hint = hint
        super().__init__(message)


def parsed(text: str, scope: Names) -> Node:
    """The typed tree of a condition. Raises `ConditionError`."""
    node = parsed_value(text, scope)
    if node.kind is not Kind.TRUTH:
        raise ConditionError(f"not a condition: {node} is a {node.kind}", "compare it with something")
    return node


def parsed_value(text: str, scope: Names) -> Node:
    """The typed tree of an expression of any kind. Raises `ConditionError`."""
    if len(text) > MAX_LENGTH:
        raise ConditionError(f"a condition is at most {MAX_LENGTH} characters long", "derive a fact for the rest")
    try:
        statement = rule_engine.Rule(text, context=rule_engine.Context(default_timezone="utc")).statement
    except rule_engine.errors.RuleSyntaxError as error:
        token = getattr(error, "token", None)
        where = f"at {token.value!r}" if token is not None else "at its end"
        raise ConditionError(f"not a condition: syntax error {where}") from None
    except rule_engine.errors.EngineError as error:
        raise ConditionError(f"not a condition: {error.message}") from None
    except (ArithmeticError, RecursionError, ValueError) as error:
        raise ConditionError(f"not a condition: {error}") from None
    return _Reading(scope).node(statement.expression)


class _Reading:
    """Reads one condition within its scope."""

    def __init__(self, scope: Names) -> None:
        self.scope = scope
        self._readers: dict[type, Callable[[Any], Node]] = {
            ast.SymbolExpression: lambda found: self._field(found.name),
            ast.GetAttributeExpression: self._attribute,
            ast.LogicExpression: self._logic,
            ast.UnaryExpression: self._unary,
            ast.ComparisonExpression: self._comparison,
            ast.ArithmeticComparisonExpression: self._comparison,
            ast.ContainsExpression: self._contains,
            ast.ArithmeticExpression: self._sum,
            ast.AddExpression: self._sum,
            ast.SubtractExpression: self._sum,
            ast.CoalesceExpression: self._otherwise,
        }

    def node(self, found: Any) -> Node:  # noqa: ANN401 - rule-engine's nodes are untyped here
        """One node and all below it."""
        reader = self._readers.get(type(found))
        if reader is not None:
            return reader(found)
        if isinstance(found, ast.LiteralExpressionBase):
            return _constant(found)
        word = type(found).__name__.removesuffix("Expression").lower()
        raise ConditionError(f"{word} is not allowed in a condition", "derive a fact instead")

    def _field(self, text: str) -> Field:
        try:
            symbol = self.scope.symbol(text)
        except UnknownSymbol as error:
            raise ConditionError(str(error), error.hint) from None
        return Field(symbol, self.scope.kind(symbol))

    def _attribute(self, found: Any) -> Node:  # noqa: ANN401
        if not isinstance(found.object, ast.SymbolExpression):
            raise ConditionError(f"{found.name!r} is not allowed in a condition", "write `relation.field`")
        return self._field(f"{found.object.name}.{found.name}")

    def _logic(self, found: Any) -> Node:  # noqa: ANN401
        left, right = (self._truth(part) for part in (found.left, found.right))
        return Both(found.type, left, right)

    def _truth(self, found: Any) -> Node:  # noqa: ANN401
        node = self.node(found)
        if node.kind is not Kind.TRUTH:
            raise ConditionError(f"{node} is a {node.kind}, not yes or no", "compare it with something")
        return node

    def _unary(self, found: Any) -> Node:  # noqa: ANN401
        if found.type == "not":
            return Not(self._truth(found.right))
        inner = self.node(found.right)
        if inner.kind is not Kind.NUMBER:
            raise ConditionError(f"-{inner}: {inner} is a {inner.kind}, not a number")
        return Sum("sub", Constant(Decimal(0), Kind.NUMBER), inner, Kind.NUMBER)

    def _comparison(self, found: Any) -> Node:  # noqa: ANN401
        left, right = _alike(self.node(found.left), self.node(found.right))
        order = cast("Order", found.type)
        equality = order in {"eq", "ne"}
        _same_kind(left, right, f"{left} {SIGNS[order]} {right}", null=equality)
        if not equality and left.kind not in _ORDERED:
            raise ConditionError(f"{left} {SIGNS[order]} {right}: a {left.kind} has no order")
        self._listed(left, right)
        self._listed(right, left)
        return Compare(order, left, right)

    def _listed(self, field: Node, value: Node) -> None:
        """A field whose values are listed is compared with one of them, or the comparison never holds."""
        if isinstance(field, Field) and isinstance(value, Constant) and isinstance(value.value, str):
            known = self.scope.values(field.symbol)
            if known and value.value not in known:
                raise ConditionError(
                    f"{field} is never {value}", suggest(value.value, known) or f"known: {', '.join(known)}"
                )

    def _contains(self, found: Any) -> Node:  # noqa: ANN401
        member = self.node(found.member)
        if not isinstance(found.container, ast.ArrayExpression | ast.SetExpression):
            text = self.node(found.container)
            for side in (member, text):
                if side.kind is not Kind.TEXT:
                    raise ConditionError(f"{member} in {text}: {side} is a {side.kind}, not text")
            return Contains(text, member)
        values = tuple(_alike(member, self.node(value))[1] for value in found.container.value)
        for value in values:
            if not isinstance(value, Constant):
                raise ConditionError(f"{value}: a list after `in` holds written values only", "compare with == and or")
            _same_kind(member, value, f"{member} in [{value}]", null=True)
            self._listed(member, value)
        return OneOf(member, tuple(value for value in values if isinstance(value, Constant)))

    def _sum(self, found: Any) -> Node:  # noqa: ANN401
        (left, right), sign = _alike(self.node(found.left), self.node(found.right)), found.type
        kind = _SUMS.get((left.kind, sign, right.kind))
        if kind is None:
            shown = SIGNS.get(sign, sign)
            raise ConditionError(f"{left} {shown} {right}: a {left.kind} and a {right.kind} do not go together so")
        if Kind.DAY in {left.kind, kind} and right.kind is Kind.SPAN:
            _whole_days(right)
        return Sum(cast("Sign", sign), left, right, kind)

    def _otherwise(self, found: Any) -> Node:  # noqa: ANN401
        first, second = _alike(self.node(found.left), self.node(found.right))
        _same_kind(first, second, f"{first} ?? {second}", null=False)
        return Otherwise(first, second, first.kind)


def _constant(found: Any) -> Constant:  # noqa: ANN401
    value = found.value
    kinds: tuple[tuple[type, Kind], ...] = (
        (bool, Kind.TRUTH), (Decimal, Kind.NUMBER), (str, Kind.TEXT), (datetime, Kind.MOMENT),
        (timedelta, Kind.SPAN), (type(None), Kind.NOTHING),
    )  # fmt: skip
    kind = next((kind for type_, kind in kinds if isinstance(value, type_)), None)
    if kind is None:
        raise ConditionError(f"{value!r} is not allowed in a condition")
    if kind is Kind.NUMBER:
        _exact(value)
    return Constant(cast("Value", value), kind)


def _exact(value: Decimal) -> None:
    if not value.is_finite() or abs(value) >= LARGEST or value != round(value, 9):
        raise ConditionError(f"{value}: a number has at most nine places and eighteen digits before them")


def _alike(left: Node, right: Node) -> tuple[Node, Node]:
    """A date written without a time of day means a day where it meets a day."""
    if left.kind is Kind.DAY and isinstance(right, Constant):
        right = _as_day(right)
    if right.kind is Kind.DAY and isinstance(left, Constant):
        left = _as_day(left)
    return left, right


def _as_day(constant: Constant) -> Constant:
    value = constant.value
    if isinstance(value, datetime) and value.time() == time():
        return Constant(date(value.year, value.month, value.day), Kind.DAY)
    return constant


def _same_kind(left: Node, right: Node, said: str, *, null: bool) -> None:
    kinds = {left.kind, right.kind}
    if Kind.NOTHING in kinds and not null:
        raise ConditionError(f"{said}: null has no order and no value", "write == null or != null")
    if len(kinds - {Kind.NOTHING}) > 1:
        raise ConditionError(f"{said}: {left} is a {left.kind}, {right} is a {right.kind}", _meant(left, right))


def _meant(left: Node, right: Node) -> str | None:
    kinds = {left.kind, right.kind}
    if kinds == {Kind.DAY, Kind.MOMENT}:
        return 'a day is written d"2026-11-02"'
    if Kind.TEXT in kinds and kinds & {Kind.DAY, Kind.MOMENT}:
        return 'dates are written d"2026-11-02"'
    constant = next((side for side in (left, right) if isinstance(side, Constant)), None)
    if kinds == {Kind.TEXT, Kind.NUMBER} and constant is not None and constant.kind is Kind.NUMBER:
        return f'codes are text: write "{written(constant.value)}"'
    return None


def _whole_days(span: Node) -> None:
    value = span.value if isinstance(span, Constant) else None
    if not isinstance(value, timedelta) or value % timedelta(days=1):
        raise ConditionError(f'{span}: to a day only whole days are added, written t"P2D"')
