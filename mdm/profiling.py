"""A policy made from two tables nobody has described: which columns say the same, and what they hold.

Columns of one name belong together. The others are paired by what they hold: shared words, like figures, a name that
hints at one kind, the same place; who finds no counterpart is not compared.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from rapidfuzz.distance import JaroWinkler

from canonical.errors import ConfigurationError
from mdm.block import tokens
from mdm.match_policy import Column, Kind, Matcher, MatchPolicy, Record, amount
from mdm.standardise.partners import parse_partner
from mdm.standardise.text import is_chinese, normalise, words

ENOUGH = 200
"""Fewer records than this cannot teach Splink its weights."""
ALIKE = 0.25
"""Columns less alike than this say different things."""
_ANYTHING = 0.05
"""Columns that share less than this share nothing, unless they hold but a `_FEW` values or are called alike."""
_FEW = 20
_SAMPLE = 2000
_MOST_TOKENS = 20_000
_YEARS = range(1800, 2101)
_TEXTS = frozenset({"name", "text", "category", "company"})
_STRUCTURED = frozenset({"person", "address", "date", "code", "category", "company"})


def profile(left: Sequence[Record], right: Sequence[Record], keys: tuple[str, str]) -> MatchPolicy:
    """Make a policy from what the columns hold.

    Raises `ConfigurationError` when the two tables share nothing that could be compared.
    """
    ours, theirs = (
        [_Said.of(table, name, place) for place, name in enumerate(table[0]) if name != key] if table else []
        for table, key in ((left, keys[0]), (right, keys[1]))
    )
    pairs = paired([one for one in ours if one.values], [one for one in theirs if one.values])
    columns = tuple(
        Column(left=a.name, right=b.name, kind=kind_of((a.name, b.name), (*a.values, *b.values))) for a, b in pairs
    )
    if not columns:
        hint = "; ".join(", ".join(one.name for one in side) or "nothing but a key" for side in (ours, theirs))
        raise ConfigurationError("the two tables have no column in common that could be compared", hint=hint)
    structured = sum(column.kind in _STRUCTURED for column in columns)
    personal = any(column.kind in {"person", "company"} for column in columns)
    matcher: Matcher = "partners" if personal and structured >= 4 and min(len(left), len(right)) >= ENOUGH else "items"  # noqa: PLR2004
    return MatchPolicy(matcher=matcher, columns=columns)


@dataclass(frozen=True, slots=True)
class _Said:
    """A column: its name, its place in the table, a sample of what it says, and how often it says which word."""

    name: str
    place: int
    values: tuple[str, ...]
    kind: Kind
    words: Mapping[str, int]
    figures: tuple[float, ...]

    @classmethod
    def of(cls, table: Sequence[Record], name: str, place: int) -> _Said:
        values = tuple(normalise(value) for value in _values(table, name))
        kind = kind_of((name,), values) if values else "ignore"
        counted = Counter(word for value in values for word in set(tokens(value)))
        figures = tuple(number for value in values if (number := amount(value)) is not None) if kind == "number" else ()
        return cls(name, place, values, kind, dict(counted.most_common(_MOST_TOKENS)), figures)


def paired(left: Sequence[_Said], right: Sequence[_Said]) -> list[tuple[_Said, _Said]]:
    """Columns that say the same, in the order of the left table."""
    named = {one.name.casefold().strip(): one for one in right}
    found = {one.name: named[key] for one in left if (key := one.name.casefold().strip()) in named}
    taken = {one.name for one in found.values()}
    loose = [one for one in left if one.name not in found], [one for one in right if one.name not in taken]
    scored = ((_alike(a, b), a, b) for a in loose[0] for b in loose[1])
    for score, a, b in sorted(scored, key=lambda one: (-one[0], one[1].place, one[2].place)):
        if score >= ALIKE and a.name not in found and b.name not in taken:
            found[a.name] = b
            taken.add(b.name)
    pairs = [(one, found[one.name]) for one in left if one.name in found]
    return [
        *pairs,
        *_told_within([one for one in left if one.name not in found], list(found.values())),
        *((a, b) for b, a in _told_within([one for one in right if one.name not in taken], [a for a, _ in pairs])),
    ]


def _told_within(loose: Sequence[_Said], others: Sequence[_Said]) -> list[tuple[_Said, _Said]]:
    """Texts without a column of their own in the other table, beside the one there that tells them too."""
    worded = [one for one in others if one.kind in _TEXTS]
    found = []
    for one in loose:
        best = max(worded, key=lambda other: _same_words(one, other), default=None) if one.kind in _TEXTS else None
        if best is not None and _same_words(one, best) >= ALIKE:
            found.append((one, best))
    return found


def _alike(left: _Said, right: _Said) -> float:
    """How sure it is that two columns say the same: what they hold, then what they are called and where they stand."""
    called = max(0.0, JaroWinkler.similarity(left.name.casefold(), right.name.casefold()) - 0.7)
    hinted = hint_of(left.name) is not None and hint_of(left.name) == hint_of(right.name)
    held = _same_content(left, right)
    if held < _ANYTHING and not hinted and min(len(left.values), len(right.values)) > _FEW:
        return 0.0
    return held + 0.2 * (left.kind == right.kind) + called + 0.2 * hinted + 0.05 * (left.place == right.place)


def _same_content(left: _Said, right: _Said) -> float:
    kinds = {left.kind, right.kind}
    if kinds == {"number"}:
        return _same_figures(left.figures, right.figures)
    if kinds == {"number", "date"}:
        return 0.5 * any(one.figures and all(number in _YEARS for number in one.figures) for one in (left, right))
    return 0.0 if "number" in kinds else _same_words(left, right)


def _same_words(left: _Said, right: _Said) -> float:
    """Cosine of how often the columns say each word."""
    ours, theirs = left.words, right.words
    shared = sum(count * theirs[word] for word, count in ours.items() if word in theirs)
    size = math.sqrt(sum(n * n for n in ours.values())) * math.sqrt(sum(n * n for n in theirs.values()))
    return shared / size if size else 0.0


def _same_figures(left: Sequence[float], right: Sequence[float]) -> float:
    """How far the two columns' figures cover the same magnitudes, and whether both or neither are whole."""
    ours, theirs = (Counter(round(2 * math.log10(1 + abs(one))) for one in some) for some in (left, right))
    over = sum(min(ours[size] / len(left), theirs[size] / len(right)) for size in ours)
    whole = [sum(one == int(one) for one in some) / len(some) > 0.9 for some in (left, right)]  # noqa: PLR2004
    return 0.5 * over * (whole[0] == whole[1])


