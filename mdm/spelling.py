"""Searching Chinese names on a Latin keyboard: by pinyin (`luosi`), by initials (`ls`), or as they are written.

A query becomes one regular expression over the names, so nothing has to be spelt out and kept beforehand: every
character stands for all its readings (重 answers to `chong` and `zhong`). Readings: pypinyin's dictionary.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from itertools import islice

from mdm.standardise.text import normalise

LONGEST_QUERY = 80
_MOST_SPELLINGS = 24
_LONGEST_SYLLABLE = 6
_RUN = re.compile(r"[a-z]+|[^a-z]+")
_FIRST, _LAST = 0x4E00, 0x9FFF


@cache
def _readings() -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Syllable → its characters, and initial letter → its characters; tones are dropped, `lü` is `lu` and `lv`."""
    from pypinyin.pinyin_dict import pinyin_dict  # noqa: PLC0415 - 40,000 entries; only who searches needs them

    syllables: dict[str, set[str]] = defaultdict(set)
    for point, readings in pinyin_dict.items():
        if _FIRST <= point <= _LAST:
            for reading in readings.split(","):
                for syllable in _toneless(reading):
                    syllables[syllable].add(chr(point))
    initials: dict[str, set[str]] = defaultdict(set)
    for syllable, characters in syllables.items():
        initials[syllable[0]] |= characters
    return _joined(syllables), _joined(initials)


def _joined(sets: Mapping[str, set[str]]) -> Mapping[str, str]:
    return {key: "".join(sorted(characters)) for key, characters in sets.items()}


def _toneless(reading: str) -> set[str]:
    parts = unicodedata.normalize("NFD", reading)
    plain = "".join(one for one in parts if one.isascii())
    return {plain, plain.replace("u", "v")} if "\u0308" in parts else {plain}


@lru_cache(maxsize=256)
def search_patterns(query: str) -> tuple[str, ...]:
    """One pattern for each word of the query; a name fits where all of them are found in its `searchable` form.

    They are regular expressions that Python and Polars read alike.
    """
    return tuple(_pattern(word) for word in normalise(query[:LONGEST_QUERY]).split())


def searchable(text: str) -> str:
    """A name as patterns are held against it: normalised, without spaces, so that `lsm8` finds 螺栓 M8."""
    return normalise(text).replace(" ", "")


def fits(query: str, text: str) -> bool:
    """Whether every word of the query stands in the text, as written or by its pinyin."""
    plain = searchable(text)
    return all(_compiled(pattern).search(plain) for pattern in search_patterns(query))


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _pattern(word: str) -> str:
    return "".join(_spelt(run) if run[0].isascii() and run.isalpha() else re.escape(run) for run in _RUN.findall(word))


def _spelt(letters: str) -> str:
    """As initials (each a letter or a character that begins with it), or as syllables one after another."""
    syllables, initials = _readings()
    by_initials = "".join(f"[{letter}{initials.get(letter, '')}]" for letter in letters)
    spellings = islice(_spellings(letters, syllables), _MOST_SPELLINGS)
    return f"(?:{'|'.join((by_initials, *spellings))})"


def _spellings(letters: str, syllables: Mapping[str, str]) -> Iterator[str]:
    """Ways to read letters as syllables, the last of which may be typed in part."""
    if not letters:
        yield ""
        return
    if len(letters) < _LONGEST_SYLLABLE:
        begun = "".join(characters for syllable, characters in syllables.items() if syllable.startswith(letters))
        if begun:
            yield f"[{''.join(sorted(set(begun)))}]"
    for length in range(min(len(letters), _LONGEST_SYLLABLE), 1, -1):
        characters = syllables.get(letters[:length])
        if characters and length < len(letters):
            yield from (f"[{characters}]{rest}" for rest in _spellings(letters[length:], syllables))
        elif characters and length == _LONGEST_SYLLABLE:
            yield f"[{characters}]"
