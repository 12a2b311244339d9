"""Fields and entities in English sentences, by the names pages give them.

Apart from the words that every start of the command line reads, for the entities bring the frames' library with them.
"""

from __future__ import annotations

import re

from canonical.entities import ENTITIES
from console.words.words import Words

_QUOTED_OR_CODE = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\b[a-z]+(?:_[a-z]+)+\b""")
_CODES = frozenset({*ENTITIES, *(field for model in ENTITIES.values() for field in model.model_fields)})


def broken(words: Words, message: str) -> str:
    """What is wrong with a record, its fields by name.

    `lead_time_days: not a whole number: 'x_y'` → `lead time days: not a whole number: 'x_y'`; what a record says, in
    quotes, stays as it is.
    """
    return words.told(message) if words.language == "zh" else _QUOTED_OR_CODE.sub(_named, message)


def _named(found: re.Match[str]) -> str:
    text = found.group()
    return text.replace("_", " ") if text in _CODES else text
