"""One value as a page shows it: our own words in the reader's language, moments on the plant's clocks."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from canonical.strict_json import dumps
from console.words.words import Words

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")
_PEOPLE = frozenset({"person", "system"})

Clock = Callable[[datetime], str]
"""Writes a moment as the plant's clocks show it."""


def shown(value: object) -> str:
    """One value in a table cell, as codes and figures are written."""
    if value is None:
        return "–"
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, (dict, list)):
        return dumps(value)
    return str(value)


def spoken(words: Words, clock: Clock, value: object) -> str:
    """The same value for a reader: yes and no, moments, and what a word of ours means (`lot_for_lot`)."""
    if isinstance(value, bool):
        return words.say("value.yes" if value else "value.no")
    if isinstance(value, datetime):
        return clock(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(spoken(words, clock, one) for one in value) or "–"
    if isinstance(value, dict):
        colon, comma = words.say("value.colon"), words.say("value.semicolon")
        return comma.join(
            f"{words.shown(name, 'field')}{colon}{spoken(words, clock, one)}" for name, one in value.items()
        )
    if isinstance(value, str):
        return clock(datetime.fromisoformat(value)) if _is_moment(value) else _worded(words, value)
    return shown(value)


def _is_moment(text: str) -> bool:
    if not _MOMENT.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _worded(words: Words, text: str) -> str:
    key = f"value.{text}"
    known = words.term(key)
    return text if known == key else known


def acting(words: Words, actor: str) -> str:
    """Who acted: `person:li.wei` is li.wei, `rule:make-to-order` the rule make-to-order."""
    kind, mark, name = actor.partition(":")
    if not mark:
        return actor
    return name if kind in _PEOPLE else f"{words.shown(kind, 'actor')} {name}"
