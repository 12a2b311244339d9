"""Conditions as Polars expressions: the same typed tree, the same answers, a column at a time.

`rules.nodes` says what null, rounding and division by zero mean; a property test holds both evaluators equal.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import reduce
from typing import Any

import polars as pl

from canonical.entities import DECIMAL, UTC_TIME
from rules.nodes import Both, Compare, Constant, Contains, Field, Node, Not, OneOf, Otherwise, Sum
from rules.scope import Kind, Symbol

Column = Callable[[Symbol], pl.Expr]
"""A symbol → the expression that reads it."""
DTYPES: dict[Kind, pl.DataType] = {
    Kind.NUMBER: DECIMAL, Kind.TEXT: pl.String(), Kind.TRUTH: pl.Boolean(), Kind.DAY: pl.Date(),
    Kind.MOMENT: UTC_TIME, Kind.SPAN: pl.Duration("us"), Kind.NOTHING: pl.Null(),
}  # fmt: skip


def expression(node: Node, column: Column) -> pl.Expr:
    """A condition as a boolean expression that is never null."""
    built = _built(node, column)
    never_null = isinstance(node, Compare | OneOf | Contains | Both | Not)
    return built if never_null else built.fill_null(value=False)


def _built(node: Node, column: Column) -> pl.Expr:
    build: Callable[[Any, Column], pl.Expr] = _BUILDERS[type(node)]
    return build(node, column)


def _constant(node: Constant, _: Column) -> pl.Expr:
    return pl.lit(node.value, dtype=DTYPES[node.kind])


def _field(node: Field, column: Column) -> pl.Expr:
    read = column(node.symbol)
    return read.cast(DECIMAL) if node.kind is Kind.NUMBER else read


def _compare(node: Compare, column: Column) -> pl.Expr:
    left, right = _built(node.left, column), _built(node.right, column)
    if node.order == "eq":
        return left.eq_missing(right)
    if node.order == "ne":
        return left.ne_missing(right)
    compared: pl.Expr = getattr(left, node.order)(right)
    return compared.fill_null(value=False)


def _one_of(node: OneOf, column: Column) -> pl.Expr:
    member = _built(node.member, column)
    same = [member.eq_missing(_constant(value, column)) for value in node.values]
    return reduce(lambda one, other: one | other, same, pl.lit(value=False))


def _contains(node: Contains, column: Column) -> pl.Expr:
    text, part = _built(node.text, column), _built(node.part, column)
    return text.str.contains(part, literal=True).fill_null(value=False)


def _both(node: Both, column: Column) -> pl.Expr:
    left, right = expression(node.left, column), expression(node.right, column)
    return left & right if node.word == "and" else left | right


def _not(node: Not, column: Column) -> pl.Expr:
    return ~expression(node.inner, column)


def _otherwise(node: Otherwise, column: Column) -> pl.Expr:
    return pl.coalesce(_built(node.first, column), _built(node.second, column))


def _sum(node: Sum, column: Column) -> pl.Expr:
    left, right = _built(node.left, column), _built(node.right, column)
    if node.sign == "tdiv":
        # Polars stops at a division by zero; here it gives null.
        return left / pl.when(right != Decimal(0)).then(right)
    added: pl.Expr = {"add": left.__add__, "sub": left.__sub__, "mul": left.__mul__}[node.sign](right)
    return added.cast(DTYPES[node.kind])


_BUILDERS: dict[type, Callable[[Any, Column], pl.Expr]] = {
    Constant: _constant, Field: _field, Compare: _compare, OneOf: _one_of, Contains: _contains, Both: _both,
    Not: _not, Sum: _sum, Otherwise: _otherwise,
}  # fmt: skip
