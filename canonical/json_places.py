"""Where each value of a JSON text stands, so that a fault in a file somebody wrote points at its line."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from typing import Any

from canonical.errors import ConfigurationError, Fault
from canonical.strict_json import loads
from canonical.strict_yaml import Document, Path_

_TOKEN = re.compile(r'[ \t\r\n]*("(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+)', re.DOTALL)
_NOT_JSON = "A JSON text is one object, with decimal numbers and each key once"


def parse(text: str, file: str) -> Document:
    """Parse one JSON text; raises `ConfigurationError` with the place of what is wrong."""
    try:
        values = loads(text)
    except json.JSONDecodeError as error:
        raise ConfigurationError(faults=(Fault(file, error.lineno, error.colno, f"not JSON: {error.msg}"),)) from None
    except ValueError as error:
        raise ConfigurationError(faults=(_placed(text, file, str(error)),)) from None
    try:
        return Document(file, values, _Walk(text).places)
    except RecursionError:
        raise ConfigurationError(faults=(Fault(file, 1, 1, "nested too deep"),)) from None


def _placed(text: str, file: str, message: str) -> Fault:
    """A refusal of the strict parser, at the word it names."""
    walk = _Walk(text, deep=False)
    named = re.search(r"^key '(.*)' stands twice$|^number (\S+) is|^(\S+) is not a number$", message)
    if named is None:
        return Fault(file, 1, 1, f"not usable JSON: {message}", _NOT_JSON)
    word = next(part for part in named.groups() if part)
    at = [match.start(1) for match in _TOKEN.finditer(text) if match[1] in {word, json.dumps(word, ensure_ascii=False)}]
    return Fault(file, *walk.place(at[-1] if at else 0), f"not usable JSON: {message}", _NOT_JSON)


class _Walk:
    """One pass over a text that is known to be JSON; keys are placed at their own start, as in YAML."""

    def __init__(self, text: str, *, deep: bool = True) -> None:
        self.lines = [0, *(match.end() for match in re.finditer("\n", text))]
        self.places: dict[Path_, tuple[int, int]] = {}
        if deep:
            self.tokens = _TOKEN.finditer(text)
            self._value(next(self.tokens), ())

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column, from 1."""
        line = bisect_right(self.lines, offset)
        return line, offset - self.lines[line - 1] + 1

    def _value(self, token: re.Match[str], path: Path_) -> None:
        self.places.setdefault(path, self.place(token.start(1)))
        if token[1] == "{":
            self._members(path)
        elif token[1] == "[":
            self._elements(path)

    def _members(self, path: Path_) -> None:
        for key in self._until("}"):
            inner: Path_ = (*path, _text(key[1]))
            self.places[inner] = self.place(key.start(1))
            next(self.tokens)  # the colon
            self._value(next(self.tokens), inner)

    def _elements(self, path: Path_) -> None:
        for number, first in enumerate(self._until("]")):
            self._value(first, (*path, number))

    def _until(self, end: str) -> Any:  # noqa: ANN401 - an iterator of matches
        """The first token of each member, commas taken out."""
        while (token := next(self.tokens))[1] != end:
            yield next(self.tokens) if token[1] == "," else token


def _text(token: str) -> str:
    return str(json.loads(token))