def _values(records: Sequence[Record], column: str) -> list[str]:
    step = max(1, len(records) // _SAMPLE)
    return [value for record in records[::step] if (value := (record[column] or "").strip())]


_HINTS: tuple[tuple[Kind, tuple[str, ...]], ...] = (
    ("code", ("id", "code", "sku", "email", "e-mail", "phone", "tel", "fax", "postcode", "zip", "soc_sec", "ssn", "tax",
              "mail", "isbn", "ean", "gtin", "upc", "编号", "编码", "代码", "电话", "手机", "税号", "邮编")),
    ("date", ("date", "birth", "dob", "日期", "生日")),
    ("address", ("address", "street", "suburb", "addr", "地址", "住址")),
    ("person", ("given_name", "surname", "first_name", "last_name", "forename", "family_name", "given", "contact",
                "姓名", "联系人")),
    ("company", ("company", "supplier", "customer", "vendor", "partner", "公司", "供应商", "客户", "企业", "单位名称")),
    ("people", ("authors", "author", "artist", "artists", "writer", "writers", "作者")),
)  # fmt: skip
_WORD_OF_NAME = re.compile(r"[a-z]+")
_PART = 5
"""A Latin hint of fewer letters has to be a word of the name of its own: `ean` is not in `european`."""


def hint_of(name: str) -> Kind | None:
    """What a column's name says it holds; None where it says nothing."""
    said = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip()).casefold()
    own = set(_WORD_OF_NAME.findall(said))
    for kind, hints in _HINTS:
        if any(hint in own or (hint in said and (len(hint) >= _PART or not hint.isascii())) for hint in hints):
            return kind
    return None


def kind_of(names: Sequence[str], values: Sequence[str]) -> Kind:
    """What columns hold: their names say it, else their values."""
    hints = [hint for name in names if (hint := hint_of(name)) is not None]
    return hints[0] if hints else _kind_of_values([normalise(value) for value in values])


def _kind_of_values(normal: Sequence[str]) -> Kind:
    distinct = len(set(normal)) / len(normal)
    if sum(_numeric(value) for value in normal) > 0.9 * len(normal):
        long_codes = median(len(value) for value in normal) >= 6 and all("." not in value for value in normal[:50])  # noqa: PLR2004
        return "code" if long_codes and distinct > 0.5 else "number"  # noqa: PLR2004
    if _companies(normal) > 0.5:  # noqa: PLR2004
        return "company"
    return _worded(normal, distinct)


def _companies(values: Sequence[str]) -> float:
    return sum(bool(parse_partner(value).legal) for value in values[:500]) / len(values[:500])


def _worded(values: Sequence[str], distinct: float) -> Kind:
    length = median(len(words(value)) for value in values)
    if distinct < 0.1 and length <= 6:  # noqa: PLR2004
        return "category"
    if (
        length == 1
        and not any(is_chinese(value) for value in values[:50])
        and sum(_coded(v) for v in values) > 0.6 * len(values)
    ):
        return "code"
    return "name" if length <= 14 else "text"  # noqa: PLR2004


def _coded(value: str) -> bool:
    return any(c.isdigit() for c in value)


def _numeric(value: str) -> bool:
    return bool(amount(value) is not None and len([c for c in value if c.isalpha()]) <= 3)  # noqa: PLR2004
