"""People: names in one written form, whatever the order and title; dates and phone numbers as digits."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mdm.standardise.text import is_chinese, normalise, words

_TITLES = frozenset({"mr", "mrs", "ms", "miss", "dr", "prof", "herr", "frau", "sir", "jr", "sr", "corporate"})
_CHINESE_TITLE = re.compile(r"(先生|女士|小姐|经理|总监|总经理|主任|工程师|老师|博士|教授|总)$")
_COMPOUND = (
    "欧阳",
    "司马",
    "上官",
    "诸葛",
    "司徒",
    "夏侯",
    "皇甫",
    "东方",
    "尉迟",
    "公孙",
    "慕容",
    "令狐",
    "宇文",
    "长孙",
)


@dataclass(frozen=True, slots=True)
class ParsedPerson:
    """A person's name: as it came, its parts in alphabetical order, its family name where the writing tells it."""

    raw: str
    parts: tuple[str, ...]
    family: str


def parse_person(raw: str) -> ParsedPerson:
    """Parse one person's name."""
    text = normalise(raw)
    if is_chinese(text):
        name = _CHINESE_TITLE.sub("", re.sub(r"[\s·]", "", text))
        family = next((name[:2] for known in _COMPOUND if name.startswith(known)), name[:1])
        return ParsedPerson(raw, (family, name[len(family) :]), family)
    before, comma, _ = text.partition(",")
    parts = [word for word in words(text) if word not in _TITLES]
    last = (words(before) if comma else parts)[-1:]
    return ParsedPerson(raw, tuple(sorted(parts)), last[0] if last else "")


def digits(raw: str) -> str:
    """The digits of a date or phone number; international prefixes of China dropped."""
    found = "".join(c for c in normalise(raw) if c.isdigit())
    return re.sub(r"^(?:0086|86)(?=1\d{10}$)", "", found)
