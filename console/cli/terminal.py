"""Where a verb speaks to its caller: data on stdout, progress on stderr and only to a person, in their language."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import IntEnum
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from canonical.actors import Actor
from console.words.words import Words

PIPE_WIDTH = 200
"""A table that nobody looks at on a screen must not be cut to the width of one."""


class Exit(IntEnum):
    """What the exit code tells a script."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    UNREACHABLE = 3
    PARKED = 4
    INTERNAL = 101
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Terminal:
    """One call's language, environment and streams; `json`: stdout carries one JSON value and nothing else."""

    words: Words
    environ: Mapping[str, str]
    out: Console
    err: Console
    json: bool = False
    debug: bool = False
    actor: Actor | None = None
    """Who calls, once they were admitted to a verb that needs a role."""

    @classmethod
    def open(cls, words: Words, environ: Mapping[str, str], *, json: bool = False, debug: bool = False) -> Terminal:
        """The terminal of this process."""
        return cls(words, environ, _console(environ), _console(environ, stderr=True), json, debug)

    @property
    def person(self) -> Actor:
        """Who acts; only verbs that need a role have one."""
        if self.actor is None:
            raise PermissionError("nobody was admitted")
        return self.actor

    def say(self, key: str, /, **values: object) -> str:
        """A sentence in the caller's language."""
        return self.words.say(key, **values)

    def term(self, word: object, kind: str = "") -> str:
        """A word of the hub's own, such as a state, in the caller's language."""
        return self.words.term(str(word), kind)

    def told(self, text: str | None) -> str | None:
        """What a room below said, in the caller's language as far as it is known."""
        return text and self.words.told(text)

    def answer(self, value: object, draw: Callable[[], None]) -> None:
        """The verb's result: as JSON where asked for, drawn for a person otherwise."""
        if self.json:
            self.out.file.write(as_json(value) + "\n")
        else:
            draw()

    def line(self, key: str = "", /, **values: object) -> None:
        """One sentence on stdout; an empty line without a key."""
        self.out.print(self.say(key, **values) if key else "", soft_wrap=True)

    def text(self, text: str, style: str = "") -> None:
        """Text as it is on stdout."""
        self.out.print(Text(text, style=style), soft_wrap=True)

    def heading(self, key: str, /, **values: object) -> None:
        """A heading on stdout."""
        self.text(self.say(key, **values), "bold")

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Iterable[int] = ()) -> None:
        """A table; `columns` are keys of the catalogue, `right` the columns of numbers."""
        drawn = Table(show_edge=False, pad_edge=False, header_style="bold")
        numbers = set(right)
        for index, column in enumerate(columns):
            title = self.say(column) if self.words.knows(column) else column
            drawn.add_column(title, justify="right" if index in numbers else "left", overflow="fold")
        for row in rows:
            drawn.add_row(*(Text(shown(value)) for value in row))
        self.out.print(drawn)

    def progress(self, key: str, /, **values: object) -> None:
        """What is going on, for a person who waits."""
        if self.err.is_terminal:
            self.err.print(Text(self.say(key, **values), style="dim"))

    def complain(self, text: str, style: str = "red") -> None:
        """An error or a warning, on stderr."""
        self.err.print(Text(text, style=style), soft_wrap=True)


def _console(environ: Mapping[str, str], *, stderr: bool = False) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    wide = None if stream.isatty() or environ.get("COLUMNS") else PIPE_WIDTH
    return Console(
        stderr=stderr, width=wide, markup=False, highlight=False, emoji=False,
        no_color=True if environ.get("NO_COLOR") else None,
    )  # fmt: skip


def shown(value: object) -> str:
    """One value in a table cell."""
    if value is None:
        return "–"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {shown(part)}" for name, part in value.items())
    return str(value)


def as_json(value: object) -> str:
    """A verb's answer as JSON; decimals and times as text, since a reader's floats would not be exact."""
    return json.dumps(value, ensure_ascii=False, indent=2, default=_plain)


def _plain(value: object) -> Any:  # noqa: ANN401 - whatever JSON can say
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, (set, frozenset, tuple)):
        return sorted(value) if isinstance(value, (set, frozenset)) else list(value)
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)
