"""Made-up suppliers as standardised records, with everything that makes them hard to tell apart, and the truth.

Among the suppliers themselves: companies of one name in two regions, branches that share their head office's name and
now and then its phone, sisters of one group under one roof. A fifth of the records are copies, some suppliers have
several: letters mistyped, numbers changed by a digit, values lost, an office that moved (and took a new phone), the
branch or the region left out. Nothing here knows how they will be matched.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

Rows = NDArray[np.int64]
Values = NDArray[np.object_]
COLUMNS = ("core", "trade", "region", "branch", "phone", "tax_number", "street")
HEAD = "head"
"""What the column `branch` says of a head office: a standardised name without a branch says so."""
NAMESAKES, BRANCHES, SISTERS = 0.08, 0.06, 0.04
"""Shares of suppliers that are hard to tell from another one."""
LOST = {"phone": (0.08, 0.25), "tax_number": (0.1, 0.35), "street": (0.04, 0.15), "trade": (0.02, 0.08),
        "region": (0.0, 0.03)}  # fmt: skip
"""How often a value is missing, in originals and in copies."""
MISTYPED = {"core": 0.2, "street": 0.15, "phone": 0.1, "tax_number": 0.05}
MOVED, NEW_PHONE, UNBRANCHED = 0.12, 0.5, 0.03
"""Of copies; the new phone is of those that moved, which keep the region they are registered in."""
_SYLLABLES = np.array(
    [f"{a}{b}" for a in "bcdfghjklmnpqrstvwxyz" for b in ("a", "e", "i", "o", "u", "an", "en", "ing", "ong")]
)
_TRADES = np.array([f"trade{k}" for k in range(40)])
_REGIONS = np.array([f"region{k}" for k in range(120)])
_BRANCHES = np.array([f"branch{k}" for k in range(30)])
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def suppliers(count: int, seed: int = 7) -> tuple[pl.DataFrame, Rows]:
    """Standardised records (`COLUMNS`), and for each the true supplier it belongs to."""
    rng = np.random.default_rng(seed)
    firms = count * 4 // 5
    base = _founded(firms, rng)
    _related(base, firms, rng)
    owner = np.concatenate([np.arange(firms), rng.choice(firms, count - firms)])
    records = {name: values[owner] for name, values in base.items()}
    copies = np.arange(count) >= firms
    _moved(records, np.flatnonzero(copies), rng)
    _mistyped(records, np.flatnonzero(copies), rng)
    _lost(records, copies, rng)
    return pl.DataFrame({name: pl.Series(records[name].tolist(), dtype=pl.String) for name in COLUMNS}), owner


def _founded(firms: int, rng: np.random.Generator) -> dict[str, Values]:
    """Firms that have nothing to do with one another; some syllables are much more popular than others."""
    popular = 1 / np.sqrt(1 + np.arange(len(_SYLLABLES)))
    parts = [rng.choice(_SYLLABLES, firms, p=popular / popular.sum()) for _ in range(3)]
    core = np.char.add(np.char.add(parts[0], parts[1]), parts[2])
    return {
        "core": core.astype(object),
        "trade": rng.choice(_TRADES, firms).astype(object),
        "region": rng.choice(_REGIONS, firms).astype(object),
        "branch": np.full(firms, HEAD, dtype=object),
        "phone": rng.choice(10**9, firms, replace=False).astype(str).astype(object),
        "tax_number": np.char.add("9", rng.choice(10**10, firms, replace=False).astype(str)).astype(object),
        "street": _streets(firms, rng),
    }


def _streets(count: int, rng: np.random.Generator) -> Values:
    name = np.char.add(rng.choice(_SYLLABLES, count), rng.choice(_SYLLABLES, count))
    number = rng.integers(1, 900, count).astype(str)
    return np.char.add(np.char.add(name, "road "), number).astype(object)


def _related(base: dict[str, Values], firms: int, rng: np.random.Generator) -> None:
    """The last of the firms become namesakes, branches and sisters of the first; tax numbers stay their own."""
    counts = [int(firms * share) for share in (NAMESAKES, BRANCHES, SISTERS)]
    founders = firms - sum(counts)
    namesakes, branches, sisters = np.split(np.arange(founders, firms), np.cumsum(counts)[:-1])
    _take(base, namesakes, rng.choice(founders, len(namesakes)), ("core", "trade"))
    heads = rng.choice(founders, len(branches))
    _take(base, branches, heads, ("core", "trade"))
    base["branch"][branches] = rng.choice(_BRANCHES, len(branches))
    _some(base, branches, heads, {"region": 0.4, "street": 0.1, "phone": 0.2}, rng)
    elders = rng.choice(founders, len(sisters))
    _take(base, sisters, elders, ("core", "region", "street"))
    _some(base, sisters, elders, {"phone": 0.3}, rng)


def _take(base: dict[str, Values], rows: Rows, of: Rows, names: Sequence[str]) -> None:
    for name in names:
        base[name][rows] = base[name][of]


def _some(base: dict[str, Values], rows: Rows, of: Rows, shares: dict[str, float], rng: np.random.Generator) -> None:
    for name, share in shares.items():
        chosen = rng.random(len(rows)) < share
        base[name][rows[chosen]] = base[name][of[chosen]]


def _moved(records: dict[str, Values], copies: Rows, rng: np.random.Generator) -> None:
    gone = copies[rng.random(len(copies)) < MOVED]
    records["street"][gone] = _streets(len(gone), rng)
    phones = gone[rng.random(len(gone)) < NEW_PHONE]
    records["phone"][phones] = rng.integers(0, 10**9, len(phones)).astype(str)
    plain = copies[rng.random(len(copies)) < UNBRANCHED]
    records["branch"][plain] = HEAD


def _mistyped(records: dict[str, Values], copies: Rows, rng: np.random.Generator) -> None:
    for name, share in MISTYPED.items():
        for row in copies[rng.random(len(copies)) < share].tolist():
            records[name][row] = _slip(str(records[name][row]), rng)


def _slip(text: str, rng: np.random.Generator) -> str:
    """One letter lost, doubled by another, turned round with its neighbour or wrong; the first stays."""
    at = int(rng.integers(1, len(text))) if len(text) > 1 else 0
    wrong = str(rng.integers(0, 10)) if text[at].isdigit() else _LETTERS[int(rng.integers(0, 26))]
    kind = int(rng.integers(0, 4))
    if kind == 0:
        return text[:at] + text[at + 1 :]
    if kind == 1:
        return text[:at] + wrong + text[at:]
    if kind == 2:  # noqa: PLR2004 - the third of four
        return text[:at] + text[at + 1 : at + 2] + text[at] + text[at + 2 :]
    return text[:at] + wrong + text[at + 1 :]


def _lost(records: dict[str, Values], copies: NDArray[np.bool_], rng: np.random.Generator) -> None:
    for name, (original, copied) in LOST.items():
        share = np.where(copies, copied, original)
        records[name][rng.random(len(copies)) < share] = None


def pair_f1(label: Rows, owner: Rows) -> float:
    """F1 over pairs of records in one cluster."""
    both = pl.DataFrame({"label": label, "owner": owner})

    def pairs(*names: str) -> int:
        return int(both.group_by(names).len().select((pl.col("len") * (pl.col("len") - 1) // 2).sum()).item())

    right = pairs("label", "owner")
    return 2 * right / (pairs("label") + pairs("owner"))
