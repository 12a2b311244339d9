"""Texts with `{symbol}` in them: checked at load, filled from values only; nothing of Python can be reached."""

from __future__ import annotations

import string
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from rules.scope import Scope, Symbol, UnknownSymbol


class TemplateError(ValueError):
    """A template cannot be used; `hint` says what may have been meant."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        self.hint = hint
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Template:
    """A checked text: pieces of literal text and symbols in turn."""

    pieces: tuple[str | Symbol, ...]

    @classmethod
    def checked(cls, text: str, scope: Scope) -> Template:
        """Raises `TemplateError` where a symbol is unknown or the braces do not match."""
        try:
            parsed = list(string.Formatter().parse(text))
        except ValueError as error:
            raise TemplateError(str(error), "write {{ and }} for braces that are meant as such") from None
        pieces: list[str | Symbol] = []
        for literal, name, spec, conversion in parsed:
            if literal:
                pieces.append(literal)
            if name is None:
                continue
            if spec or conversion:
                raise TemplateError(f"{{{name}}} takes no format", "write the symbol alone")
            pieces.append(_symbol(name, scope))
        return cls(tuple(pieces))

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """The symbols it names."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Symbol))

    def fill(self, value: Callable[[Symbol], object]) -> str:
        """The text; a number is written plainly, null as a dash."""
        return "".join(piece if isinstance(piece, str) else _written(value(piece)) for piece in self.pieces)


def _symbol(name: str, scope: Scope) -> Symbol:
    try:
        return scope.symbol(name)
    except UnknownSymbol as error:
        raise TemplateError(str(error), error.hint) from None


def _written(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return "–" if value is None else str(value)
