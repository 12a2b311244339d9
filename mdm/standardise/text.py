"""One written form for one text: full width, traditional characters and case carry no meaning in master records."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any

CJK = re.compile(r"[\u3400-\u9fff]")
_SPACE = re.compile(r"\s+")
_WORD = re.compile(r"[a-z]+|\d+(?:\.\d+)?|[\u3400-\u9fff]+")
_SQUASH = re.compile(r"[^a-z0-9\u3400-\u9fff]+")
_SIGNS = str.maketrans(
    {"×": "x", "✕": "x", "＊": "*", "∗": "*", "ø": "φ", "Ø": "φ", "Φ": "φ", "⌀": "φ", "ϕ": "φ", "μ": "u", "µ": "u"}
)


@lru_cache(maxsize=1)
def _converter() -> Any:  # noqa: ANN401 - the library has no types
    from opencc import OpenCC  # noqa: PLC0415 - loads dictionaries; only a room that matches needs them

    return OpenCC("t2s")


@lru_cache(maxsize=200_000)
def normalise(text: str) -> str:
    """NFKC, signs of one kind, simplified characters, lower case, single spaces."""
    flat = unicodedata.normalize("NFKC", text.translate(_SIGNS)).translate(_SIGNS).casefold()
    if CJK.search(flat):
        flat = _converter().convert(flat)
    return _SPACE.sub(" ", flat).strip()


def words(text: str) -> list[str]:
    """Runs of Latin letters, numbers, and Chinese characters of a normalised text; accents are dropped."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return _WORD.findall(plain)


def squash(text: str) -> str:
    """Letters, digits and Chinese characters only: `MDR EX32LP/BLK` and `MDREX32LPBLK` become one string."""
    return _SQUASH.sub("", text)


def is_chinese(text: str) -> bool:
    """Whether the text holds a Chinese character."""
    return CJK.search(text) is not None
