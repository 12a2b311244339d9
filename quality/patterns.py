"""The part of regular expressions that a rulebook may use.

Two engines judge the same rule, and one of them backtracks; so only what means the same in both and
cannot run away is allowed: literals, ASCII classes, counted and starred single characters, plain groups.
"""

from __future__ import annotations

import re
from typing import Final

MAX_LENGTH: Final = 200
_TOKEN: Final = re.compile(
    r"""
    (?P<class>\[\^?[A-Za-z0-9 _.,:;/+#@%&=!~*()<>-]+\])
  | (?P<escape>\\[.+*?()\[\]{}|/\\-])
  | (?P<open>\((?:\?:)?)
  | (?P<close>\))
  | (?P<repeat>[*+?]|\{[0-9]{1,3}(?:,[0-9]{0,3})?\})
  | (?P<or>\|)
  | (?P<literal>[^\\\[\](){}|*+?^$])
    """,
    re.VERBOSE,
)
_REPEATABLE: Final = frozenset({"class", "escape", "literal"})


def pattern_fault(pattern: str) -> str | None:
    """Why a pattern is refused; None where it is fine."""
    if len(pattern) > MAX_LENGTH:
        return f"pattern longer than {MAX_LENGTH} characters"
    place, before = 0, ""
    while place < len(pattern):
        token = _TOKEN.match(pattern, place)
        if token is None:
            return f"{pattern[place]!r} at {place + 1} is not allowed in a pattern"
        kind = str(token.lastgroup)
        if kind == "repeat" and before not in _REPEATABLE | ({"close"} if token.group() == "?" else set()):
            return f"{token.group()!r} at {place + 1} may repeat a single character or class only"
        place, before = token.end(), kind
    try:
        re.compile(pattern)
    except re.error as error:
        return f"not a pattern: {error}"
    return None


def whole(pattern: str, end: str) -> str:
    """The pattern anchored at both ends; `end` is the engine's own mark for the very end of the text."""
    return f"^(?:{pattern}){end}"
