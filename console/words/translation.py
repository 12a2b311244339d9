"""Finds the Chinese of a sentence that a room below said in English, also inside a longer text.

Texts are put together as `system/entity/key: message (hint)`, `one; another` and `message. Hint`: each part is
looked for by itself, and what stays unknown stays as it was said.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from string import Formatter

from console.words.sentences import SENTENCES
from console.words.terms import TERMS

_BLANK = "{}"
_CHINESE = re.compile("[\u4e00-\u9fff]")


@lru_cache(maxsize=4096)
def translated(text: str) -> str | None:
    """The text in Chinese as far as it is known; None where nothing of it is."""
    if not text:
        return None
    readings = (
        _whole(text), _with_aside(text), _joined(text, "; ", "；"), _placed(text), _joined(text, ". ", "。"),
    )  # fmt: skip
    return min((reading for reading in readings if reading), key=_left_in_english, default=None)


def _left_in_english(text: str) -> int:
    return sum(character.isascii() and character.isalpha() for character in text)


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Sentences as patterns, those that say most by themselves first."""
    ordered = sorted(SENTENCES, key=lambda english: len(english.replace(_BLANK, "")), reverse=True)
    return tuple((re.compile(_pattern(english), re.DOTALL), SENTENCES[english]) for english in ordered)


def _pattern(english: str) -> str:
    first, *rest = (re.escape(part) for part in english.split(_BLANK))
    # What stands in brackets of its own ends with them.
    blanks = ("([^()]*)" if part.startswith("\\)") else "(.+?)" for part in rest)
    return first + "".join(blank + part for blank, part in zip(blanks, rest, strict=True))


def _whole(text: str) -> str | None:
    for pattern, chinese in _patterns():
        found = pattern.fullmatch(text)
        if found:
            return _filled(chinese, [TERMS.get(blank) or translated(blank) or blank for blank in found.groups()])
    return None


def _filled(chinese: str, blanks: Sequence[str]) -> str:
    """A sentence with its blanks filled in; the space that sets a code or a figure off stands between no two words."""
    text = ""
    for said, blank, _, _ in Formatter().parse(chinese):
        for part in (said, "" if blank is None else blanks[int(blank)]):
            text = _joint(text, part)
    return text


def _joint(before: str, after: str) -> str:
    if before.endswith(" ") and _CHINESE.match(before[-2:-1]) and _CHINESE.match(after):
        return before[:-1] + after
    if after.startswith(" ") and _CHINESE.match(before[-1:]) and _CHINESE.match(after[1:]):
        return before + after[1:]
    return before + after


def _with_aside(text: str) -> str | None:
    """`message (hint)`."""
    opening = _opening(text)
    if opening is None or text[opening - 1 : opening] != " ":
        return None
    before, aside = text[: opening - 1], text[opening + 1 : -1]
    said, hint = translated(before), translated(aside)
    return f"{said or before}（{hint or aside}）" if said or hint else None


def _opening(text: str) -> int | None:
    """Where the bracket opens that closes at the end."""
    depth = 0
    for at in range(len(text) - 1 if text.endswith(")") else -1, -1, -1):
        depth += {")": 1, "(": -1}.get(text[at], 0)
        if depth == 0:
            return at
    return None


def _joined(text: str, mark: str, chinese: str) -> str | None:
    parts = text.split(mark)
    found = [translated(part) for part in parts] if len(parts) > 1 else []
    if not any(found):
        return None
    return chinese.join(said or part for said, part in zip(found, parts, strict=True))


def _placed(text: str) -> str | None:
    """`where: message`, from the longest message to the shortest."""
    for match in re.finditer(r": |(?<=:\d) |(?<=:\d\d) |(?<=:\d\d\d) ", text):
        said = translated(text[match.end() :])
        if said:
            where = text[: match.start()]
            return f"{TERMS.get(where, where) if '_' in where else where}：{said}"
    return None
