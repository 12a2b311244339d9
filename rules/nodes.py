"""The checked form of a condition: a small typed tree that both evaluators and the explanation read.

Three rules hold for all of it. A comparison by order with null is false, `==` and `!=` take null for a value like any
other, and arithmetic with null gives null. Numbers have nine places: a product or a quotient is rounded half to even,
and a division by zero gives null.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal

from rules.scope import Kind, Symbol

Value = Decimal | int | str | bool | date | datetime | timedelta | None
Order = Literal["eq", "ne", "lt", "le", "gt", "ge"]
Sign = Literal["add", "sub", "mul", "tdiv"]
SIGNS: dict[str, str] = {
    "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
    "add": "+", "sub": "-", "mul": "*", "tdiv": "/",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Constant:
    """A value written in the condition."""

    value: Value
    kind: Kind

    def __str__(self) -> str:
        return written(self.value)


@dataclass(frozen=True, slots=True)
class Field:
    """A symbol's value."""

    symbol: Symbol
    kind: Kind

    def __str__(self) -> str:
        return str(self.symbol)


@dataclass(frozen=True, slots=True)
class Compare:
    """Two values of one kind, compared."""

    order: Order
    left: Node
    right: Node
    kind: Kind = Kind.TRUTH

    def __str__(self) -> str:
        return f"{bracketed(self.left)} {SIGNS[self.order]} {bracketed(self.right)}"


@dataclass(frozen=True, slots=True)
class OneOf:
    """Whether a value stands in a list that is written out."""

    member: Node
    values: tuple[Constant, ...]
    kind: Kind = Kind.TRUTH

    def __str__(self) -> str:
        return f"{bracketed(self.member)} in [{', '.join(map(str, self.values))}]"


@dataclass(frozen=True, slots=True)
class Contains:
    """Whether a text contains another."""

    text: Node
    part: Node
    kind: Kind = Kind.TRUTH

    def __str__(self) -> str:
        return f"{bracketed(self.part)} in {bracketed(self.text)}"


@dataclass(frozen=True, slots=True)
class Both:
    """`and`, or `or`; what is null counts as false."""

    word: Literal["and", "or"]
    left: Node
    right: Node
    kind: Kind = Kind.TRUTH

    def __str__(self) -> str:
        return f"{bracketed(self.left)} {self.word} {bracketed(self.right)}"


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite; what is null counts as false, so its opposite is true."""

    inner: Node
    kind: Kind = Kind.TRUTH

    def __str__(self) -> str:
        return f"not {bracketed(self.inner)}"


@dataclass(frozen=True, slots=True)
class Sum:
    """`+`, `-`, `*` and `/` of numbers; `+` and `-` of days, moments and spans."""

    sign: Sign
    left: Node
    right: Node
    kind: Kind

    def __str__(self) -> str:
        return f"{bracketed(self.left)} {SIGNS[self.sign]} {bracketed(self.right)}"


@dataclass(frozen=True, slots=True)
class Otherwise:
    """`a ?? b`: the first, or where it is null the second."""

    first: Node
    second: Node
    kind: Kind

    def __str__(self) -> str:
        return f"{bracketed(self.first)} ?? {bracketed(self.second)}"


Node = Constant | Field | Compare | OneOf | Contains | Both | Not | Sum | Otherwise


def bracketed(node: Node) -> str:
    """A part of a larger condition, in brackets unless it stands alone."""
    return str(node) if isinstance(node, Constant | Field) else f"({node})"


def written(value: object) -> str:
    """A value as it would be written in a condition."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, datetime):
        return f'd"{value:%Y-%m-%dT%H:%M:%S%z}"'
    if isinstance(value, date):
        return f'd"{value}"'
    if isinstance(value, timedelta):
        seconds, micro = divmod(value % timedelta(days=1), timedelta(seconds=1))
        fraction = f".{micro.microseconds:06d}" if micro else ""
        return f't"P{value.days}DT{seconds}{fraction}S"'
    return f'"{value}"' if isinstance(value, str) else str(value)


def parts(node: Node) -> tuple[Node, ...]:
    """The parts of a node, left to right."""
    match node:
        case Compare() | Both() | Sum():
            return (node.left, node.right)
        case OneOf():
            return (node.member,)
        case Contains():
            return (node.part, node.text)
        case Not():
            return (node.inner,)
        case Otherwise():
            return (node.first, node.second)
        case _:
            return ()


def symbols(node: Node) -> frozenset[Symbol]:
    """Every symbol a condition reads."""
    if isinstance(node, Field):
        return frozenset({node.symbol})
    return frozenset().union(*(symbols(part) for part in parts(node)))
