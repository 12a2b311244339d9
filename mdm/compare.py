"""Comparing: the features of a candidate pair, each a number a steward can be shown.

Absent values are NaN: silence is no evidence. Nothing here looks at other pairs; rivalry is `mdm.match_items`' part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdm.block import Floats, Index, Pairs, Side, grams, tfidf, tokens
from mdm.match_policy import Kind, MatchPolicy, amount
from mdm.standardise.items import ParsedItem, agreements, contradictions, parse_item
from mdm.standardise.partners import ParsedPartner, address, parse_partner, partner_contradictions
from mdm.standardise.people import digits, parse_person
from mdm.standardise.text import squash

TEXTUAL = ("name", "text", "company", "people", "address")
_LONG_NAME = 60


@dataclass(frozen=True, slots=True)
class Compared:
    """Features by name (one column each), the similarity all of them give together, and what contradicts."""

    names: tuple[str, ...]
    matrix: Floats
    base: Floats
    vetoes: tuple[tuple[str, ...], ...]
    """Per pair, the parts in which the two records exclude each other."""
    categories: tuple[tuple[Index, Index], ...]
    """Per category column, the pair's values as numbers (-1: absent)."""

    @property
    def vetoed(self) -> NDArray[np.bool_]:
        """Pairs that nothing but a steward may join."""
        return np.array([bool(veto) for veto in self.vetoes], dtype=bool)


def compare(left: Side, right: Side, pairs: Pairs, policy: MatchPolicy) -> Compared:
    """Features of every pair."""
    features: dict[str, Floats] = {}
    similar: list[Floats] = []
    for index, (label, column) in enumerate(zip(labels_of(policy), policy.columns, strict=True)):
        ours, theirs = left.columns[index], right.columns[index]
        features |= _column(label, column.kind, ours, theirs, pairs)
    words, chars = _cosines(tokens, left.whole, right.whole, pairs), _cosines(grams, left.whole, right.whole, pairs)
    features |= {"all:words": words[0], "all:shared": words[1], "all:grams": chars[0]}
    features |= _codes(left, right, pairs)
    parsed, vetoes = _parsed(left, right, pairs, policy)
    features |= parsed
    similar = [
        value
        for name, value in features.items()
        if name.endswith((":words", ":grams", ":shared", ":alike")) and np.isfinite(value).mean() > 0.5  # noqa: PLR2004
    ]
    base = np.nanmean(np.vstack([*similar, words[0], chars[0]]), axis=0) + 0.5 * features["code:held"]
    matrix = np.column_stack(list(features.values())) if len(pairs) else np.zeros((0, len(features)))
    categories = tuple(
        _numbered(left.columns[index], right.columns[index], pairs)
        for index, column in enumerate(policy.columns)
        if column.kind == "category"
    )
    return Compared(tuple(features), matrix, base, vetoes, categories)


def labels_of(policy: MatchPolicy) -> list[str]:
    """What each compared pair of columns is called: as on the left, or as on the right where the left is taken."""
    names = [column.left for column in policy.columns]
    return [
        column.left if column.left not in names[:place] else column.right for place, column in enumerate(policy.columns)
    ]


def _column(name: str, kind: Kind, ours: Sequence[str], theirs: Sequence[str], pairs: Pairs) -> dict[str, Floats]:
    if kind in TEXTUAL:
        cosine, shared = _cosines(tokens, ours, theirs, pairs)
        found = {f"{name}:words": cosine, f"{name}:shared": shared}
        if kind != "text":
            found[f"{name}:grams"] = _cosines(grams, ours, theirs, pairs)[0]
            found[f"{name}:alike"] = _alike(_spelling(kind), ours, theirs, pairs)
        return found
    if kind == "number":
        return _numbers(name, ours, theirs, pairs)
    if kind == "category":
        return {f"{name}:alike": _alike(squash, ours, theirs, pairs)}
    return {f"{name}:alike": _alike(_spelling(kind), ours, theirs, pairs)}


def _spelling(kind: str) -> Callable[[str], str]:
    return {
        "people": lambda text: " ".join(parse_person(text).parts),
        "person": lambda text: " ".join(parse_person(text).parts),
        "company": lambda text: parse_partner(text).name,
        "address": address,
        "date": digits,
        "code": squash,
    }.get(kind, lambda text: text)


def _alike(spell: Callable[[str], str], ours: Sequence[str], theirs: Sequence[str], pairs: Pairs) -> Floats:
    """Jaro-Winkler of the spellings."""
    from rapidfuzz.distance import JaroWinkler  # noqa: PLC0415
    from rapidfuzz.process import cpdist  # noqa: PLC0415

    a, b = [spell(text)[:_LONG_NAME] for text in ours], [spell(text)[:_LONG_NAME] for text in theirs]
    said = [a[i] for i in pairs.left], [b[j] for j in pairs.right]
    scores = cpdist(*said, scorer=JaroWinkler.similarity, dtype=np.float64) if len(pairs) else np.zeros(0)
    absent = np.array([not x or not y for x, y in zip(*said, strict=True)], dtype=bool)
    return np.where(absent, np.nan, scores)


def _cosines(analyse: Any, ours: Sequence[str], theirs: Sequence[str], pairs: Pairs) -> tuple[Floats, Floats]:  # noqa: ANN401
    """Cosine of the TF-IDF vectors, and the idf share of the shorter text that the longer one holds."""
    a, b, idf = tfidf(analyse, ours, theirs)
    absent = (np.diff(a.indptr) == 0)[pairs.left] | (np.diff(b.indptr) == 0)[pairs.right]
    cosine = _dots(a, b, pairs)
    weighted = [matrix.copy() for matrix in (a, b)]
    for matrix in weighted:
        matrix.data = np.ones_like(matrix.data)
    shared = _dots(weighted[0].multiply(idf).tocsr(), weighted[1], pairs)
    sums = [np.asarray(matrix @ idf) for matrix in weighted]
    least = np.minimum(sums[0][pairs.left], sums[1][pairs.right])
    held = shared / np.where(least > 0, least, 1)
    return np.where(absent, np.nan, cosine), np.where(absent, np.nan, held)


