"""SOQL, the subset the CRM answers: parsed into a tree, then into one SQL statement with parameters."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from sandbox.crm.errors import CrmError
from sandbox.crm.schema import Field, SObject, long_id, moment, sobject, stamp

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<text>'(?:[^'\\]|\\.)*')
      |(?P<word>[A-Za-z_][A-Za-z0-9_.]*)
      |(?P<moment>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))
      |(?P<date>\d{4}-\d\d-\d\d)
      |(?P<number>-?\d+(?:\.\d+)?)
      |(?P<sign><=|>=|!=|<>|=|<|>|\(|\)|,))""",
    re.VERBOSE,
)
_SIGNS: Final = {"=": "IS", "!=": "IS NOT", "<>": "IS NOT", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_ESCAPES: Final = re.compile(r"\\(.)")
_MOST_CONDITIONS: Final = 100


def _malformed(message: str) -> CrmError:
    return CrmError(400, "MALFORMED_QUERY", message)


@dataclass(frozen=True, slots=True)
class Path:
    """A selected field: the relations to walk and the field at the end."""

    relations: tuple[str, ...]
    field: Field


@dataclass(slots=True)
class Statement:
    """A query ready to run. `columns` are the selected paths in the order of `sql`'s columns."""

    sobject: SObject
    columns: list[Path] = field(default_factory=list)
    count_only: bool = False
    sql: str = ""
    parameters: list[Any] = field(default_factory=list)


def compile_soql(text: str) -> Statement:
    """The SQL for a SOQL text; CrmError MALFORMED_QUERY, INVALID_TYPE or INVALID_FIELD."""
    return _Compiler(text).statement()


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if found is None:
            raise _malformed(f"unexpected token: '{text[at:].strip()[:20]}' at position {at}")
        at = found.end()
        assert found.lastgroup is not None
        yield found.lastgroup, found[found.lastgroup]


class _Compiler:
    """One recursive descent over the tokens; joins are collected as dotted paths are met."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0
        self._joins: dict[tuple[str, ...], str] = {}
        self._conditions = 0
        self._statement: Statement

    def statement(self) -> Statement:
        self._expect("SELECT")
        names = self._selected()
        self._expect("FROM")
        self._statement = Statement(self._object(self._word("an object name")))
        self._statement.count_only = names == ["COUNT()"]
        if not self._statement.count_only:
            self._statement.columns = [self._path(name) for name in names]
        selected = [self._column(path) for path in self._statement.columns] or ["COUNT(*)"]
        where = f" WHERE {self._any()}" if self._accept("WHERE") else ""
        tail = self._order() + self._limit()
        if self._at < len(self._tokens):
            raise _malformed(f"unexpected token: '{self._tokens[self._at][1]}'")
        joins = " ".join(self._joins.values())
        base = f'"{self._statement.sobject.name}" t0'
        self._statement.sql = f"SELECT {', '.join(selected)} FROM {base} {joins}{where}{tail}"
        return self._statement

    def _selected(self) -> list[str]:
        names = [self._word("a field name")]
        if names[0].upper() == "COUNT" and self._accept("("):
            self._expect(")")
            return ["COUNT()"]
        while self._accept(","):
            names.append(self._word("a field name"))
        if len({name.lower() for name in names}) < len(names):
            raise _malformed("duplicate field selected")
        return names

    def _object(self, name: str) -> SObject:
        try:
            return sobject(name)
        except CrmError:
            text = f"sObject type '{name}' is not supported."
            raise CrmError(400, "INVALID_TYPE", text) from None

    def _path(self, dotted: str) -> Path:
        *relations, last = dotted.split(".")
        current, walked = self._statement.sobject, []
        for name in relations:
            reference = current.relation(name)
            if reference is None or reference.target is None:
                text = f"Didn't understand relationship '{name}' in field path of entity '{current.name}'."
                raise CrmError(400, "INVALID_FIELD", text)
            walked.append(name)
            self._join(tuple(walked), reference)
            current = sobject(reference.target)
        return Path(tuple(relations), current.field(last))

    def _join(self, relations: tuple[str, ...], reference: Field) -> None:
        if relations not in self._joins:
            alias, parent = _alias(relations), _alias(relations[:-1])
            self._joins[relations] = f'LEFT JOIN "{reference.target}" {alias} ON {alias}.Id = {parent}.{reference.name}'

    def _column(self, path: Path) -> str:
        return f"{_alias(path.relations)}.{path.field.name}"

    def _any(self) -> str:
        terms = [self._all()]
        while self._accept("OR"):
            terms.append(self._all())
        return f"({' OR '.join(terms)})"

    def _all(self) -> str:
        terms = [self._term()]
        while self._accept("AND"):
            terms.append(self._term())
        return " AND ".join(terms)

    def _term(self) -> str:
        if self._accept("("):
            inner = self._any()
            self._expect(")")
            return inner
        if self._accept("NOT"):
            return f"NOT {self._term()}"
        return self._comparison()

    def _comparison(self) -> str:
        self._conditions += 1
        if self._conditions > _MOST_CONDITIONS:
            raise _malformed("too many conditions")
        path = self._path(self._word("a field name"))
        column = self._column(path)
        compared = f"CAST({column} AS REAL)" if path.field.type == "double" else column
        if self._accept("LIKE"):
            return f"{column} LIKE {self._bind(path.field)}"
        negated = "NOT " if self._accept("NOT") else ""
        if self._accept("IN"):
            return f"{compared} {negated}IN ({', '.join(self._listed(path.field))})"
        kind, sign = self._next()
        if negated or kind != "sign" or sign not in _SIGNS:
            raise _malformed(f"unexpected token: '{sign}', an operator was expected")
        return f"{compared} {_SIGNS[sign]} {self._bind(path.field)}"

    def _listed(self, target: Field) -> list[str]:
        self._expect("(")
        found = [self._bind(target)]
        while self._accept(","):
            found.append(self._bind(target))
        self._expect(")")
        return found

    def _bind(self, target: Field) -> str:
        kind, text = self._next()
        self._statement.parameters.append(_literal(target, kind, text))
        return "?"

    def _order(self) -> str:
        if not self._accept("ORDER"):
            return ""
        self._expect("BY")
        terms = [self._ordering()]
        while self._accept(","):
            terms.append(self._ordering())
        return f" ORDER BY {', '.join(terms)}"

    def _ordering(self) -> str:
        path = self._path(self._word("a field name"))
        column = self._column(path)
        compared = f"CAST({column} AS REAL)" if path.field.type == "double" else column
        direction = " DESC" if self._accept("DESC") else ""
        if not direction:
            self._accept("ASC")
        if self._accept("NULLS"):
            return f"{compared}{direction} NULLS {'LAST' if self._accept('LAST') else self._expect('FIRST')}"
        return f"{compared}{direction}"

    def _limit(self) -> str:
        if not self._accept("LIMIT"):
            return ""
        kind, text = self._next()
        if kind != "number" or not text.isdigit():
            raise _malformed(f"unexpected token: '{text}', a whole number was expected")
        return f" LIMIT {int(text)}"

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise _malformed("unexpected end of query")
        self._at += 1
        return self._tokens[self._at - 1]

    def _word(self, wanted: str) -> str:
        kind, text = self._next()
        if kind != "word":
            raise _malformed(f"unexpected token: '{text}', {wanted} was expected")
        return text

    def _accept(self, wanted: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at][1].upper() == wanted:
            self._at += 1
            return True
        return False

    def _expect(self, wanted: str) -> str:
        if not self._accept(wanted):
            found = self._tokens[self._at][1] if self._at < len(self._tokens) else "<EOF>"
            raise _malformed(f"unexpected token: '{found}', {wanted} was expected")
        return wanted


def _alias(relations: tuple[str, ...]) -> str:
    return "_".join(("t0", *relations))


def _unquoted(text: str) -> str:
    return _ESCAPES.sub(r"\1", text[1:-1])


_READ: Final[dict[tuple[str, str], Callable[[str], str | float]]] = {
    ("boolean", "word"): lambda text: {"true": 1, "false": 0}[text.lower()],
    ("double", "number"): float,
    ("date", "date"): lambda text: date.fromisoformat(text).isoformat(),
    ("datetime", "moment"): lambda text: stamp(moment(text)),
    ("id", "text"): lambda text: long_id(_unquoted(text)),
    ("reference", "text"): lambda text: long_id(_unquoted(text)),
    ("string", "text"): _unquoted,
}


def _literal(target: Field, kind: str, text: str) -> str | float | None:
    """A literal of the kind the field takes; a quoted date or a bare word is refused, as in Salesforce."""
    if kind == "word" and text.lower() == "null":
        return None
    try:
        return _READ[target.type, kind](text)
    except (KeyError, ValueError):
        pass
    reason = f"value of filter criterion for field '{target.name}' must be of type {target.type}: {text}"
    raise CrmError(400, "INVALID_FIELD", reason)
