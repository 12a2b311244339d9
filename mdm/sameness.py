"""Pairs that standardising leaves nothing to tell apart: they need no model to be one thing, and no learning.

A company is its core, trade and branch at one place, or with a number or address that both sides write; a material
is its name and every part of its specification. Who has a double on its own side is left to the matcher or a steward.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mdm.block import Pairs, Side
from mdm.match_policy import Column, MatchPolicy
from mdm.standardise.items import lengths_of, parse_item
from mdm.standardise.partners import address, parse_partner
from mdm.standardise.text import is_chinese, squash

_FACTS: dict[str, Callable[[str], str]] = {"code": squash, "date": squash, "category": squash, "address": address}
_EXCLUDING = frozenset({"code", "date", "category"})
"""Facts that are written one way: two that differ are two things, or something for a steward."""
_SPELT_OUT = 2
"""A specification of fewer parts is a name that many materials have."""
_PLAIN = frozenset({"noun", "form", "latin", "brand"})


class _Firm(NamedTuple):
    core: str
    trade: str
    branch: str
    region: str


def identical(left: Side, right: Side, pairs: Pairs, policy: MatchPolicy) -> NDArray[np.bool_]:
    """Whether a pair's names say the same, facts do not differ, and neither has a double on its own side."""
    ours, theirs = _told(left, policy), _told(right, policy)
    once = [
        {told for told, count in Counter(side).items() if count == 1 and told is not None} for side in (ours, theirs)
    ]
    alone = once[0] & once[1]
    facts = [_Fact.of(column, left.columns[k], right.columns[k]) for k, column in enumerate(policy.columns)]
    stated = [fact for fact in facts if fact is not None]
    return np.array(
        [
            ours[i] in alone and ours[i] == theirs[j] and _agree(ours[i], [fact.between(i, j) for fact in stated])
            for i, j in zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)
        ],
        dtype=np.bool_,
    )


def vouched(left: Side, right: Side, pairs: Pairs, policy: MatchPolicy) -> NDArray[np.bool_]:
    """Whether more than its name says that a company is the other: one place, or a number or address both write.

    Namesakes are many, and the model sees no difference where little is written; of other things every pair is.
    """
    firms = [index for index, column in enumerate(policy.columns) if column.kind == "company"]
    if not firms or policy.of_kind("name"):
        return np.ones(len(pairs), dtype=np.bool_)
    facts = [_Fact.of(column, left.columns[k], right.columns[k]) for k, column in enumerate(policy.columns)]
    places = [[parse_partner(text).region for text in side.columns[firms[0]]] for side in (left, right)]

    def told(i: int, j: int) -> bool:
        said = [fact.between(i, j) for fact in facts if fact is not None and fact.kind in {"code", "address"}]
        placed = bool(places[0][i]) and places[0][i] == places[1][j]
        return placed or any(a and a == b for _, a, b in said)

    return np.array(
        [told(i, j) for i, j in zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)], dtype=np.bool_
    )


class _Fact(NamedTuple):
    kind: str
    ours: list[str]
    theirs: list[str]

    @classmethod
    def of(cls, column: Column, ours: Sequence[str], theirs: Sequence[str]) -> _Fact | None:
        spell = _FACTS.get(column.kind)
        return cls(column.kind, [spell(one) for one in ours], [spell(one) for one in theirs]) if spell else None

    def between(self, left: int, right: int) -> tuple[str, str, str]:
        return self.kind, self.ours[left], self.theirs[right]


def _agree(told: Hashable, facts: Sequence[tuple[str, str, str]]) -> bool:
    said = [(kind, a, b) for kind, a, b in facts if a and b]
    if any(a != b for kind, a, b in said if kind in _EXCLUDING):
        return False
    placed = not isinstance(told, _Firm) or bool(told.region)
    return placed or any(a == b for kind, a, b in said if kind in {"code", "address"})


def _told(side: Side, policy: MatchPolicy) -> list[Hashable]:
    """What each record's name says, to the last part; None where it says too little to stand for one thing."""
    firms = [index for index, column in enumerate(policy.columns) if column.kind == "company"]
    if firms and not policy.of_kind("name"):
        return [_firm(text) for text in side.columns[firms[0]]]
    return [_item(text) for text in _named(side, policy)]


def _named(side: Side, policy: MatchPolicy) -> list[str]:
    """What the columns of a name say together, each column once."""
    names = dict.fromkeys(v for v, column in zip(side.columns, policy.columns, strict=True) if column.kind == "name")
    return [" ".join(texts) for texts in zip(*names, strict=True)] if names else [""] * len(side)


def _firm(text: str) -> Hashable:
    firm = parse_partner(text)
    return _Firm(firm.core, firm.trade, firm.branch, firm.region) if firm.core and firm.trade else None


def _item(text: str) -> Hashable:
    item = parse_item(text)
    spelt = item.parts.keys() - _PLAIN
    if len(spelt) < _SPELT_OUT:
        return None
    return item.head, tuple(sorted(item.parts.items())), lengths_of(item.text)


def spelt_alike(left: Side, right: Side, pairs: Pairs, policy: MatchPolicy) -> NDArray[np.bool_]:
    """Whether two Chinese specifications say the same parts, whatever their codes look like."""
    ours, theirs = ([_specified(text) for text in _named(side, policy)] for side in (left, right))
    both = zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)
    return np.array([ours[i] is not None and ours[i] == theirs[j] for i, j in both], dtype=np.bool_)


def _specified(text: str) -> Hashable:
    item = parse_item(text)
    parts = {kind: said for kind, said in item.parts.items() if kind not in {"noun", "form"}}
    return (tuple(sorted(parts.items())), lengths_of(item.text)) if parts and is_chinese(text) else None
