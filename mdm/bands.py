"""Bands of scored pairs: what merges without a steward needs a posterior, and a clear lead over every rival.

A pure function of all pairs, so the order in which records came means nothing. Two candidates of one record are no
rivals where they are at home together, or are themselves as surely one thing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from canonical.stewardship import SourceRef
from mdm.judgement import Model

LEAD = 3.0
"""In log-odds: twenty times as likely as any rival."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two records and the posterior that they are one thing."""

    a: SourceRef
    b: SourceRef
    posterior: float


def bands(
    pairs: Sequence[Pair], homes: Mapping[SourceRef, str], model: Model
) -> dict[tuple[SourceRef, SourceRef], Literal["auto", "review"]]:
    """The band of every pair. `homes`: what a record is called by its keys alone."""
    sure = {frozenset((_home(one.a, homes), _home(one.b, homes))) for one in pairs if one.posterior >= model.auto}
    near: dict[SourceRef, dict[str, float]] = {}
    for one in pairs:
        for ref, other in ((one.a, one.b), (one.b, one.a)):
            at = near.setdefault(ref, {})
            home = _home(other, homes)
            at[home] = max(at.get(home, -math.inf), log_odds(one.posterior))

    def leads(ref: SourceRef, other: SourceRef, odds: float) -> bool:
        home = _home(other, homes)
        rivals = (best for name, best in near[ref].items() if name != home and frozenset((name, home)) not in sure)
        return all(odds - best >= LEAD for best in rivals)

    def band(one: Pair) -> Literal["auto", "review"]:
        odds = log_odds(one.posterior)
        may = model.may_merge and one.posterior >= model.auto
        return "auto" if may and leads(one.a, one.b, odds) and leads(one.b, one.a, odds) else "review"

    return {(one.a, one.b): band(one) for one in pairs}


def _home(ref: SourceRef, homes: Mapping[SourceRef, str]) -> str:
    return homes.get(ref, str(ref))


def log_odds(posterior: float) -> float:
    """The log-odds of a posterior, held away from certainty."""
    held = min(max(posterior, 1e-12), 1 - 1e-12)
    return math.log(held / (1 - held))