def _dots(a: Any, b: Any, pairs: Pairs, chunk: int = 20_000) -> Floats:  # noqa: ANN401
    parts = [
        np.asarray(a[pairs.left[k : k + chunk]].multiply(b[pairs.right[k : k + chunk]]).sum(axis=1)).ravel()
        for k in range(0, len(pairs), chunk)
    ]
    return np.concatenate(parts) if parts else np.zeros(0)


def _numbers(name: str, ours: Sequence[str], theirs: Sequence[str], pairs: Pairs) -> dict[str, Floats]:
    a = np.array([np.nan if (n := amount(text)) is None else n for text in ours])[pairs.left]
    b = np.array([np.nan if (n := amount(text)) is None else n for text in theirs])[pairs.right]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(a == b, 1.0, np.minimum(abs(a), abs(b)) / np.maximum(abs(a), abs(b)))
    near = np.where(np.isnan(ratio), np.nan, np.exp(-abs(a - b)))
    return {f"{name}:ratio": ratio, f"{name}:near": near}


def _codes(left: Side, right: Side, pairs: Pairs) -> dict[str, Floats]:
    """How rare the best shared code is, whether one side's code stands anywhere in the other, and the nearest codes."""
    from rapidfuzz.distance import JaroWinkler  # noqa: PLC0415

    flat = [[squash(text) for text in side.whole] for side in (left, right)]
    rarity = _rarity(left, right)
    held, nearest, missed = np.zeros(len(pairs)), np.full(len(pairs), np.nan), np.zeros(len(pairs))
    for k, (i, j) in enumerate(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)):
        ours, theirs = left.codes[i], right.codes[j]
        found = [code for code in ours if code in flat[1][j]] + [code for code in theirs if code in flat[0][i]]
        held[k] = max((rarity[code] * min(1.0, len(code) / 6) for code in found), default=0.0)
        if ours and theirs:
            nearest[k] = max(JaroWinkler.similarity(x, y) for x in ours for y in theirs)
            strong = [max(said, key=lambda code: (rarity[code], len(code), code)) for said in (ours, theirs)]
            missed[k] = float(strong[0] not in flat[1][j]) + float(strong[1] not in flat[0][i])
    return {"code:held": held, "code:nearest": nearest, "code:missed": missed}


def _rarity(left: Side, right: Side) -> dict[str, float]:
    """1 for a code one record of a side holds, falling to 0 for one that all hold."""
    counts: dict[str, int] = {}
    for side in (left, right):
        for codes in side.codes:
            for code in codes:
                counts[code] = counts.get(code, 0) + 1
    total = np.log(max(2, len(left) + len(right)))
    return {code: float(1 - np.log(max(1, count / 2)) / total) for code, count in counts.items()}


def _parsed(
    left: Side, right: Side, pairs: Pairs, policy: MatchPolicy
) -> tuple[dict[str, Floats], tuple[tuple[str, ...], ...]]:
    companies = [index for index, column in enumerate(policy.columns) if column.kind == "company"]
    agreed, against, figures = np.zeros(len(pairs)), np.zeros(len(pairs)), np.full(len(pairs), np.nan)
    vetoes: list[tuple[str, ...]] = []
    if companies and not policy.of_kind("name"):  # a supplier beside an item's name is only an attribute
        firms = [_firms(side, companies[0]) for side in (left, right)]
        for k, (i, j) in enumerate(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)):
            a, b = firms[0][i], firms[1][j]
            vetoes.append(partner_contradictions(a, b) if a.text and b.text else ())
            agreed[k] = (a.core == b.core) + (a.region == b.region) + (a.trade == b.trade)
        return {"firm:agreed": agreed}, tuple(vetoes)
    names = [index for index, column in enumerate(policy.columns) if column.kind in {"name", "text", "code"}]
    names = [index for index in names if policy.columns[index].kind != "code"] or names
    items = [_items(side, names) for side in (left, right)]
    for k, (i, j) in enumerate(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)):
        a, b = items[0][i], items[1][j]
        vetoes.append(contradictions(a, b))
        agreed[k], against[k] = agreements(a, b), len(vetoes[-1])
        figures[k] = _jaccard(a, b)
    return {"spec:agreed": agreed, "spec:against": against, "spec:figures": figures}, tuple(vetoes)


def _firms(side: Side, column: int) -> list[ParsedPartner]:
    return [parse_partner(text) for text in side.columns[column]]


def _items(side: Side, columns: Sequence[int]) -> list[ParsedItem]:
    return [parse_item(" ".join(side.columns[index][row] for index in columns)) for row in range(len(side))]


def _jaccard(left: ParsedItem, right: ParsedItem) -> float:
    ours, theirs = set(left.parts.get("numbers", ())), set(right.parts.get("numbers", ()))
    return len(ours & theirs) / len(ours | theirs) if ours and theirs else float("nan")


def _numbered(ours: Sequence[str], theirs: Sequence[str], pairs: Pairs) -> tuple[Index, Index]:
    a, b = ({value: number for number, value in enumerate(sorted({*side} - {""}))} for side in (ours, theirs))
    return (
        np.array([a.get(ours[i], -1) for i in pairs.left], dtype=np.int64),
        np.array([b.get(theirs[j], -1) for j in pairs.right], dtype=np.int64),
    )
