"""Matching two tables nobody wrote a policy for, where the matches are known; what is wanted stands beside each figure.

Without labels; with 300 decisions of a simulated steward; with 40 % of the partners removed at random. Pairs that merge
by themselves have figures of their own, and so has the queue. Public sets are looked for at `MILLSTREAM_MATCHING_SETS`;
one that is not there is left out. The made sets are there so that no method is tuned to the others.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.labelled_sets import Labelled, labelled, thinned
from benchmarks.made_sets import MADE, made
from benchmarks.measuring import Figure
from mdm.evaluate import Evaluation, evaluate

F1 = {"abt-buy": 0.94, "dblp-acm": 0.987, "febrl4": 0.999, "materials": 0.95, "companies": 0.95}
"""Wanted without labels."""
TAUGHT = {"abt-buy": 0.98}
"""Wanted with `LABELS` decisions."""
AUTO_RECALL = {"dblp-acm": 0.8, "febrl4": 0.95}
AUTO_PRECISION = 0.995
LABELS, REMOVED, LOST = 300, 0.4, 0.03
"""Decisions; the share of partners removed, and the most F1 may lose by it."""
DRAWS = {"abt-buy": range(1, 14)}
FEW_DRAWS = range(1, 4)
"""How often that is tried."""
MADE_F1 = 0.94


def measure() -> list[Figure]:
    """Every set that is at hand."""
    known = [figure for name in F1 if (found := labelled(name)) is not None for figure in _set(name, found)]
    return [*known, *(figure for name in MADE for figure in _made(name))]


def _made(name: str) -> Iterator[Figure]:
    seen = evaluate(*made(name))
    yield Figure(f"made {name}: F1 without labels, wanted beside it", seen.f1, MADE_F1, "F1")
    yield Figure(f"made {name}: recall of what merged by itself", seen.auto_recall, seen.recall, "share")
    yield from _auto(f"made {name}", seen)
    yield from _auto(f"made {name}, few partners", evaluate(*made(name, shared=0.25)))


def _set(name: str, given: Labelled) -> Iterator[Figure]:
    whole = evaluate(*given)
    yield Figure(f"{name}: F1 without labels, wanted beside it", whole.f1, F1[name], "F1")
    yield from _auto(name, whole)
    if name in AUTO_RECALL:
        yield Figure(f"{name}: recall of what merged by itself", whole.auto_recall, AUTO_RECALL[name], "share")
    yield Figure(f"{name}: pairs in the queue, matches there are beside it", whole.queue, whole.truth, "pairs")
    if name in TAUGHT:
        taught = evaluate(*given, labels=LABELS)
        yield Figure(f"{name}: F1 with {LABELS} decisions, wanted beside it", taught.f1, TAUGHT[name], "F1")
        yield from _auto(f"{name} with {LABELS} decisions", taught)
    for seed in DRAWS.get(name, FEW_DRAWS):
        fewer = evaluate(*thinned(*given, REMOVED, seed))
        what = f"{name} without {REMOVED:.0%} of the partners, draw {seed}"
        yield Figure(f"{what}: F1 lost, the most allowed beside it", max(0.0, whole.f1 - fewer.f1), LOST, "F1")
        yield from _auto(what, fewer)


def _auto(what: str, seen: Evaluation) -> Iterator[Figure]:
    if seen.auto_merged:
        yield Figure(f"{what}: precision of what merged by itself", seen.auto_precision, AUTO_PRECISION, "share")
