"""The vendor's FilterString, both shapes, turned into parameterised SQL.

The text shape is a subset of SQL: `field op value` joined by and / or, parentheses allowed, with
= <> >= <= > <, like, in, is null. The list shape is rows of {Left, FieldName, Compare, Value, Right, Logic}.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation

from sandbox.erp.columns import Column
from sandbox.erp.envelope import BAD_PARAMETER, Refused

Find = Callable[[str], Column]
_TOKEN = re.compile(
    r"\s*(?:(?P<text>N?'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<op><>|!=|>=|<=|=|>|<)"
    r"|(?P<mark>[(),])|(?P<word>[^\W\d][\w.]*))"
)
_DATE_SHAPES = (
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d",
)
# The vendor's numeric comparison codes; only 67 is documented, the rest of the list takes symbols.
_COMPARES = {"67": "=", "=": "=", "<>": "<>", "!=": "<>", ">": ">", "<": "<", ">=": ">=", "<=": "<=", "like": "like"}


@dataclass(frozen=True, slots=True)
class Condition:
    """An SQL condition with its parameters, and whether it looks at entry rows."""

    sql: str
    values: tuple[object, ...]
    in_rows: bool


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


EVERYTHING = Condition("1", (), in_rows=False)


def local_time(text: str) -> str:
    """`text` in the one shape times are stored in, `2026-01-02T00:00:00`.

    Raises ValueError when it is no date the vendor accepts.
    """
    for shape in _DATE_SHAPES:
        try:
            return datetime.strptime(text.strip(), shape).strftime("%Y-%m-%dT%H:%M:%S")  # noqa: DTZ007 - it has no zone
        except ValueError:
            continue
    raise ValueError(text)


def parse_filter(given: object, find: Find) -> Condition:
    """The condition a FilterString means; nothing given means everything. Raises Refused."""
    if given is None or given in ("", []):
        return EVERYTHING
    if isinstance(given, str):
        return _Parser(_tokens(given), find).whole()
    if isinstance(given, list):
        return _Parser(_tokens_of_rows(given), find).whole()
    raise Refused("过滤条件FilterString格式不正确", BAD_PARAMETER, "FilterString")


def _tokens(text: str) -> list[_Token]:
    found, place = [], 0
    while text[place:].strip():
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise Refused(f"过滤条件语法错误：{text[place:].strip()[:40]}", BAD_PARAMETER, "FilterString")
        found.append(_Token(match.lastgroup, match.group(match.lastgroup)))
        place = match.end()
    return found


def _tokens_of_rows(rows: Sequence[object]) -> list[_Token]:
    found: list[_Token] = []
    for index, row in enumerate(rows):
        if not isinstance(row, dict):
            raise Refused("过滤条件FilterString格式不正确", BAD_PARAMETER, "FilterString")
        compare = _COMPARES.get(str(row.get("Compare", "")).lower())
        if compare is None:
            raise Refused(f"不支持的比较符[{row.get('Compare')}]", BAD_PARAMETER, "Compare")
        value = str(row.get("Value", "")).replace("'", "''")
        found += [_Token("mark", mark) for mark in str(row.get("Left") or "").strip()]
        found += [
            _Token("word", str(row.get("FieldName", ""))),
            _Token("word" if compare == "like" else "op", compare),
            _Token("text", f"'{value}'"),
        ]
        found += [_Token("mark", mark) for mark in str(row.get("Right") or "").strip()]
        if index < len(rows) - 1:
            found.append(_Token("word", "or" if str(row.get("Logic", "0")) == "1" else "and"))
    return found


class _Parser:
    """Reads tokens from left to right; `or` binds weaker than `and`."""

    def __init__(self, tokens: list[_Token], find: Find) -> None:
        self._tokens = tokens
        self._place = 0
        self._find = find

    def whole(self) -> Condition:
        condition = self._either()
        if self._place < len(self._tokens):
            raise self._unexpected()
        return condition

    def _either(self) -> Condition:
        parts = [self._both()]
        while self._skip_word("or"):
            parts.append(self._both())
        return _joined(parts, " OR ")

    def _both(self) -> Condition:
        parts = [self._one()]
        while self._skip_word("and"):
            parts.append(self._one())
        return _joined(parts, " AND ")

    def _one(self) -> Condition:
        if not self._skip_mark("("):
            return self._comparison()
        inner = self._either()
        if not self._skip_mark(")"):
            raise self._unexpected()
        return inner

    def _comparison(self) -> Condition:
        if self._peek("number"):  # the idiom 1=1
            return self._constant()
        column = self._find(self._take("word"))
        if self._skip_word("is"):
            negated = self._skip_word("not")
            if not self._skip_word("null"):
                raise self._unexpected()
            return Condition(f"{column.sql} IS {'NOT ' if negated else ''}NULL", (), column.in_rows)
        negated = self._skip_word("not")
        if self._skip_word("in"):
            return self._membership(column, negated=negated)
        if self._skip_word("like"):
            sql = f"{column.sql} {'NOT ' if negated else ''}LIKE ?"
            return Condition(sql, (_unquoted(self._take("text")),), column.in_rows)
        if negated:
            raise self._unexpected()
        operator = self._take("op").replace("!=", "<>")
        return Condition(f"{_comparable(column)} {operator} ?", (self._value(column),), column.in_rows)

    def _constant(self) -> Condition:
        left, operator, right = self._take("number"), self._take("op"), self._take("number")
        return Condition(f"CAST(? AS REAL) {operator} CAST(? AS REAL)", (left, right), in_rows=False)

    def _membership(self, column: Column, *, negated: bool) -> Condition:
        if not self._skip_mark("("):
            raise self._unexpected()
        values = [self._value(column)]
        while self._skip_mark(","):
            values.append(self._value(column))
        if not self._skip_mark(")"):
            raise self._unexpected()
        places = ",".join("?" * len(values))
        sql = f"{_comparable(column)} {'NOT ' if negated else ''}IN ({places})"
        return Condition(sql, tuple(values), column.in_rows)

    def _value(self, column: Column) -> object:
        kind = "number" if self._peek("number") else "text"
        text = self._take(kind)
        return _typed(_unquoted(text) if kind == "text" else text, column)

    def _peek(self, kind: str) -> bool:
        return self._place < len(self._tokens) and self._tokens[self._place].kind == kind

    def _take(self, kind: str) -> str:
        if not self._peek(kind):
            raise self._unexpected()
        self._place += 1
        return self._tokens[self._place - 1].text

    def _skip_word(self, word: str) -> bool:
        return self._skip("word", word)

    def _skip_mark(self, mark: str) -> bool:
        return self._skip("mark", mark)

    def _skip(self, kind: str, text: str) -> bool:
        if not self._peek(kind) or self._tokens[self._place].text.lower() != text:
            return False
        self._place += 1
        return True

    def _unexpected(self) -> Refused:
        rest = self._tokens[self._place].text if self._place < len(self._tokens) else "<end>"
        return Refused(f"过滤条件语法错误：{rest}", BAD_PARAMETER, "FilterString")


def _joined(parts: Sequence[Condition], word: str) -> Condition:
    if len(parts) == 1:
        return parts[0]
    sql = "(" + word.join(part.sql for part in parts) + ")"
    values = tuple(value for part in parts for value in part.values)
    return Condition(sql, values, any(part.in_rows for part in parts))


def _comparable(column: Column) -> str:
    return f"CAST({column.sql} AS REAL)" if column.kind == "number" else column.sql


def _unquoted(text: str) -> str:
    return text.removeprefix("N")[1:-1].replace("''", "'")


def _typed(text: str, column: Column) -> object:
    try:
        if column.kind in ("date", "time"):
            return local_time(text)
        if column.kind == "integer":
            return int(text)
        if column.kind == "number":
            return float(Decimal(text))
    except (ValueError, InvalidOperation):
        message = f"字段[{column.key}]的过滤值[{text}]格式不正确"
        raise Refused(message, BAD_PARAMETER, column.key) from None
    return text
