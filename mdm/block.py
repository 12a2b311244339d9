"""Blocking: which pairs are worth comparing. Nearest texts both ways, and shared rare codes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdm.match_policy import MatchPolicy, Record
from mdm.standardise.items import codes_of
from mdm.standardise.text import normalise, squash, words

Index = NDArray[np.int64]
Floats = NDArray[np.float64]

RARE = 12
"""A code that more records of a side hold says too little to pair them."""
_CHUNK = 512


@dataclass(frozen=True, slots=True)
class Side:
    """One table, ready to be compared: texts by compared column, everything said, and the codes in it."""

    records: tuple[Record, ...]
    columns: tuple[tuple[str, ...], ...]
    """Normalised values, per column of the policy and record."""
    whole: tuple[str, ...]
    codes: tuple[frozenset[str], ...]

    def __len__(self) -> int:
        return len(self.records)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Candidate pairs as positions in the two sides, sorted and each once."""

    left: Index
    right: Index

    def __len__(self) -> int:
        return len(self.left)


def prepare(records: Sequence[Record], policy: MatchPolicy, which: str) -> Side:
    """Standardise one table; `which` is `left` or `right`."""
    names = [getattr(column, which) for column in policy.columns]
    columns = tuple(tuple(normalise(record.get(name) or "") for record in records) for name in names)
    spoken = [
        index
        for index, column in enumerate(policy.columns)
        if column.kind not in {"number", "category"} and names[index] not in names[:index]
    ]
    whole = tuple(" ".join(columns[index][row] for index in spoken) for row in range(len(records)))
    return Side(tuple(records), columns, whole, tuple(frozenset(codes_of(text)) for text in whole))


def tokens(text: str) -> list[str]:
    """Words of a normalised text; Chinese runs as single characters and bigrams."""
    found: list[str] = []
    for word in words(text):
        if "\u3400" <= word[0] <= "\u9fff":
            found += [*word, *(word[k : k + 2] for k in range(len(word) - 1))]
        else:
            found.append(word)
    return found


def grams(text: str) -> list[str]:
    """Runs of three to five characters of the squashed text: blind to spaces and hyphens in codes."""
    flat = squash(text)
    return [flat[k : k + n] for n in (3, 5) for k in range(len(flat) - n + 1)] or [flat]


def tfidf(analyse: Any, left: Sequence[str], right: Sequence[str]) -> tuple[Any, Any, Floats]:  # noqa: ANN401
    """L2-normalised TF-IDF of both sides over one vocabulary, and the idf of its terms."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415

    vectorizer = TfidfVectorizer(analyzer=analyse, sublinear_tf=True, dtype=np.float64)
    try:
        matrix = vectorizer.fit_transform([*left, *right]).tocsr()
    except ValueError:  # nothing was said on either side
        from scipy.sparse import csr_matrix  # noqa: PLC0415

        matrix = csr_matrix((len(left) + len(right), 1))
        return matrix[: len(left)], matrix[len(left) :], np.ones(1)
    return matrix[: len(left)], matrix[len(left) :], vectorizer.idf_


def nearest(left: Any, right: Any, k: int) -> Iterable[tuple[int, int]]:  # noqa: ANN401
    """The `k` rows of `right` most alike each row of `left`, ties by position."""
    flipped = right.T.tocsr()
    for start in range(0, left.shape[0], _CHUNK):
        product = (left[start : start + _CHUNK] @ flipped).tocsr()
        for row in range(product.shape[0]):
            begin, end = product.indptr[row], product.indptr[row + 1]
            value, column = product.data[begin:end], product.indices[begin:end]
            order = np.lexsort((column, -value))[:k]
            yield from ((start + row, int(column[one])) for one in order)


def block(left: Side, right: Side, policy: MatchPolicy) -> Pairs:
    """Candidate pairs of two sides."""
    found: set[tuple[int, int]] = set()
    names = _named(policy)
    for analyse, ours, theirs in (
        (tokens, left.whole, right.whole),
        (grams, _joined(left, names), _joined(right, names)),
    ):
        a, b, _ = tfidf(analyse, ours, theirs)
        found.update(nearest(a, b, policy.candidates))
        found.update((i, j) for j, i in nearest(b, a, policy.candidates))
    found.update(_by_code(left.codes, right.codes))
    return as_pairs(found)


def as_pairs(found: Collection[tuple[int, int]]) -> Pairs:
    """Sorted arrays: the same pairs, whatever order they were found in."""
    ordered = np.array(sorted(found), dtype=np.int64).reshape(-1, 2)
    return Pairs(ordered[:, 0].copy(), ordered[:, 1].copy())


def _named(policy: MatchPolicy) -> list[int]:
    kinds = ("name", "company", "person", "code", "people", "address")
    named = [index for index, column in enumerate(policy.columns) if column.kind in kinds]
    return named or list(range(len(policy.columns)))


def _joined(side: Side, names: Sequence[int]) -> list[str]:
    return [" ".join(side.columns[index][row] for index in names) for row in range(len(side))]


def _by_code(left: Sequence[frozenset[str]], right: Sequence[frozenset[str]]) -> Iterable[tuple[int, int]]:
    ours, theirs = _holders(left), _holders(right)
    for code in ours.keys() & theirs.keys():
        if len(ours[code]) <= RARE and len(theirs[code]) <= RARE:
            yield from ((i, j) for i in ours[code] for j in theirs[code])


def _holders(codes: Sequence[frozenset[str]]) -> dict[str, list[int]]:
    held: dict[str, list[int]] = defaultdict(list)
    for row, said in enumerate(codes):
        for code in said:
            held[code].append(row)
    return held


@dataclass(frozen=True, slots=True)
class Blocking:
    """How much blocking left to compare, and what it lost where the truth is known."""

    pairs: int
    possible: int
    reduction: float
    completeness: float | None


def analyse_blocking(
    pairs: Pairs, sizes: tuple[int, int], truth: Collection[tuple[int, int]] | None = None
) -> Blocking:
    """Pairs kept, share of all pairs saved, and the share of true pairs kept."""
    possible = sizes[0] * sizes[1]
    kept = set(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))
    complete = sum(pair in kept for pair in truth) / len(truth) if truth else None
    return Blocking(len(kept), possible, 1 - len(kept) / possible if possible else 0.0, complete)
